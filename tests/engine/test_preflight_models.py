"""A model that works under none of its settings is refused before anything runs; else the others are trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridsearch.engine.prepare.preflight_models import MOST_TRIED, telling
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.errors import JobError, ModelError
from tests.engine.launching import JOB, prepared

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, in_features, num_classes, width=8, heads=1, classes=None):
        super().__init__()
        print("a model is born")
        self.heads, self.first = heads, nn.Linear(in_features, width)
        self.last = nn.Linear(width, classes or num_classes)

    def forward(self, x):
        hidden = self.first(x.flatten(1))
        return self.last(hidden.view(len(x), self.heads, hidden.shape[1] // self.heads).flatten(1))

class Nested(Net):
    def forward(self, x):
        return {"logits": super().forward(x)}

class Image(Net):
    def __init__(self, in_features, num_classes, size):
        super().__init__(in_features, num_classes)
        self.size = size

    def forward(self, x):
        return super().forward(x[:, :, :self.size])

class NeedsNumbers(Net):
    def __init__(self, in_features, num_classes, width):
        super().__init__(in_features, num_classes, width + int(torch.linspace(0, 1, 3)[2].item()))

    def forward(self, x):
        return super().forward(x[x.sum((1, 2, 3)) > -1])

class Remembers(Net):
    def get_extra_state(self):
        return {"calls": 3}

class Grows(Net):
    def forward(self, x):
        if not hasattr(self, "scale"):
            self.scale = nn.Linear(1, 1)
        return super().forward(x)

class Squeezes(Net):
    def forward(self, x):
        return super().forward(x).squeeze()

class Normalised(Net):
    def __init__(self, in_features, num_classes, norm=True):
        super().__init__(in_features, num_classes)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()

    def forward(self, x):
        return self.last(self.norm(self.first(x.flatten(1))))

class Pairs(Net):
    def forward(self, x):
        if self.training and len(x) > 1:
            x = x.view(-1, 2, *x.shape[1:]).flatten(0, 1)
        return super().forward(x)

class NeedsAGpu(Net):
    def forward(self, x):
        return super().forward(x.to("cuda"))
"""
COMBINED = "{batch_size: 64, epochs: 1, learning_rate: 0.1, width: [4, 6, 8], heads: [1, 4]}"


def job(folder: Path, kind: str, space: str) -> PreparedJob:
    (folder / "nets_to_try.py").write_text(NETS)
    text = JOB.partition("space:")[0].replace("shallow", f"nets_to_try:{kind}")
    return prepared(folder, text=text + f"space: {{batch_size: 64, epochs: 1, learning_rate: 0.1, {space}}}\n")


@pytest.mark.parametrize(
    ("kind", "space", "expected"),
    [
        (
            "Net",
            "width: {linspace: [10.5, 50.5], num: 4}",
            "width: model 'nets_to_try:Net'",
        ),
        ("Net", "width: [-4]", "cannot be built with width=-4"),
        (
            "Net",
            "width: [4, 8], classes: [9, 11]",
            "job:5:81: classes: model 'nets_to_try:Net' does not work with width=4, classes=9: the model gives (2, 9)",
        ),
        ("Nested", "width: [4]", "the model gives dict for 2 images; it must give logits of shape (2, 10)"),
        ("Image", "size: [7]", ": size: model 'nets_to_try:Image' does not work with size=7: RuntimeError: "),
        ("NeedsNumbers", "width: [-9]", "cannot be built with width=-9"),
        ("Remembers", "width: [4]", "get_extra_state of the model is of type dict, and checkpoints hold tensors only"),
        (
            "Grows",
            "width: [4]",
            "does not work with width=4: its forward creates 'scale.bias', which would not be trained",
        ),
    ],
)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, space: str, expected: str) -> None:
    with pytest.raises(ModelError) as caught:
        job(tmp_path, kind, space)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("kind", "space", "shared", "place", "trials", "expected"),
    [
        (
            "Net",
            "width: [4, 8], classes: [10, 9]",
            {"classes": 9},
            "job:5:85",
            2,
            "with classes=9: the model gives (2, 9)",
        ),
        ("Net", "width: [4, 6, 8], heads: [1, 4]", {"width": 6, "heads": 4}, "job:4:8", 1, "width=6, heads=4: Runtime"),
        ("Image", "size: [8, 7]", {"size": 7}, "job:5:66", 1, "size=7: RuntimeError: "),
        (
            "NeedsNumbers",
            "width: [4, -9, 8]",
            {"width": -9},
            "job:5:67",
            1,
            "cannot be built with width=-9: RuntimeErr",
        ),
    ],
)
def test_what_works_is_trained(
    tmp_path: Path, kind: str, space: str, shared: dict[str, object], place: str, trials: int, expected: str
) -> None:
    """Each says what the trials share that fail, and which rule leaves out these and no other."""
    ready = job(tmp_path, kind, space)
    (doom,) = ready.dooms
    assert expected in doom.error and "(nets_to_try.py:" in doom.error + "(nets_to_try.py:" * ("gives" in expected)
    assert (doom.shared, doom.place.startswith(place), ready.doomed_by(doom, ready.grid.trials)) == (
        shared,
        True,
        trials,
    )
    rule = doom.mend.removeprefix("leave them out with a rule, skip: ")
    text = JOB.partition("space:")[0].replace("shallow", f"nets_to_try:{kind}")
    left = prepared(
        tmp_path,
        text=text + f"space: {{batch_size: 64, epochs: 1, learning_rate: 0.1, {space}}}\nrules: [{{skip: {rule!r}}}]\n",
    )
    assert not left.dooms
    assert len(left.grid.trials) == len(ready.grid.trials) - trials


