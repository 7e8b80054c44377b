from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gridsearch.errors import ModelError
from gridsearch.models.registry import MODELS, build_model, check_hyperparameters, find_model

SHAPE = (1, 28, 28)
HYPER = {
    "perceptron": {},
    "shallow": {"neurons": 25},
    "deep": {"hidden": [64, 32, 16, 8]},
    "deep2": {"neurons_1": 64, "neurons_2": 32},
    "deep3": {"neurons_1": 64, "neurons_2": 10, "neurons_3": 64},
}
PARAMETERS = {
    "perceptron": 7850,
    "shallow": 785 * 25 + 26 * 10,
    "deep": 785 * 64 + 65 * 32 + 33 * 16 + 17 * 8 + 9 * 10,
    "deep2": 785 * 64 + 65 * 32 + 33 * 10,
    "deep3": 785 * 64 + 65 * 10 + 11 * 64 + 65 * 10,
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_models_of_ours(name: str) -> None:
    found = find_model(name)
    check_hyperparameters(found, list(HYPER[name]))
    model = build_model(found, HYPER[name], image_shape=SHAPE, num_classes=10)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]
    assert model(torch.rand(5, *SHAPE)).shape == (5, 10)
    assert found.code == ""


@pytest.mark.parametrize("name", sorted(MODELS))
def test_colour_images_are_taken_too(name: str) -> None:
    model = build_model(find_model(name), HYPER[name], image_shape=(3, 32, 32), num_classes=7)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 7)


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
        ("shalow", "is not known (did you mean 'shallow'?); your own is written package.module:Class"),
        ("nowhere_at_all:Net", "no module named 'nowhere_at_all'"),
        ("broken_module:Net", "importing 'broken_module' failed: ZeroDivisionError"),
        (
            "needs_missing:Net",
            "importing 'needs_missing' failed: ModuleNotFoundError: No module named 'not_there'",
        ),
        ("good_module:Ned", "has no 'Ned' (did you mean 'Net'?)"),
        ("good_module:number", "is not a torch.nn.Module class"),
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
