"""Layers and their costs, against the tables that the reports print and counts by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gridsearch.errors import ModelError
from gridsearch.models.layers import Layer, LayerTable, layer_table, layers_of
from gridsearch.models.registry import find_model


def table(name: str, image_shape: tuple[int, int, int] = (3, 32, 32), **hyper: Any) -> LayerTable:
    return layers_of(find_model(name), hyper, image_shape=image_shape, num_classes=10)


@pytest.mark.parametrize(
    ("name", "hyper", "parameters", "macs"),
    [
        ("wide_cnn", {}, 222_226, 13_131_728),
        ("deep_cnn", {}, 127_724, 2_689_740),
        ("wide_deep_cnn", {}, 253_638, 12_509_136),
        ("wide_deep_cnn", {"batch_norm": "first"}, 253_846, 12_509_240),
        ("wide_deep_cnn", {"batch_norm": "first", "bias_before_norm": False}, 253_846 - 104, 12_509_240),
        ("wide_deep_cnn", {"dropout_flat": 0.05, "dropout_1": 0.25, "dropout_2": 0.25}, 253_638, 12_509_136),
    ],
)
def test_totals_as_the_reports_count_them(name: str, hyper: dict[str, Any], parameters: int, macs: int) -> None:
    found = table(name, **hyper)
    assert (found.parameters, found.trainable, found.macs) == (parameters, parameters, macs)


def test_a_network_layer_by_layer() -> None:
    assert table("cnn", filters=[8], dense=[64], batch_norm="first", dropout_dense=0.5).layers == (
        Layer("features.conv1", "Conv2d", (8, 3, 3, 3), (8, 32, 32), 216, 216, 216 * 1024),
        Layer("features.norm1", "BatchNorm2d", (8,), (8, 32, 32), 16, 16, 8),
        Layer("features.relu1", "ReLU", None, (8, 32, 32), 0, 0, 0),
        Layer("features.pool1", "MaxPool2d", None, (8, 16, 16), 0, 0, 0),
        Layer("classifier.dense1", "Linear", (64, 2048), (64,), 131_136, 131_136, 131_072),
        Layer("classifier.relu1", "ReLU", None, (64,), 0, 0, 0),
        Layer("classifier.dropout1", "Dropout", None, (64,), 0, 0, 0),
        Layer("classifier.output", "Linear", (10, 64), (10,), 650, 650, 640),
    )


def test_the_stem_of_resnet_18_is_torchvisions() -> None:
    layers = {layer.name: layer for layer in table("resnet18", (1, 28, 28)).layers}
    assert sum(layer.parameters for layer in layers.values()) == 11_175_370
    assert (layers["conv1"].output, layers["conv1"].parameters) == ((64, 14, 14), 3136)
    assert layers["maxpool"].output == (64, 7, 7)
    assert layers["layer4.1.conv2"].output == (512, 1, 1)
    # A ReLU is called twice in each block: one layer.
    assert [name for name in layers if name.startswith("layer1.0.")] == [
        f"layer1.0.{name}" for name in ("conv1", "bn1", "relu", "conv2", "bn2")
    ]
    resized = {layer.name: layer for layer in table("resnet18", (1, 28, 28), resize=224).layers}
    assert (resized["resize"].output, resized["conv1"].output) == ((1, 224, 224), (64, 112, 112))
    assert resized["conv1"].macs == 64 * layers["conv1"].macs == 64 * 3136 * 14 * 14


def test_the_fire_modules_of_squeezenet() -> None:
    found = {layer.name: layer for layer in table("squeezenet").layers}
    first = [layer for name, layer in found.items() if name.startswith("features.fire1.")]
    assert sum(layer.parameters for layer in first) == 11_920
    assert [layer.weight for layer in first if layer.weight] == [(16, 96, 1, 1), (64, 16, 1, 1), (64, 16, 3, 3)]
    shapes = [found[name].output for name in ("features.stem.conv", "features.pool0", "features.pool1")]
    assert shapes == [(96, 32, 32), (96, 16, 16), (128, 8, 8)]
    wider = table("squeezenet", squeeze_ratio=0.25, pct_3x3=0.25, base_expand=64, expand_increment=32, fires=2)
    weights = [layer.weight for layer in wider.layers if layer.weight]
    assert weights[1:] == [
        (16, 96, 1, 1), (48, 16, 1, 1), (16, 16, 3, 3), (24, 64, 1, 1), (72, 24, 1, 1), (24, 24, 3, 3), (10, 96, 1, 1),
    ]  # fmt: skip


def test_the_stride_of_mobilenets_stem() -> None:
    one, two = (table("mobilenet_v3_small", stem_stride=stride).layers[0] for stride in (1, 2))
    assert (one.output, two.output) == ((16, 32, 32), (16, 16, 16))
    assert one.parameters == two.parameters == 16 * 27


class Odd(nn.Module):
    """A frozen and shared layer, one called twice, one never, a parameter and a product that belong to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(3, 2)
        self.idle = nn.ReLU()
        self.first = nn.Linear(16, 16).requires_grad_(False)
        self.tied = nn.Linear(16, 16)
        self.tied.weight = self.first.weight
        self.last = nn.Linear(16, 4)
        self.scale = nn.Parameter(torch.ones(5, 16))
        self.pair = Pair()

    def forward(self, x: Tensor) -> Tensor:
        x = self.tied(self.first(self.first(x.flatten(1))))
        return self.last(self.pair(x)[0] @ self.scale.T @ self.scale)


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, str]:
        return x, "and more"


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_shared_unused_and_loose_parameters(device: str) -> None:
    with torch.device(device):
        model = Odd()
    model.first.eval()
    found = layer_table(model, (1, 4, 4))
    assert [(layer.name, layer.output, layer.parameters, layer.trainable, layer.macs) for layer in found.layers] == [
        ("", (4,), 80, 80, 2 * 80),
        ("first", (16,), 272, 0, 2 * 256),
        ("tied", (16,), 16, 16, 256),
        ("pair", (16,), 0, 0, 0),
        ("last", (4,), 68, 68, 64),
        ("unused", None, 8, 8, 0),
    ]
    assert found.parameters == sum(parameter.numel() for parameter in model.parameters())
    # It is as it was: training but for the one part, and without hooks.
    assert (model.training, model.tied.training, model.first.training) == (True, True, False)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_what_goes_wrong_leaves_nothing_behind() -> None:
    model = Odd()
    with pytest.raises(RuntimeError, match="shapes"):
        layer_table(model, (1, 5, 5))
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