def test_each_value_to_blame_has_a_line(tmp_path: Path) -> None:
    dooms = job(tmp_path, "Net", "width: [-4, 8, -1], heads: [1, 2]").dooms
    assert [doom.shared for doom in dooms] == [{"width": -4}, {"width": -1}]
    assert [doom.error.partition("nsion ")[2][:2] for doom in dooms] == ["-4", "-1"]
    dooms = job(tmp_path, "Net", "width: [4, 6, 8, 10], heads: [1, 4]").dooms
    assert [doom.shared for doom in dooms] == [{"width": 6, "heads": 4}, {"width": 10, "heads": 4}]


def test_what_many_values_do_is_one_line(tmp_path: Path) -> None:
    (doom,) = job(tmp_path, "Net", "width: [4, 6, 8, 9, 10, 11, 14], heads: [1, 4]").dooms
    assert (doom.shared, doom.mend) == ({}, "fix the model") and "width=6, heads=4 and others: Runt" in doom.error
    (doom,) = job(tmp_path, "Net", "width: [-6, -5, -4, -3, -2, -1, 4]").dooms
    assert "with width=-6 and 5 other values: " in doom.error
    assert doom.mend.endswith(", skip: width <= -1")


LARGE = """
from torch import nn

class Large(nn.Module):
    def __init__(self, in_features, num_classes, width, act="tanh", drop=0.0):
        super().__init__()
        self.act = {"relu": nn.ReLU(), "tanh": nn.Tanh()}[act]
        if drop >= 0.3:
            raise ValueError(f"{drop} is too much")
        self.first, self.last = nn.Linear(in_features, width), nn.Linear(width, num_classes)

    def forward(self, x):
        return self.last(self.act(self.first(x.flatten(1))))
"""


@pytest.mark.parametrize(
    ("space", "search", "sound"),
    [
        ("width: {range: [4, 193]}, act: [bad, relu, tanh]", "", lambda hyper: hyper.get("act") != "bad"),
        (
            "width: {range: [4, 400]}, act: [bad, relu, tanh]",
            "search: {random: 300}",
            lambda hyper: hyper.get("act") != "bad",
        ),
        (
            "width: [4, 5], drop: {uniform: [0.0, 0.5]}, act: [relu, tanh]",
            "search: {random: 250}",
            lambda hyper: hyper.get("drop", 0.0) < 0.3,
        ),
    ],
    ids=["grid", "random", "drawn from a range"],
)
def test_no_sound_trial_of_a_large_grid_pays_for_another(
    tmp_path: Path, space: str, search: str, sound: Callable[[dict[str, Any]], bool]
) -> None:
    (tmp_path / "large_net.py").write_text(LARGE)
    text = JOB.partition("space:")[0].replace("shallow", "large_net:Large")
    space = f"space: {{batch_size: 64, epochs: 1, learning_rate: 0.1, {space}}}"
    ready = prepared(tmp_path, text=f"{text}{search}\n{space}\n")
    failing = [trial.config.hyper for trial in ready.grid.trials if ready.doom_of(trial.config)]
    assert failing and not any(map(sound, failing))
    (doom,) = ready.dooms
    assert doom.mend.endswith("skip: act == 'bad'") or "skip: drop >= 0.3" in doom.mend


def test_images_too_small_for_a_model_of_ours(tmp_path: Path) -> None:
    text = JOB.partition("space:")[0].replace("shallow", "squeezenet")
    with pytest.raises(ModelError) as caught:
        space = "{batch_size: 64, epochs: 1, learning_rate: 0.1, pools: [2, 4]}"
        prepared(tmp_path, text=f"{text}space: {space}\n")
    assert str(caught.value) == (
        "job:5:67: pools: model 'squeezenet' cannot be built with pools=4: images of 8 x 8 pixels are too small"
        " for 4 poolings by 2; they need at least 16 x 16 (by default squeeze_ratio=0.125, pct_3x3=0.5,"
        " base_expand=128, expand_increment=128, fires=4, dropout=0.5, batch_norm=False, bias_before_norm=False)"
    )


