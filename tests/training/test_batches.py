"""The batches of an epoch, whatever becomes of the images that fill none."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.batches import LastBatch, batch_sizes, steps_of_epoch
from gridsearch.training import arrays
from gridsearch.training.arrays import DeviceArrays
from gridsearch.training.recipe.losses import Targets

LAST: list[LastBatch] = ["keep", "drop", "merge"]


@given(st.integers(1, 500), st.integers(1, 60), st.sampled_from(LAST))
def test_sizes_of_batches(images: int, batch: int, last: LastBatch) -> None:
    sizes = batch_sizes(images, batch, last)
    assert steps_of_epoch(images, batch, last) == len(sizes) >= 1
    assert all(size == batch for size in sizes[:-1])
    if last == "drop" and images >= batch:
        assert sum(sizes) == images - images % batch
    else:
        assert sum(sizes) == images
    if last != "keep" and images >= batch:
        assert min(sizes) >= batch


@pytest.mark.parametrize("images_at_once", [1, 4, 9, 1000])
@pytest.mark.parametrize("count", [8, 9, 11, 12])
@pytest.mark.parametrize("last", LAST)
def test_chunks_are_whole_batches_with_the_last_one_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, images_at_once: int, count: int, last: LastBatch
) -> None:
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 4 * images_at_once)
    held = DeviceArrays(torch.arange(20.0).view(20, 1, 1, 1), torch.arange(20))
    order = torch.arange(20).flip(0)[:count]
    taken, sizes = [], []
    for part, pixels, own in held.chunks(order, 4, last):
        assert pixels.flatten().tolist() == part.tolist() and sum(own) == len(part)
        assert [len(one.labels) for one in Targets(part).split(own)] == own
        taken += part.tolist()
        sizes += own
    assert sizes == batch_sizes(count, 4, last)
    assert taken == order[: sum(sizes)].tolist()