OWN = """
import torch
from torch import nn

class Net(nn.Linear):
    def __init__(self, in_features, num_classes, side=4):
        super().__init__(in_features, num_classes)
        self.side = side

    def forward(self, x):
        return super().forward(x[:, :, : self.side].flatten(1))

class Counts(Net):
    def forward(self, x):
        return super().forward(x if x.sum() >= 0 else -x)
"""


@pytest.mark.parametrize("kind", ["Net", "Counts"])
def test_a_users_model_that_needs_numbers_or_not(tmp_path: Path, kind: str) -> None:
    (tmp_path / "own_layers.py").write_text(OWN)
    before = torch.get_rng_state()

    def layers(**hyper: Any) -> LayerTable:
        model = find_model(f"own_layers:{kind}", [tmp_path])
        return layers_of(model, hyper, image_shape=(1, 4, 4), num_classes=3)

    assert layers() == LayerTable((Layer("", kind, (3, 16), (3,), 51, 51, 48),))
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ModelError, match=f"model 'own_layers:{kind}' does not work with side=3: RuntimeError: "):
        layers(side=3)


@pytest.mark.parametrize(
    ("make", "macs"),
    [
        (lambda: nn.Conv2d(4, 8, 3, groups=2), 8 * 2 * 9 * 36),
        (lambda: nn.ConvTranspose2d(4, 8, 3), 4 * 8 * 9 * 64),
        (lambda: nn.GroupNorm(2, 4), 4),
        (lambda: nn.LayerNorm(8), 8),
        (lambda: nn.BatchNorm2d(4, affine=False), 0),
    ],
)
def test_other_layers(make: Callable[[], nn.Module], macs: int) -> None:
    with torch.device("meta"):
        assert layer_table(make(), (4, 8, 8)).macs == macs


class Of(nn.Module):
    """Calls a function with the images and a module."""

    def __init__(self, call: Callable[..., Tensor], module: nn.Module | None = None) -> None:
        super().__init__()
        self.call, self.module = call, module or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x, self.module)


#: For images of 4 x 8 x 8: as sequences eight steps of eight numbers.
PRODUCTS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "bilinear": (lambda: Of(lambda x, m: m(x[:, 0, 0], x[:, 0, 1]), nn.Bilinear(8, 8, 5)), 5 * 8 * 8),
    "three rows": (lambda: Of(lambda x, m: m(x[:, 0, :3], x[:, 1, :3, :7]), nn.Bilinear(8, 7, 5)), 3 * 5 * 8 * 7),
    "lstm": (lambda: Of(lambda x, m: m(x[:, 0])[0], nn.LSTM(8, 6, batch_first=True)), 8 * 4 * 6 * (8 + 6)),
    "both ways": (
        lambda: Of(lambda x, m: m(x[:, 0])[0], nn.LSTM(8, 6, batch_first=True, bidirectional=True)),
        2 * 8 * 4 * 6 * (8 + 6),
    ),
    "gru": (lambda: Of(lambda x, m: m(x[:, 0])[0], nn.GRU(8, 6, batch_first=True)), 8 * 3 * 6 * (8 + 6)),
    "attention": (
        lambda: Of(lambda x, m: m(*[x[:, 0]] * 3)[0], nn.MultiheadAttention(8, 2, batch_first=True)),
        4 * 8 * 8 * 8 + 2 * 8 * 8 * 8,
    ),
    "vector": (lambda: Of(lambda x, m: x[:, 0] @ x[0, 0, 0]), 8 * 8),
    "scalar": (lambda: Of(lambda x, m: torch.stack([torch.dot(row, row) for row in x[:, 0, 0]])[:, None]), 8),
    "added vector": (lambda: Of(lambda x, m: torch.addmv(x[:, 0, 0, 0], x[:, 0, 0], x[0, 0, 0])[:, None]), 8),
    "sum of products": (lambda: Of(lambda x, m: torch.addbmm(x[0, 0], x[:, 0], x[:, 0]).expand(2, 8, 8)), 8 * 8 * 8),
    "distances": (lambda: Of(lambda x, m: torch.cdist(x[:, 0], x[:, 0, :3])), 8 * 3 * 8),
    "einsum": (lambda: Of(lambda x, m: torch.einsum("bij,jk->bik", x[:, 0], x[0, 1])), 8 * 8 * 8),
}


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_counted_on_any_device(name: str, device: str) -> None:
    make, macs = PRODUCTS[name]
    with torch.device(device):
        assert layer_table(make(), (4, 8, 8)).macs == macs
