from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gridsearch.errors import ModelError
from gridsearch.models.registry import MODELS, build_model, check_hyperparameters, find_model

SHAPE = (1, 28, 28)
#: Settings where a model needs some, and its parameters for images of 3 x 32 x 32 and 10 classes, as the reports count.
CASES: dict[str, tuple[dict[str, Any], int]] = {
    "perceptron": ({}, 3073 * 10),
    "shallow": ({"neurons": 25}, 3073 * 25 + 26 * 10),
    "deep": ({"hidden": [64, 32, 16, 8]}, 3073 * 64 + 65 * 32 + 33 * 16 + 17 * 8 + 9 * 10),
    "deep2": ({"neurons_1": 64, "neurons_2": 32}, 3073 * 64 + 65 * 32 + 33 * 10),
    "deep3": ({"neurons_1": 64, "neurons_2": 10, "neurons_3": 64}, 3073 * 64 + 65 * 10 + 11 * 64 + 65 * 10),
    "mlp": ({}, 3072 * 1024 + 1024 * 512 + 512 * 256 + 257 * 128 + 129 * 10 + 2 * (1024 + 512 + 256)),
    "cnn": ({"filters": [8], "dense": [64]}, 132_010),
    "wide_cnn": ({}, 222_226),
    "deep_cnn": ({}, 127_724),
    "wide_deep_cnn": ({}, 253_638),
    "one_conv_cnn": ({}, 132_010),
    "three_conv_cnn": ({}, 39_514),
    "custom_cnn": ({}, 864 + 9216 + 18_432 + 36_864 + 2 * 192 + 4096 * 512 + 2 * 512 + 513 * 10),
    "deepnn": ({}, 1_186_986),
    "lightnn": ({}, 267_738),
    "squeezenet": ({}, 2688 + 11_920 + 45_344 + 104_880 + 188_992 + 5130),
    "resnet18": ({}, 11_181_642),
    "resnet50": ({}, 23_528_522),
    "mobilenet_v3_small": ({}, 1_528_106),
}


@pytest.mark.parametrize(
    ("name", "hyper", "told"),
    [
        ("deep", {"hidden": []}, "hidden needs at least one width"),
        ("deep", {"hidden": [8, 0]}, "hidden: a width must be at least 1, not 0"),
        ("mlp", {"hidden": [8, -3, 8]}, "hidden: a width must be at least 1, not -3"),
        ("shallow", {"neurons": 0}, "neurons: a width must be at least 1, not 0"),
        ("deep2", {"neurons_1": 8, "neurons_2": -1}, "neurons_2: a width must be at least 1, not -1"),
        ("deep3", {"neurons_1": 8, "neurons_2": 4, "neurons_3": 0}, "neurons_3: a width must be at least 1, not 0"),
        ("cnn", {"filters": [4, 0]}, "filters: a width must be at least 1, not 0"),
        ("cnn", {"filters": [4], "dense": [-2]}, "dense: a width must be at least 1, not -2"),
        ("cnn", {"filters": [4], "kernel_size": -3}, "kernel_size: must be at least 1, not -3"),
        ("three_conv_cnn", {"filters": -1}, "filters: a width must be at least 1, not -1"),
        ("one_conv_cnn", {"neurons": 0}, "neurons: a width must be at least 1, not 0"),
        ("custom_cnn", {"neurons": 0}, "neurons: a width must be at least 1, not 0"),
    ],
)
def test_a_layer_without_units_is_refused_by_the_name_of_its_setting(
    name: str, hyper: dict[str, Any], told: str
) -> None:
    """Torch makes layers of no units, which learn nothing, and fails at others with errors of its own."""
    with pytest.raises(ModelError, match=f": {told}( .by default .*)?$"):
        build_model(find_model(name), hyper, image_shape=SHAPE, num_classes=10)


def test_no_model_is_left_out() -> None:
    assert set(CASES) == set(MODELS)


@pytest.mark.parametrize("name", CASES)
def test_models_of_ours(name: str) -> None:
    found, (hyper, parameters) = find_model(name), CASES[name]
    check_hyperparameters(found, list(hyper))
    model = build_model(found, hyper, image_shape=(3, 32, 32), num_classes=10)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    assert found.code == ""


