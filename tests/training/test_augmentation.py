from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gridsearch.training.arrays import to_device
from gridsearch.training.recipe.augmentation import Augmentation, draw_augmentation
from gridsearch.training.recipe.normalization import make_normalizer
from tests.training.conftest import config

CPU = torch.device("cpu")
ALL: dict[str, Any] = {"flip": True, "crop_padding": 2, "rotation": 15.0, "shift": 0.1, "zoom": 0.2}


def drawn(count: int = 200, size: tuple[int, int] = (9, 9), epoch: int = 1, **recipe: Any) -> Augmentation:
    found = draw_augmentation(config(**recipe), count, size, epoch, CPU)
    assert found is not None
    return found


def images(count: int, channels: int = 3, size: tuple[int, int] = (9, 9)) -> Tensor:
    return torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(0))


def test_nothing_asked_for_is_nothing_done() -> None:
    assert draw_augmentation(config(), 10, (9, 9), 1, CPU) is None


def test_it_does_not_depend_on_how_the_epoch_is_cut_and_is_drawn_anew_each_epoch() -> None:
    pixels, change = images(200), drawn(**ALL)
    whole = change(pixels, 0)
    cut = torch.cat([change(part, start) for start, part in zip((0, 64, 128, 192), pixels.split(64), strict=True)])
    assert torch.equal(whole, cut)
    assert torch.equal(whole, drawn(**ALL)(pixels, 0))
    assert not torch.equal(whole, drawn(**ALL, epoch=2)(pixels, 0))
    assert not torch.equal(whole, drawn(**ALL, data_seed=1)(pixels, 0))
    assert torch.equal(whole, drawn(**ALL, seed=1)(pixels, 0))
    assert whole.min() >= 0 and whole.max() <= 1


def test_about_half_of_the_images_are_mirrored_and_the_others_stay() -> None:
    pixels = images(200)
    out = drawn(flip=True)(pixels, 0)
    mirrored = (out == pixels.flip(3)).flatten(1).all(1)
    assert torch.equal(out[~mirrored], pixels[~mirrored])
    assert 70 < mirrored.sum() < 130


def test_crops_are_the_padded_image_at_every_place() -> None:
    pixels = images(400)
    out = drawn(400, crop_padding=1)(pixels, 0)
    padded = torch.nn.functional.pad(pixels, (1, 1, 1, 1))
    places = set()
    for index in range(400):
        fits = [
            (y, x)
            for y in range(3)
            for x in range(3)
            if torch.equal(out[index], padded[index, :, y : y + 9, x : x + 9])
        ]
        assert len(fits) == 1
        places.add(fits[0])
    assert len(places) == 9


@pytest.mark.parametrize("size", [(9, 9), (9, 15)])
def test_a_right_angle_turns_and_a_whole_shift_moves_exactly(size: tuple[int, int]) -> None:
    height, width = size
    dot = torch.zeros(1, 1, height, width)
    dot[0, 0, 4, width // 2 + 3] = 1.0
    change = drawn(1, size, rotation=90.0)
    angle = torch.atan2(change.maps[0, 0, 1] * width / height, change.maps[0, 0, 0])  # type: ignore[index]
    turned = change(dot, 0)
    # The dot stays 3 pixels from the middle, turned by the angle drawn.
    rows, columns = torch.meshgrid(torch.arange(height) - 4.0, torch.arange(width) - float(width // 2), indexing="ij")
    weight = turned[0, 0] / turned.sum()
    middle = torch.stack([(weight * columns).sum(), (weight * rows).sum()])
    expected = 3 * torch.stack([angle.cos(), angle.sin()])
    torch.testing.assert_close(middle, expected.float(), atol=0.15, rtol=0)
    moved = drawn(1, size, shift=0.3)
    down, right = (-moved.maps[0, :, 2].flip(0) * torch.tensor(size) / 2).tolist()  # type: ignore[index]
    spot = moved(dot, 0)[0, 0]
    found = torch.stack([(spot * (rows + 4)).sum(), (spot * (columns + width // 2)).sum()]) / spot.sum()
    torch.testing.assert_close(found, torch.tensor([4 + down, width // 2 + 3 + right]), atol=0.05, rtol=0)


def test_zoom_makes_larger_and_smaller() -> None:
    square = torch.zeros(100, 1, 21, 21)
    square[:, :, 7:14, 7:14] = 1.0
    areas = drawn(100, (21, 21), zoom=0.3)(square, 0).sum((1, 2, 3)) / 49
    assert areas.min() == pytest.approx(0.7**2, abs=0.1)
    assert areas.max() == pytest.approx(1.3**2, abs=0.1)


@pytest.mark.parametrize("kind", ["scale", "channel", "image"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("recipe", [{}, *({key: value} for key, value in ALL.items()), ALL], ids=str)
def test_a_model_is_always_given_images_laid_out_alike(recipe: dict[str, Any], channels: int, kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 9, 9, channels), dtype=np.uint8)
    arrays = to_device(pixels, np.zeros(30, dtype=np.int64), CPU)
    arrays = replace(arrays, normalizer=make_normalizer(kind, arrays.images))
    augment = draw_augmentation(config(**recipe), 30, (9, 9), 1, CPU)
    for part, original, _ in arrays.chunks(torch.arange(30).flip(0), 8):
        given = arrays.normalized(augment(original, 0) if augment else original)
        for batch in torch.split(given, 8):
            assert batch.is_contiguous() and batch.stride() == torch.empty(batch.shape).stride(), part
    for evaluated, _ in arrays.in_order(8):
        assert evaluated.stride() == torch.empty(evaluated.shape).stride()
