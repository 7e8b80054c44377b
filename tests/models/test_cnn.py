"""The tables of convolutional networks: what their settings change, and what they give for distillation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from gridsearch.models.cnn import ConvNet
from gridsearch.models.registry import build_model, find_model


def built(name: str, **hyper: Any) -> nn.Module:
    return build_model(find_model(name), hyper, image_shape=(3, 32, 32), num_classes=10)


def names(model: nn.Module, kind: type[nn.Module]) -> list[str]:
    return [name for name, module in model.named_modules() if isinstance(module, kind)]


@pytest.mark.parametrize(
    ("hyper", "normalised"),
    [
        ({}, []),
        ({"batch_norm": "first"}, ["features.norm1", "features.norm3", "features.norm5"]),
        ({"batch_norm": "convs"}, [f"features.norm{n}" for n in range(1, 7)]),
        ({"batch_norm": "all"}, [*(f"features.norm{n}" for n in range(1, 7)), "classifier.norm1", "classifier.norm2"]),
    ],
)
def test_what_is_normalised(hyper: dict[str, Any], normalised: list[str]) -> None:
    assert names(built("wide_deep_cnn", **hyper), (nn.BatchNorm1d, nn.BatchNorm2d)) == normalised


@pytest.mark.parametrize(
    ("name", "hyper", "places"),
    [
        (
            "wide_deep_cnn",
            {"dropout_flat": 0.05, "dropout_1": 0.25, "dropout_2": 0.3},
            {"classifier.dropout0": 0.05, "classifier.dropout1": 0.25, "classifier.dropout2": 0.3},
        ),
        ("wide_cnn", {"dropout_1": 0.25}, {"classifier.dropout1": 0.25}),
        ("custom_cnn", {}, {"features.dropout2": 0.25, "features.dropout4": 0.25, "classifier.dropout1": 0.5}),
        ("three_conv_cnn", {}, {}),
        ("three_conv_cnn", {"dropout_dense": 0.4}, {"classifier.dropout1": 0.4}),
        ("cnn", {"filters": [4], "dense": [9, 9], "dropout_dense": [0.0, 0.1]}, {"classifier.dropout2": 0.1}),
        ("cnn", {"filters": [4], "dense": [9, 9], "dropout_dense": 1}, dict.fromkeys(
            ["classifier.dropout1", "classifier.dropout2"], 1)),
        ("mlp", {}, {"layers.dropout1": 0.4, "layers.dropout2": 0.3, "layers.dropout3": 0.2}),
        ("mlp", {"hidden": [9, 9], "dropout_1": 0.1}, {"layers.dropout1": 0.1}),
        ("squeezenet", {}, {"dropout": 0.5}),
        ("squeezenet", {"dropout": 0.0}, {}),
        ("mobilenet_v3_small", {"dropout": 0.3}, {"classifier.2": 0.3}),
    ],
)  # fmt: skip
def test_where_what_share_is_dropped(name: str, hyper: dict[str, Any], places: dict[str, float]) -> None:
    model = built(name, **hyper)
    assert {place: model.get_submodule(place).p for place in names(model, nn.Dropout)} == places


def test_filters_kernels_and_widths() -> None:
    model = built("three_conv_cnn", filters=4, kernel_size=5, neurons=7)
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")]
    assert shapes == [(4, 3, 5, 5), (8, 4, 5, 5), (16, 8, 5, 5), (7, 16 * 16), (10, 7)]
    uneven = built("cnn", filters=[4, 5, 6], convs_per_pool=2)
    assert list(uneven.features._modules) == ["conv1", "relu1", "conv2", "relu2", "pool2", "conv3", "relu3"]


@pytest.mark.parametrize(("name", "width"), [("deepnn", 2048), ("lightnn", 1024)])
def test_the_hidden_representation_is_what_the_logits_follow_from(name: str, width: int) -> None:
    model = built(name).eval()
    assert isinstance(model, ConvNet)
    images = torch.rand(3, 3, 32, 32)
    hidden = model.hidden(images)
    assert hidden.shape == (3, width)
    assert torch.equal(hidden, model.features(images).flatten(1))
    assert torch.equal(model.classifier(hidden), model(images))
    assert (hidden >= 0).all() and (hidden > 0).any()
