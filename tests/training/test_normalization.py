from __future__ import annotations

import pytest
import torch
from torchvision.models import get_model_weights
from torchvision.transforms.functional import normalize

from gridsearch.models.pretrained import WITH_IMAGENET
from gridsearch.training.arrays import DeviceArrays
from gridsearch.training.recipe.normalization import Normalizer, make_normalizer

BYTES = torch.randint(0, 256, (5000, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.zeros(5000, dtype=torch.int64)


def test_scaling_leaves_pixels_between_0_and_1() -> None:
    assert make_normalizer("scale", BYTES) is None


@pytest.mark.parametrize("images", [BYTES, BYTES / 255.0], ids=["bytes", "floats"])
def test_by_channel_the_training_images_have_mean_0_and_deviation_1(images: torch.Tensor) -> None:
    arrays = DeviceArrays(images, LABELS, make_normalizer("channel", images))
    (pixels, _) = next(arrays.in_order(5000))
    torch.testing.assert_close(pixels.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(pixels.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", WITH_IMAGENET)
def test_imagenets_is_that_of_torchvisions_weights(name: str) -> None:
    theirs = get_model_weights(name).IMAGENET1K_V1.transforms()
    normalizer = make_normalizer("imagenet", BYTES)
    assert normalizer is not None and normalizer.mean is not None and normalizer.std is not None
    assert (normalizer.mean.flatten().tolist(), normalizer.std.flatten().tolist()) == (theirs.mean, theirs.std)
    torch.testing.assert_close(normalizer(BYTES / 255.0), normalize(BYTES / 255.0, theirs.mean, theirs.std))
    grey = make_normalizer("imagenet", BYTES[:, :1])
    assert grey is not None and grey.mean is not None and grey.std is not None
    assert grey.mean.item() == pytest.approx(sum(theirs.mean) / 3, abs=1e-3)
    assert grey.std.item() == pytest.approx(sum(theirs.std) / 3, abs=1e-3)


def test_by_image_each_has_mean_0_and_deviation_1_and_an_even_one_is_zeros() -> None:
    normalizer = make_normalizer("image", BYTES)
    assert normalizer is not None
    pixels = torch.cat([BYTES[:3] / 255.0, torch.full((1, 3, 4, 4), 0.3)])
    out = normalizer(pixels)
    torch.testing.assert_close(out[:3].mean((1, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out[:3].std((1, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out[3], torch.zeros(3, 4, 4), atol=1e-5, rtol=0)


def test_a_channel_that_is_the_same_everywhere_becomes_zeros() -> None:
    images = BYTES.clone()
    images[:, 1] = 7
    normalizer = make_normalizer("channel", images)
    assert normalizer is not None
    assert (normalizer(images / 255.0)[:, 1].abs() < 1e-5).all()


@pytest.mark.parametrize("shape", [(5,), (3, 7), (2, 3, 4, 2)])
def test_numbers_of_any_shape_are_standardised_by_their_first_axis(shape: tuple[int, ...]) -> None:
    # Times in seconds: their squares in float64 would leave nothing of what they vary by.
    numbers = torch.randn(5000, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 1.7e9
    numbers[:, 0] = 3.0
    normalizer = make_normalizer("channel", numbers, as_given=True)
    assert normalizer and normalizer.mean is not None and normalizer.mean.shape == (shape[0], *(1,) * (len(shape) - 1))
    found, others = normalizer(numbers), [0, *range(2, numbers.dim())]
    assert not found[:, 0].any()
    assert torch.allclose(found[:, 1:].mean(others), torch.zeros(1, dtype=torch.float64), atol=1e-4)
    assert torch.allclose(found[:, 1:].std(others, correction=0), torch.ones(1, dtype=torch.float64), rtol=1e-6)
    each = Normalizer()(numbers[:50] - 1.7e9)
    assert torch.allclose(each.flatten(1).mean(1), torch.zeros(1, dtype=torch.float64), atol=1e-6)
