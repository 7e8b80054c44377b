"""Folds, repeats, random search and constraints from the command line, in this process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import gridsearch
from gridsearch.analysis.filtering import TableError
from gridsearch.cli import streams
from gridsearch.cli.main import app
from gridsearch.cli.render.best import best_trial
from gridsearch.errors import DataError
from gridsearch.store.opening import open_store
from tests.cli.program import JOB

Command = Callable[..., str]
CHANGES = (
    "split={folds: 3}",
    "repeats=2",
    "search.random=2",
    "epochs=1",
    "constraints={seconds: 1000, parameters: 1000000000}",
)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command in a folder with the job file; return what it said on both streams."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(JOB)

    def run(*arguments: str) -> str:
        streams.out.cache_clear()
        streams.err.cache_clear()
        capfd.readouterr()
        assert app(list(arguments), standalone_mode=False) in (0, None)
        said = capfd.readouterr()
        return said.err + said.out

    return run


def settings(*changes: str) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def test_points_from_plan_to_page(command: Command) -> None:
    planned = command("plan", "small.yaml", *settings(*CHANGES))
    assert re.search(r"images +1,198  to train, 599 to validate, 0 to test, in each of 3 folds\n", planned)
    assert re.search(r"points +2  of 4 points, drawn at random: 2 batch_size x 1 epochs x 2 learning_rate x", planned)
    assert re.search(r"trials +12  2 points x 2 seeds x 3 folds\n", planned)
    said = command("launch", "small.yaml", "--inline", *settings(*CHANGES))
    assert said.startswith("small: 2 of 4 points, drawn at random; 12 trials, +12 new; 12 epochs to train")
    score = r"0\.\d{4} ± 0\.\d{4} \(n=6\)"
    assert re.search(rf"small: best val_accuracy {score}: batch_size \d+, .* \(first trial [0-9a-f]{{8}}\)", said)
    shown = command("top", "small").splitlines()
    assert shown[0].split() == [
        "#", "first_trial", "val_accuracy", "batch_size", "epochs", "learning_rate", "neurons",
    ]  # fmt: skip
    assert len(shown) == 4 and all(re.search(score, line) for line in shown[2:])
    assert command("top", "small", "--each").splitlines()[-1] == "10 of 12 trials"
    assert (
        command("top", "small", "-f", "csv")
        .splitlines()[0]
        .startswith(
            "rank,first_trial,val_accuracy_mean,val_accuracy_std,val_accuracy_n,val_accuracy_of,val_accuracy_diverged,over,"
        )
    )
    command("export", "small", "--table", "points", "-o", "points.csv")
    points = pd.read_csv("points.csv")
    first = json.loads(command("top", "small", "-f", "json"))[0]
    assert (len(points), first["val_accuracy_n"]) == (2, 6)
    assert first["val_accuracy_mean"] == pytest.approx(points["score"].max())
    assert re.search(rf"best      val_accuracy {score}  first trial", command("status"))
    assert json.loads(command("status", "--json"))[0]["best"]["spread"]["of"] == 6
    page = Path("dashboards/small.html").read_text(encoding="utf-8")
    assert "2 of 4 points, drawn at random" in page
    assert re.search(r'class="big">0\.\d{4}<small> ± 0\.\d{4} \(n=6\)</small>', page)
    assert "No trial exceeds a constraint: parameters at most 1,000,000,000, seconds at most 1,000." in page
    assert "599 validation, 0 test, in each of 3 folds" in page
    assert "2 points ranked by the mean of their trials" in page
    with gridsearch.open("results.db") as results:
        job = results.job("small")
        assert job.top(1)["val_accuracy_mean"].iloc[0] == pytest.approx(first["val_accuracy_mean"])
        assert (len(job.top(20, each=True)), len(job.points())) == (12, 2)
        assert "± " in repr(job)


def test_more_draws_and_more_repeats_train_what_is_new(command: Command) -> None:
    command("launch", "small.yaml", "--inline", "--no-dashboard", *settings("search.random=1"))
    said = command("plan", "small.yaml", "--json", *settings("search.random=3", "repeats=2"))
    assert said.startswith("small: new since the last launch: ")  # on stderr
    planned = json.loads(said[said.index("{") :])
    assert (planned["trials"], planned["done"], planned["repeats"], planned["drawn_from"]) == (6, 1, 2, 8)
    more = command("plan", "small.yaml", *settings("search.random=9"))
    assert re.search(r"points +8  of 8 points, drawn at random", more)
    assert "9 were asked for; the space has no more" in more


def test_all_trials_of_the_best_point_are_evaluated(command: Command) -> None:
    changes = settings("split={folds: 2, test: 0.1}", "repeats=2", "epochs=1", "batch_size=64")
    command("launch", "small.yaml", "--inline", "--no-dashboard", *changes)
    said = command("evaluate", "small", "--no-latency")
    head, each, classes, together, _ = said.split("\n\n")
    mean = re.search(r"test accuracy  (0\.\d{4}) ± (0\.\d{4}) \(n=4\) of 180 images each\n", head)
    assert mean is not None and together == "of 4 trials together"
    lines = [line.split() for line in each.splitlines()]
    assert lines[0] == ["trial", "seed", "fold", "val_accuracy", "test_accuracy", "test_loss"]
    assert [line[1:3] for line in lines[2:6]] == [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]
    accuracies = pd.Series([float(line[4]) for line in lines[2:6]])
    assert (lines[6][0], lines[7][0]) == ("mean", "±")
    assert [float(mean[1]), float(mean[2])] == [float(lines[6][2]), float(lines[7][2])]
    assert [accuracies.mean(), accuracies.std()] == pytest.approx([float(mean[1]), float(mean[2])], abs=1e-4)
    assert classes.splitlines()[-1].split()[-1] == "720"
    found = json.loads(command("evaluate", "small", "--no-latency", "-f", "json").partition("\n")[2])
    assert [(one["seed"], one["fold"]) for one in found["trials"]] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert (found["of"], found["test_accuracy"]["n"]) == (4, 4)
    # One by its id, as ever; of all points a line for each trial and each mean.
    one = command("evaluate", "small", "--trial", found["trials"][2]["trial"], "--no-latency")
    assert f"test accuracy  {accuracies[2]:.4f} of 180 images" in one
    command("evaluate", "small", "-n", "all", "--no-latency", "-o", "all.csv")
    table = pd.read_csv("all.csv")
    assert table["trial"].tolist()[4:6] == ["mean", "std"] and len(table) == 2 * (4 + 2)
    assert table["test_accuracy"][4] == pytest.approx(accuracies.mean(), abs=1e-4)
    assert set(table["trial"].str.len()) == {64, 4, 3}


def test_tables_go_into_files_and_keep_the_ids(command: Command) -> None:
    command("launch", "small.yaml", "--inline", "--no-dashboard", *settings("epochs=[1,2]"))
    assert command("top", "small", "-n", "all", "-o", "top.csv") == "written to top.csv\n"
    top = pd.read_csv("top.csv")
    assert (len(top), list(top.columns[:2]), top["trial"].str.len().min()) == (8, ["rank", "trial"], 64)
    assert Path("top.csv").read_text() == command("top", "small", "-n", "all", "-f", "csv")
    command("top", "small", "-n", "2", "--bottom", "0", "-o", "top.tex")
    ids = [f"  {rank} & {trial[:8]} & " for rank, trial in zip((1, 2), top["trial"], strict=False)]
    assert [line[: len(ids[0])] for line in Path("top.tex").read_text().splitlines()[4:6]] == ids
    assert command("top", "small", "-f", "md").splitlines()[2].startswith(f"| 1 | {top['trial'][0][:8]} |")
    command("top", "small", "-o", "top.txt")
    assert Path("top.txt").read_text() == command("top", "small")
    command("show", top["trial"][0], "--epochs", "-o", "epochs.json")
    assert [one["epoch"] for one in json.loads(Path("epochs.json").read_text())] == [0, 1, 2][: 1 + top["epochs"][0]]
    with gridsearch.open("results.db") as results:
        job = results.job("small")
        assert job.top(8)["trial"].tolist() == top["trial"].tolist()
        assert list(job.bottom(1, columns=["neurons"]).columns) == ["neurons"]
    for table, rows in (("trials", 2), ("points", 2), ("epochs", 2 * 3)):
        command("export", "small", "--table", table, "--filter", "learning_rate == 0.1 and epochs == 2", "-o", "e.csv")
        assert len(pd.read_csv("e.csv")) == rows
    with pytest.raises(TableError, match="unknown column 'lr'; it is called learning_rate here"):
        command("export", "small", "--filter", "lr == 0.1")


def test_what_exceeds_a_constraint_is_counted_and_not_the_best(command: Command) -> None:
    changes = settings("search.random=2", "epochs=1", "constraints.seconds=1e-9")
    said = command("launch", "small.yaml", "--inline", *changes)
    assert "small: 2 completed" in said and "best" not in said
    assert "  over      2 trials over a constraint: 2 seconds\n" in command("status")
    *table, _, caption = command("top", "small").splitlines()
    assert [line.split()[3] for line in table[2:]] == ["seconds", "seconds"]
    assert caption == "a trial over a limit of the job (column over) ranks below those within the limits"
    assert "ranks below" not in command("top", "small", "--sort", "neurons")
    page = Path("dashboards/small.html").read_text(encoding="utf-8")
    assert "2 trials exceed a constraint and cannot be the best: seconds at most 1e-09" in page
    assert "No trial within the constraints has a score." in page
    with open_store(Path("results.db")) as store:
        assert best_trial(store, "small") is None


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("{test: 1790, folds: 9}", "folds: 9 parts of the 7 images of digits left to take from cannot all have one"),
        ("{test: 0.9, folds: 50, stratify: true}", "stratify: class '0' of digits has 18 of 180 images, too few for"),
    ],
)
def test_folds_that_cannot_be_are_refused_where_they_stand(command: Command, split: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        command("plan", "small.yaml", *settings(f"split={split}"))
    assert str(caught.value).startswith(f"--set split={split}: split: {words}")
