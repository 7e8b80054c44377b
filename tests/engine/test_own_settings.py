"""The settings of a user's own model: held against annotations and defaults, and made to fit where nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gridsearch.analysis.filtering import matching
from gridsearch.analysis.frames import load
from gridsearch.analysis.ranking import TableOptions
from gridsearch.analysis.ranking import table as ranking
from gridsearch.cli.exporting import write
from gridsearch.config.identity import parse
from gridsearch.config.job import job_from_text
from gridsearch.engine.prepare.preflight_settings import check_fits, fitted_job
from gridsearch.errors import ModelError
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import build_model, find_model
from gridsearch.search.grid import Grid, Ingredients, ModelPart, expand
from gridsearch.store.opening import open_store
from gridsearch.visualization.dashboards import write_page
from tests.engine.launching import JOB, launch, prepared

NETS = """
from __future__ import annotations
from typing import TYPE_CHECKING, Literal, Optional
from torch import nn
if TYPE_CHECKING:
    from collections.abc import Sequence

class Plain(nn.Module):
    def __init__(self, in_features, num_classes, width=8, bias=True, rate=0.5, act="relu", dense=(), other=None):
        super().__init__()
        self.rate, self.other = rate, other
        sizes = [in_features, width, *dense]
        self.hidden = nn.ModuleList(nn.Linear(a, b, bias) for a, b in zip(sizes, sizes[1:]))
        self.last = nn.Linear(sizes[-1], num_classes)

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.hidden:
            x = layer(x).relu()
        return self.last(x)

class Annotated(Plain):
    def __init__(
        self, in_features: int, num_classes: int, width: int = 8, rate: float = 1, dense: list[int] = (),
        act: Literal["relu", "gelu"] = "relu", other: Optional[str] = None, both: bool | str = True,
    ):
        super().__init__(in_features, num_classes, width, rate=rate, dense=dense)

class Nested(Plain):
    def __init__(self, in_features: int, num_classes: int, blocks: list[list[float]] = ((3, 1), (5, 1))):
        super().__init__(in_features, num_classes, int(sum(a * b for a, b in blocks)))
        self.blocks = blocks

class Unreadable(Plain):
    def __init__(self, in_features: int, num_classes: int, width: int, dense: Sequence[int] = (), on: bool = False):
        super().__init__(in_features, num_classes, width, dense=dense)

def make(width=8, **more):
    return Plain(64, more["num_classes"], width)

def wrong(width):
    return width
