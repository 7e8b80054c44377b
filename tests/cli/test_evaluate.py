"""gridsearch evaluate, as a user runs it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

from gridsearch import paths
from gridsearch.analysis.evaluation import scores
from gridsearch.cli.commands.evaluate import _tables_of
from gridsearch.cli.main import app
from gridsearch.cli.render.evaluated_numbers import as_written, without_empty
from gridsearch.cli.render.tables import Format, Grid, blocks
from gridsearch.store.rows import Evaluation
from tests.cli.program import refused, run
from tests.engine.launching import launch, prepared


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("evaluated")
    launch(prepared(made), made / paths.STORE_NAME)
    return made


def test_evaluate(folder: Path) -> None:
    ended = run(folder, "evaluate", "small", COLUMNS="80")
    assert (ended.code, ended.err) == (0, "")
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    head, classes, confusion, speed, device = ended.out.split("\n\n")
    assert "of epoch 3 of 3" in head and "of 180 images" in head
    assert [line.split()[0] for line in classes.splitlines()] == ["class", "─────", *map(str, range(10)), "mean"]
    counts = [[int(cell) for cell in line.split()[1:]] for line in confusion.splitlines()[2:]]
    assert sum(map(sum, counts)) == 180 and [len(row) for row in counts] == [10] * 10
    accuracy = sum(counts[i][i] for i in range(10)) / 180
    assert f"test accuracy  {accuracy:.4f}" in head
    assert [line.split()[:2] for line in speed.splitlines()[2:]] == [["1", "180"], ["100", "180"]]
    assert device.startswith("on ") and device.strip().endswith("1 thread")

    second = run(folder, "evaluate", "small", COLUMNS="80")
    assert second.out == ended.out
    assert "as recorded" in second.err and "--again" in second.err

    found = json.loads(run(folder, "evaluate", "small", "--format", "json").out)
    assert (found["test"]["accuracy"], found["test"]["confusion"], found["measured_now"]) == (accuracy, counts, False)
    assert [one["batch_size"] for one in found["latency"]] == [1, 100]

    several = run(folder, "evaluate", "small", "--top", "2", "-f", "md")
    first, _, behind = several.out.partition("\n\n")
    lines = first.splitlines()
    headings = lines[0].strip("| ").split(" | ")
    tops = json.loads(run(folder, "top", "small", "-n", "2", "--bottom", "0", "-f", "json").out)
    assert lines[0].count("|") == lines[2].count("|") and "ms/image" in lines[0]
    assert [line.split(" | ")[headings.index("batch")] for line in lines[2:]] == ["1", "100"] * 2
    axes = headings[1 : headings.index("val_accuracy")]
    assert axes and set(axes) <= {"batch_size", "epochs", "learning_rate"}, "the axes in which the two differ"
    for place, name in enumerate(axes, start=1):
        values = [line.split(" | ")[place] for line in lines[2::2]]
        assert values == [str(top[name]) for top in tops] and len(set(values)) == 2
    assert several.err.count("\n") == 1 and found["trial"][:8] in several.err
    pair = _told_behind(folder, behind, axes)
    assert pair["images"] == 180 and pair["p_mcnemar"] == pytest.approx(
        binomtest(pair["only_first"], pair["only_first"] + pair["only_this"]).pvalue
    )
    assert run(folder, "verify").code == 0


def _told_behind(folder: Path, table: str, axes: list[str]) -> dict[str, Any]:
    """Return how far the second of two trials lies behind the first, the same in every format."""
    one, two = json.loads(run(folder, "evaluate", "small", "--top", "2", "-f", "json").out)
    pair: dict[str, Any] = two["behind_first"]
    assert one["behind_first"] is None
    difference = one["test"]["accuracy"] - two["test"]["accuracy"]
    assert pair["difference"] == pytest.approx(difference) and pair["low"] <= difference <= pair["high"]
    assert pair["only_first"] - pair["only_this"] == round(180 * difference)
    head, _, line, *more = table.strip().splitlines()
    names = head.strip("| ").split(" | ")
    assert names == ["trial", *axes, "behind", "low", "high", "only_first", "only_this", "p"]
    cells = dict(zip(names, line.strip("| ").split(" | "), strict=True))
    assert not more and cells["behind"] == f"{difference:.4f}"
    assert cells["p"].removeprefix("\\") == (f"{pair['p_mcnemar']:.4f}" if pair["p_mcnemar"] > 1e-4 else "< 0.0001")
    shown = run(folder, "evaluate", "small", "--top", "2", COLUMNS="200").out
    assert f"behind trial {one['trial'][:8]} in accuracy on the same 180 test images" in shown
    rows = list(csv.DictReader(io.StringIO(run(folder, "evaluate", "small", "--top", "2", "-f", "csv").out)))
    assert [row["p_mcnemar"] for row in rows] == ["", "", *[str(pair["p_mcnemar"])] * 2]
    return pair


def test_many_classes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*arguments: str) -> str:
        ended = CliRunner().invoke(app, arguments)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    labels = np.arange(360) % 60
    pixels = (labels[:, None, None] * 4 + np.arange(16).reshape(4, 4)).astype(np.uint8)
    seen = labels < 58
    np.savez(
        folder / "many.npz",
        train_images=pixels, train_labels=labels, test_images=pixels[seen], test_labels=labels[seen],
    )  # fmt: skip
    many = ("name=many", "dataset=./many.npz", "split={}", "epochs=1", "batch_size=64", "learning_rate=0.1")
    launch(prepared(folder, *many), folder / paths.STORE_NAME)
    _, classes, said, confusions, told = called("evaluate", "many", "--no-latency").split("\n\n")
    assert len(classes.splitlines()) == 2 + 20 + 1 and len(confusions.splitlines()) == 2 + 20
    assert " ".join(said.split()).startswith("the 20 of 60 classes with the lowest F1; 2 classes have no test images")
    # The command to copy has the job's name, and a line of its own.
    told = told.split("\n\n")[0]
    assert told.strip().splitlines() == [
        "the 20 most frequent confusions of 60 classes; see all:", "gridsearch evaluate many --format csv",
    ]  # fmt: skip
    found = json.loads(called("evaluate", "many", "--no-latency", "--format", "json"))["test"]
    assert sum(count for _, _, count in found["cells"]) == found["images"] == 348
    assert (len(found["classes"]), found["absent"], found["classes"][59]["recall"]) == (60, 2, None)
    table = run(folder, "evaluate", "many", "--no-latency", "--format", "csv").out.split("\n\n")
    assert table[0].splitlines()[0] == "trial,val_accuracy,test_accuracy,test_loss"
    assert len(table[1].splitlines()) == 1 + 58 + 1
    assert len(table[2].splitlines()) == 1 + sum(i != j for i, j, _ in found["cells"])
    called("dashboard", "many", "-o", ".")
    page = (folder / "many.html").read_text()
    assert "The most frequent confusions, and the classes with the lowest F1 of 60" in page
    assert 'id="confusion"' not in page and "2 classes have no test images" in page


def test_what_cannot_be_evaluated_is_refused_in_one_line(folder: Path) -> None:
    other = folder / "other.db"
    launch(prepared(folder, "name=other", "learning_rate=[1e30]", "epochs=1", "batch_size=64"), other)
    refused(run(folder, "evaluate", "other", "--store", "other.db"), "the only trial of job 'other' diverged")
    refused(run(folder, "evaluate", "smal"), "did you mean 'small'")
    refused(run(folder, "evaluate", "small", "--trial", "zz"), "no trial's id starts with 'zz'")
    refused(run(folder, "evaluate", "small", "--trial", "a", "--top", "2"), "use only one of them")
    refused(run(folder, "evaluate", "small", "--device", "tpu"), "auto, cpu or cuda")


def test_names_of_classes_keep_to_the_terminal_and_are_whole_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = tuple(sign * 150 for sign in "xyz")
    made = Evaluation("trial", 1, 0.5, names, ((3, 1, 0), (0, 2, 0), (0, 0, 1)), 0.1)
    for grid in _tables_of("job", scores(made), Format.TABLE):
        lines = [line for block in blocks(grid, 80) for line in (*block.head, *block.body)]
        assert max(map(len, lines)) <= 80 and any("xxx" in line and "…" in line for line in lines)
    *_, confusion = _tables_of("job", scores(made), Format.CSV)
    assert tuple(confusion.headings[1:]) == names


def test_columns_without_anything_are_left_out_and_programs_get_plain_numbers() -> None:
    grid = Grid(["trial", "-", "loss", "auroc", "note"], [False, True, True, True, False], [], keys=1)
    rows = [["-", "-", "1,234", "-", "-"], ["a", "", "-", "0.5", "1,234"]]
    kept = without_empty(replace(grid, rows=rows))
    assert (kept.headings, kept.numeric) == (["trial", "loss", "auroc", "note"], [False, True, True, False])
    assert as_written(kept, Format.CSV).rows == [["-", "1234", "", "-"], ["a", "", "0.5", "1,234"]]
    assert as_written(kept, Format.MD) is kept


def test_export_onnx(folder: Path) -> None:
    ended = run(folder, "export", "small", "--onnx", "best.onnx")
    assert (ended.code, ended.out) == (0, "") and "written to best.onnx" in ended.err
    assert (folder / "best.onnx").stat().st_size > 1000
    refused(run(folder, "export", "small", "--onnx", "x.onnx", "-o", "x.csv"), "leave out --output")
    refused(run(folder, "export", "small", "--trial", "ab"), "add --onnx FILE")
