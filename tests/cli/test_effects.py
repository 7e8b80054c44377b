"""What matters and what to do next, as commands: tables, JSON, and advice whose commands work."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path

import pytest

from tests.cli.program import refused, run

#: Big steps, so that training does not depend on luck: the best is at the edge, and smaller learning rates at chance.
JOB = """\
name: small
dataset: digits
split: {test: 0.5, train: 200}
model: shallow
seed: 0
space:
  batch_size: [16, 32]
  epochs: [1, 3, 20]
  learning_rate: [0.00001, 0.001, 0.1]
  neurons: [8, 16, 24]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(JOB)
    ended = run(folder, "launch", "small.yaml", "--inline")
    assert ended.code == 0, ended.err
    lines = ended.err.splitlines()
    best = next(place for place, line in enumerate(lines) if line.startswith("small: best val_accuracy"))
    assert lines[best + 1].startswith(
        "small: edge: the best value of learning_rate (0.1) is the largest tried; larger ones"
    )
    assert lines[-1] == "small: more advice: gridsearch advise small"
    return folder


def test_the_terminal_has_axes_pairs_and_values(trained: Path) -> None:
    ended = run(trained, "effects", "small")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[2].startswith("learning_rate ")
    assert "the grid is whole, so shares of the variance are exact" in ended.out
    assert "all trials share seed 0" in ended.out
    for width in (60, 80, 120):
        lines = run(trained, "effects", "small", COLUMNS=str(width)).out.splitlines()
        assert max(len(line) for line in lines if "gridsearch" not in line) <= width


def test_programs_get_whole_tables(trained: Path) -> None:
    axes = list(csv.DictReader(io.StringIO(run(trained, "effects", "small", "-f", "csv").out)))
    assert axes[0]["axis"] == "learning_rate"
    whole = json.loads(run(trained, "effects", "small", "-f", "json").out)
    assert whole["exact"] is True and whole["n"] == 54
    values = list(csv.DictReader(io.StringIO(run(trained, "effects", "small", "--table", "values", "-f", "csv").out)))
    assert len(values) == 2 + 3 + 3 + 3 and all(len(row["best_trial"]) == 64 for row in values)
    trials = list(csv.DictReader(io.StringIO(run(trained, "export", "small").out)))
    best = max(float(row["val_accuracy"]) for row in trials if row["neurons"] == "8")
    assert next(float(row["best"]) for row in values if (row["axis"], row["value"]) == ("neurons", "8")) == best
    latex = run(trained, "effects", "small", "--pair", "neurons,learning_rate", "-f", "latex").out
    assert latex.startswith("\\begin{tabular}{lrrr}")
    run(trained, "effects", "small", "-o", "axes.md")
    assert (trained / "axes.md").read_text().startswith("| axis | share |")


def test_each_command_that_is_advised_is_one_that_works(trained: Path) -> None:
    found = json.loads(run(trained, "advise", "small", "-f", "json").out)
    assert {"edge", "tie", "one-draw"} <= {one["code"] for one in found}
    for one in (one for one in found if one["run"]):
        words = shlex.split(one["run"])
        assert words[0] == "gridsearch"
        words = ["plan", *words[2:], "--json"] if words[1] == "launch" else words[1:]
        ended = run(trained, *words)
        assert ended.code == 0, (one, ended.err)
        if words[0] == "plan" and one["effort"]:
            planned = json.loads(ended.out)
            assert sum(planned[key] for key in ("new", "read", "open", "resume")) == one["effort"]["trials"], one
    text = run(trained, "advise", "small", COLUMNS="80").out
    assert [line for line in text.splitlines() if line.startswith("gridsearch ")]
    assert text.count("\n\n") == len(found) - 1


def test_bad_input_is_one_line(trained: Path) -> None:
    refused(run(trained, "effects", "smal"), "no job 'smal' in the store (did you mean 'small'?)")
    refused(run(trained, "effects", "small", "--pair", "neurons"), "write two axes with a comma between them")
    refused(
        run(trained, "effects", "small", "--pair", "neurons,epoch"), "unknown axis 'epoch' (did you mean 'epochs'?)"
    )
    refused(run(trained, "effects", "small", "--within", "third"), "third")
    refused(run(trained, "advise", "none"), "no job 'none'")