"""
MODEL = "model 'own_settings:"


def text(kind: str, space: str) -> str:
    head = JOB.partition("space:")[0].replace("shallow", f"own_settings:{kind}")
    return f"{head}space: {{batch_size: 64, epochs: 1, learning_rate: 0.1, {space}}}\n"


def grid(folder: Path, kind: str, space: str) -> Grid:
    (folder / "own_settings.py").write_text(NETS)
    model = find_model(f"own_settings:{kind}", [folder])
    job = fitted_job(job_from_text(text(kind, space), base=folder), [model])
    defaults = {key: value for key, value in model.optional.items() if is_plain(value)}
    found = expand(job, Ingredients("", {model.name: ModelPart(defaults=defaults)}))
    check_fits(job, [model], [trial.config for trial in found.trials])
    return found


@pytest.mark.parametrize(
    ("kind", "space", "said"),
    [
        ("Plain", 'bias: ["true", "false"]', f"bias: {MODEL}Plain': 'true' is text, but it takes true or false"),
        ("Plain", "bias: [1, 0]", "1 is a number, but it takes true or false or null; write true or false, without"),
        ("Plain", "width: ['8', '16']", "'8' is text, but it takes a number or a list or null; write 8 without quotes"),
        ("Plain", "width: '8,16'", "a list is written [8, 16]"),
        ("Plain", "act: [1, 2]", '1 is a number, but it takes text or null; write "1" in quotes'),
        (
            "Plain",
            "dense: [64, 32]",
            f"dense: a list is an axis, but {MODEL}Plain' takes a list as one value: write",
        ),
        ("Annotated", "width: [8, 8.5]", f"job:5:67: width: {MODEL}Annotated': 8.5 is not a whole number"),
        ("Annotated", "width: {linspace: [4, 9], num: 3}", "whole numbers are drawn from {range: [4, 9]}"),
        ("Annotated", "width: [true, false]", "true was given, but it takes a number"),
        ("Annotated", "width: [8, null]", "null was given, but it takes a number"),
        ("Annotated", "dense: [['a']]", "'a' is text, but it takes a number"),
        ("Annotated", "act: [relu, Gelu]", "'Gelu' is not one of 'relu', 'gelu' (did you mean 'gelu'?)"),
        ("Annotated", "other: [3]", '3 is a number, but it takes text or null; write "3" in quotes'),
        ("Nested", "blocks: [[4, 2], [8, 2]]", "takes a list of lists as one value: write [[[4, 2], [8, 2]]]"),
        ("Nested", "blocks: [[['a']]]", "'a' is text, but it takes a number"),
        ("Nested", "blocks: [[4]]", "blocks: a list is an axis, but"),
        ("Unreadable", "width: [8], on: ['no']", "'no' is text, but it takes true or false"),
    ],
)
def test_refused(tmp_path: Path, kind: str, space: str, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        grid(tmp_path, kind, space)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "space", "hypers"),
    [
        ("Plain", "width: [1e1, 8.0]", [{"width": 10}, {}]),
        ("Plain", "bias: [true, false]", [{}, {"bias": False}]),
        ("Plain", "rate: [1, 0.5]", [{"rate": 1.0}, {}]),
        ("Plain", "dense: [[], [1e1]]", [{}, {"dense": [10]}]),
        ("Plain", "other: [null, 3]", [{}, {"other": 3}]),
        ("Plain", "other: [[], [64]]", [{"other": []}, {"other": [64]}]),
        ("Annotated", "rate: [2, 0.5], both: ['yes']", [{"rate": 2.0, "both": "yes"}, {"rate": 0.5, "both": "yes"}]),
        ("make", "width: [8, 16]", [{}, {"width": 16}]),
        ("Nested", "blocks: [[[4, 2.5]], [[3, 1], [5, 1.0]]]", [{"blocks": [[4.0, 2.5]]}, {}]),
    ],
)
def test_taken(tmp_path: Path, kind: str, space: str, hypers: list[dict[str, Any]]) -> None:
    found = [trial.config.hyper for trial in grid(tmp_path, kind, space).trials]
    assert [repr(hyper) for hyper in found] == [repr(hyper) for hyper in hypers]


@pytest.mark.parametrize(
    ("kind", "space", "said"),
    [
        ("Plain", "width: [0]", "its parameter 'hidden.0.weight' has shape (0, 64): a layer cannot have a width of 0"),
        ("wrong", "width: [8]", "it gives int, which is not a torch.nn.Module"),
        ("Annotated", "act: [relu, Gelu]", "'Gelu' is not one of 'relu', 'gelu' (did you mean 'gelu'?)"),
    ],
)
def test_refused_by_the_process_that_tries_it(tmp_path: Path, kind: str, space: str, said: str) -> None:
    (tmp_path / "own_settings.py").write_text(NETS)
    with pytest.raises(ModelError) as caught:
        prepared(tmp_path, text=text(kind, space))
    assert said in str(caught.value)


def test_a_number_is_of_one_kind_whoever_builds_the_model(tmp_path: Path) -> None:
    (tmp_path / "own_settings.py").write_text(NETS)
    model = find_model("own_settings:Plain", [tmp_path])
    built = build_model(model, {"rate": 1, "other": 2}, image_shape=(1, 8, 8), num_classes=10)
    assert (repr(built.rate), repr(built.other)) == ("1.0", "2")


def test_lists_of_lists_are_values_from_the_file_to_the_tables(tmp_path: Path) -> None:
    (tmp_path / "own_settings.py").write_text(NETS)
    written = text("Nested", "blocks: [[[4, 2], [8, 2]], [[6, 1]]]")
    ready = prepared(tmp_path, text=written)
    deep = [[4.0, 2.0], [8.0, 2.0]]
    assert [trial.config.hyper["blocks"] for trial in ready.grid.trials] == [deep, [[6.0, 1.0]]]
    assert parse(ready.grid.trials[0].canonical).hyper == {"blocks": [[4, 2], [8, 2]]}
    launch(ready, tmp_path / "r.db")
    with open_store(tmp_path / "r.db") as store:
        data = load(store, "small", with_epochs=True)
    cells = {cell for row in ranking(data, TableOptions(columns=("blocks",))).rows for cell in row.cells}
    assert cells >= {"[[4, 2], [8, 2]]", "[[6, 1]]"}
    kept = matching(data.trials, "blocks == [[6, 1]]")
    assert kept["blocks"].tolist() == [((6, 1),)]
    write(data.trials, "parquet", tmp_path / "a.parquet")
    write(data.trials, "json", tmp_path / "a.json")
    assert [row["blocks"] for row in json.loads((tmp_path / "a.json").read_text())] == [[[4, 2], [8, 2]], [[6, 1]]]
    assert "[[4, 2], [8, 2]]" in write_page(data, tmp_path / "page.html").read_text()


def test_functions_of_torchvision_are_models() -> None:
    model = find_model("torchvision.models:resnet34")
    with torch.device("meta"):
        built = build_model(model, {}, image_shape=(3, 32, 32), num_classes=7)
        assert built(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
        with pytest.raises(ModelError, match=r"norm_layer=3: TypeError.*\(by default weights=None, progress=True"):
            build_model(model, {"norm_layer": 3}, image_shape=(3, 32, 32), num_classes=7)