#: Settings under which something is normalised, whether that changed with the second version of the recipe, and how
#: many numbers the biases before it are.
NORMALISED: dict[str, tuple[dict[str, Any], bool, int]] = {
    "mlp": ({}, True, 1024 + 512 + 256),
    "cnn": ({"filters": [4, 5, 6], "convs_per_pool": 2, "dense": [9], "batch_norm": "first"}, True, 4 + 6),
    "wide_cnn": ({"batch_norm": "convs"}, True, 64 + 64 + 48),
    "deep_cnn": ({"batch_norm": "all"}, True, 2 * (8 + 16 + 32) + 180 + 90),
    "wide_deep_cnn": ({"batch_norm": "first"}, False, 24 + 32 + 48),
    "one_conv_cnn": ({"batch_norm": "all"}, True, 8 + 64),
    "three_conv_cnn": ({"batch_norm": "convs"}, True, 8 + 16 + 32),
    "custom_cnn": ({}, True, 2 * (32 + 64) + 512),
    "squeezenet": ({"batch_norm": True, "fires": 2}, True, 96 + (16 + 128) + (32 + 256)),
}


def biases_before_norm(model: nn.Module) -> int:
    """Count them by what torch sees: a bias whose layer's output goes straight into a normalisation."""
    called = [module for module in model.modules() if not list(module.children())]
    return sum(
        layer.bias.numel()
        for layer, after in pairwise(called)
        if isinstance(after, (nn.BatchNorm1d, nn.BatchNorm2d)) and getattr(layer, "bias", None) is not None
    )


@pytest.mark.parametrize("name", MODELS)
def test_no_layer_of_ours_that_is_normalised_has_a_bias_unless_that_is_asked_for(name: str) -> None:
    hyper, changed, biases = NORMALISED.get(name, (CASES[name][0], False, 0))
    found = find_model(name)

    def built(version: int, **more: Any) -> nn.Module:
        with torch.device("meta"):
            return build_model(found, hyper | more, image_shape=(3, 32, 32), num_classes=10, version=version)

    before = built(1)
    assert biases_before_norm(before) == biases
    assert biases_before_norm(built(2)) == (0 if changed else biases)
    assert found.version(hyper) == (2 if changed else 1)
    if biases:
        for version in (1, 2):
            assert biases_before_norm(built(version, bias_before_norm=True)) == biases
            assert biases_before_norm(built(version, bias_before_norm=False)) == 0
    else:  # the very same model
        assert [*before.state_dict()] == [*built(2).state_dict()]


def test_only_models_that_are_built_otherwise_have_a_new_version(tmp_path: Path) -> None:
    assert {name for name in MODELS if find_model(name).version(CASES[name][0]) == 2} == {"mlp", "custom_cnn"}
    cnn, mlp = find_model("cnn"), find_model("mlp")
    assert [cnn.version({"batch_norm": which}) for which in ("none", "first", "convs", "all")] == [1, 2, 2, 2]
    assert [mlp.version({"batch_norm": on}) for on in (False, True)] == [1, 2]
    (tmp_path / "new_version.py").write_text("from torch import nn\nclass Net(nn.Linear): pass\n")
    assert find_model("new_version:Net", [tmp_path]).version({}) == 2