def test_a_drawn_number_where_the_model_needs_a_whole_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        (tmp_path / "nets_to_try.py").write_text(NETS)
        text = JOB.partition("space:")[0].replace("shallow", "nets_to_try:Net") + "search: {random: 3}\n"
        space = "{batch_size: 64, epochs: 1, learning_rate: 0.1, width: {uniform: [4, 9]}}"
        prepared(tmp_path, text=f"{text}space: {space}\n")
    assert str(caught.value).startswith("job:6:63: width: ")
    assert str(caught.value).endswith("; whole numbers are drawn from {range: [4, 9]}")


@pytest.mark.parametrize("kind", ["Net", "NeedsNumbers", "NeedsAGpu"])
def test_left_to_the_workers(tmp_path: Path, kind: str) -> None:
    found = job(tmp_path, kind, "width: [4, 8]")
    assert found.dooms == [] and len(found.grid.trials) == 2


def test_a_large_grid_is_tried_by_value() -> None:
    grid = [{"a": a, "b": b} for a in range(90) for b in range(90)]
    tried = telling([*grid, {"a": 3}, *grid], ["a", "b"])
    assert len(tried) <= MOST_TRIED
    assert {each["a"] for each in tried} == set(range(90))
    assert {each.get("b") for each in tried} == {*range(90), None}
    assert len({repr(each) for each in tried}) == len(tried)
    assert telling([{"a": 1}, {"a": 1}], ["a"]) == [{"a": 1}]
    assert 100 <= len(telling(({"a": a} for a in range(99_999)), ["a"])) <= MOST_TRIED


def test_a_model_that_works_with_two_images_and_not_with_one(tmp_path: Path) -> None:
    (tmp_path / "one_net.py").write_text(NETS)
    with pytest.raises(ModelError, match=r"with two images it works, with one it does not: .* \(10,\) for 1 image; it"):
        prepared(tmp_path, "model=one_net:Squeezes", "space={}", *PLAIN)


PLAIN = ("batch_size=64", "epochs=1", "learning_rate=0.1")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            ["model=batch_net:Normalised"],
            "of 129 training images, 64 at a time, the last batch of an epoch has 1 ",
        ),
        (
            ["model=batch_net:Normalised", "batch_size=[43, 64]", "rules=[{skip: batch_size == 43}]"],
            "write last_batch: merge (adds it to the batch before)",
        ),
        (["model=batch_net:Normalised", "batch_size=1"], "batch_size: 1 is what model 'batch_net:Normalised' cannot"),
        (["model=batch_net:Pairs", "batch_size=50"], "the last batch of an epoch has 29 images, which model"),
        (["model=cnn", "space={filters: [[2]], batch_norm: [all], dense: [[4]]}"], "batch_norm='all'"),
    ],
)
def test_a_last_batch_that_no_trial_can_train_on_is_refused(tmp_path: Path, changes: list[str], said: str) -> None:
    (tmp_path / "batch_net.py").write_text(NETS)
    job = ("split={train: 129}", "space={}", *PLAIN, *changes)
    with pytest.raises(JobError, match=r"^(job|--set batch).*: batch_size: ") as caught:
        prepared(tmp_path, *job)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    if "batch_size=1" not in changes:
        for mend in ("drop", "merge"):
            if "Pairs" not in changes[0] or mend == "drop":
                assert prepared(tmp_path, *job, f"last_batch={mend}").grid.trials


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        (["model=batch_net:Normalised", "space.norm=[false, true]"], {"norm": True, "batch_size": 64}),
        (["model=batch_net:Normalised", "batch_size=[43, 64]"], {"batch_size": 64}),
        (["model=batch_net:Pairs", "batch_size=[43, 50, 64]"], {"batch_size": 43}),
        (["model=cnn", "space={filters: [[2]], batch_norm: [none, all], dense: [[4]]}"], {"batch_norm": "all"}),
    ],
)
def test_a_last_batch_costs_the_trials_that_cannot_train_on_it(
    tmp_path: Path, changes: list[str], shared: dict[str, object]
) -> None:
    (tmp_path / "batch_net.py").write_text(NETS)
    ready = prepared(tmp_path, "split={train: 129}", "space={}", *PLAIN, *changes)
    assert shared.items() <= ready.dooms[0].shared.items()
    failing = [trial.config for trial in ready.grid.trials if ready.doom_of(trial.config)]
    assert 0 < len(failing) < len(ready.grid.trials)
    assert sum(ready.doomed_by(doom, ready.grid.trials) for doom in ready.dooms) == len(failing)
    assert all(
        (dict(ready.models[config.model].optional) | config.settings())[key] == value
        for config in failing[:1]
        for key, value in shared.items()
    )
    last = 129 % ready.dooms[0].shared["batch_size"]
    assert ("last_batch: merge" if last else "take another batch size") in ready.dooms[0].mend


def test_models_without_normalisation_train_on_a_batch_of_one(tmp_path: Path) -> None:
    (tmp_path / "plain_net.py").write_text(NETS)
    assert prepared(tmp_path, "model=plain_net:Normalised", "split={train: 129}", "space={norm: [false]}", *PLAIN)
    assert prepared(tmp_path, "split={train: 129}", "batch_size=64")
