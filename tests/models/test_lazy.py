"""Lazy modules have their shapes as soon as the model is built; the same values for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from gridsearch.errors import ModelError
from gridsearch.models.layers import layers_of
from gridsearch.models.registry import ModelClass, build_model, find_model
from gridsearch.models.seeding import seed_everything

SHAPE = (1, 8, 8)
MODELS = """
from torch import nn

class Lazy(nn.Module):
    def __init__(self, num_classes, width=5):
        super().__init__()
        self.conv, self.norm = nn.LazyConv2d(width, 3), nn.LazyBatchNorm2d()
        self.drop = nn.Dropout(0.5).eval()
        self.out = nn.LazyLinear(num_classes)

    def forward(self, x):
        return self.out(self.drop(self.norm(self.conv(x)).relu()).flatten(1))

class Unused(Lazy):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.head = nn.Sequential(nn.LazyLinear(3))

class Large(Lazy):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.conv = nn.LazyConv2d(5, 9)
"""


@pytest.fixture
def lazy(tmp_path: Path) -> ModelClass:
    (tmp_path / "lazy_models.py").write_text(MODELS)
    return find_model("lazy_models:Lazy", [tmp_path])


def built(model: ModelClass, seed: int = 0) -> nn.Module:
    seed_everything(seed)
    return build_model(model, {}, image_shape=SHAPE, num_classes=10)


def test_a_lazy_model_is_the_one_written_out(lazy: ModelClass) -> None:
    model = built(lazy)
    seed_everything(0)  # torch draws a lazy layer's values when it is first called
    plain = nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 10)).eval()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), plain.parameters(), strict=True))
    assert (model.training, model.norm.training, model.drop.training) == (True, True, False)
    assert model.norm.num_batches_tracked == 0
    assert not model.norm.running_mean.any()
    images = torch.rand(3, *SHAPE)
    assert torch.equal(model.eval()(images), plain(images))
    other = built(lazy, 1)
    assert not torch.equal(other.out.weight, built(lazy).out.weight)
    assert layers_of(lazy, {}, image_shape=SHAPE, num_classes=10).parameters == sum(
        p.numel() for p in plain.parameters()
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [("Unused", "its lazy module 'head.0' is not called when the model is evaluated"), ("Large", "RuntimeError: ")],
)
def test_one_that_stays_lazy_is_refused(lazy: ModelClass, name: str, why: str) -> None:
    with pytest.raises(ModelError) as caught:
        built(find_model(f"lazy_models:{name}"))
    assert str(caught.value).startswith(f"model 'lazy_models:{name}' cannot be built with no settings: {why}")
    assert "\n" not in str(caught.value)