@pytest.mark.parametrize("name", CASES)
def test_grey_images_of_other_sizes_and_other_classes_are_taken_too(name: str) -> None:
    with torch.device("meta"):
        model = build_model(find_model(name), CASES[name][0], image_shape=(1, 28, 20), num_classes=7)
        assert model(torch.rand(2, 1, 28, 20)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "hyper", "fragment"),
    [
        (
            "wide_cnn",
            {},
            "no settings: images of 4 x 7 pixels (height x width) are too small for 3 poolings by 2; they ",
        ),
        ("deepnn", {}, ""),
        (
            "squeezenet",
            {"pools": 3},
            "with pools=3: images of 4 x 7 pixels (height x width) are too small",
        ),
        ("squeezenet", {"pools": 5}, "pools: must be from 1 to the number of fire modules (4), not 5"),
        ("squeezenet", {"pct_3x3": 1.0}, "fire module 1 would have 16 squeezing, 0 1 x 1 and 128 3 x 3 filters"),
        ("squeezenet", {"squeeze_ratio": 0.001}, "fire module 1 would have 0 squeezing"),
        ("cnn", {"filters": [4, 4, 4], "convs_per_pool": 2}, ""),
        ("cnn", {"filters": [4], "convs_per_pool": 0}, "convs_per_pool: must be at least 1, not 0"),
        ("cnn", {"filters": [4], "kernel_size": 2}, "kernel_size: 2 is not odd"),
        ("cnn", {"filters": [4], "dense": [3], "dropout_dense": [0.1, 0.2]}, "2 values for 1 hidden dense layers"),
        ("custom_cnn", {"batch_norm": "frist"}, "batch_norm: 'frist' is not known (did you mean 'first'?)"),
        ("custom_cnn", {"batch_norm": True}, "batch_norm: True is not known (valid: all, convs, first, none)"),
        ("resnet18", {"resize": -1}, "resize: -1 pixels a side; write 0"),
        ("resnet18", {}, ""),
        ("mobilenet_v3_small", {}, ""),
    ],
)
def test_images_and_settings_that_a_model_cannot_take(name: str, hyper: dict[str, Any], fragment: str) -> None:
    def built() -> nn.Module:
        return build_model(find_model(name), hyper, image_shape=(3, 4, 7), num_classes=10)

    with torch.device("meta"):
        if not fragment:
            assert built()(torch.zeros(2, 3, 4, 7)).shape == (2, 10)
            return
        with pytest.raises(ModelError) as caught:
            built()
    assert str(caught.value).startswith(f"model {name!r} cannot be built with ")
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_users_model(tmp_path: Path) -> None:
    (tmp_path / "pack_of_mine").mkdir()
    (tmp_path / "pack_of_mine" / "nets.py").write_text(
        "from torch import nn\nclass Net(nn.Sequential):\n"
        "    def __init__(self, image_shape, num_classes, width, depth=2, **more):\n"
        "        c, h, w = image_shape\n"
        "        super().__init__(nn.Flatten(), nn.Linear(c * h * w, width), nn.Linear(width, num_classes))\n"
    )
    found = find_model("pack_of_mine.nets:Net", [tmp_path])
    assert (found.data_arguments, found.required, found.optional) == (
        ("image_shape", "num_classes"),
        ("width",),
        {"depth": 2},
    )
    assert found.open_ended
    check_hyperparameters(found, ["width", "anything"])
    assert build_model(found, {"width": 3}, image_shape=SHAPE, num_classes=4)(torch.rand(2, *SHAPE)).shape == (2, 4)


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("shalow", "is not known (did you mean 'shallow'?); write a model of your own as package.module:Class"),
        ("nowhere_at_all:Net", "no module named 'nowhere_at_all'"),
        ("broken_module:Net", "importing 'broken_module' failed: ZeroDivisionError"),
        (
            "needs_missing:Net",
            "importing 'needs_missing' failed: ModuleNotFoundError: No module named 'not_there'",
        ),
        ("good_module:Ned", "has no 'Ned' (did you mean 'Net'?)"),
        ("good_module:number", "is neither a torch.nn.Module class nor a function that returns one"),
        (":Net", "is not known"),
        ("good_module:", "is not known"),
    ],
)
def test_a_model_that_cannot_be_found_is_explained(tmp_path: Path, name: str, fragment: str) -> None:
    (tmp_path / "broken_module.py").write_text("1 / 0")
    (tmp_path / "needs_missing.py").write_text("import not_there")
    (tmp_path / "good_module.py").write_text("from torch import nn\nnumber = 3\nclass Net(nn.Linear): pass\n")
    with pytest.raises(ModelError) as caught:
        find_model(name, [tmp_path])
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        (
            ["neuron"],
            "'neuron' is neither a recipe key nor a setting of model 'shallow' (did you mean 'neurons'?)",
        ),
        ([], "needs 'neurons'"),
        (["neurons", "num_classes"], "comes from the data set"),
    ],
)
def test_hyperparameters_are_checked(given: list[str], fragment: str) -> None:
    with pytest.raises(ModelError) as caught:
        check_hyperparameters(find_model("shallow"), given)
    assert fragment in str(caught.value)


def test_a_refusing_constructor_is_explained() -> None:
    with pytest.raises(ModelError, match="model 'deep' cannot be built with hidden='x'"):
        build_model(find_model("deep"), {"hidden": "x"}, image_shape=SHAPE, num_classes=10)
