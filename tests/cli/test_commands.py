"""Every command on a small job that was really trained, as a user runs it."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.program import JOB, refused, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(JOB)
    ended = run(folder, "launch", "small.yaml", "--inline")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == ["dashboards/small.html", "dashboards/index.html"]
    lines = ended.err.strip().splitlines()
    assert lines[0] == "small: 8 trials, +8 new; 12 epochs to train (16 without sharing)"
    assert lines[1] == "small: results.db is a new store"
    assert re.fullmatch(r"small: 8 completed in \d.*", lines[-2])
    first = json.loads(run(folder, "top", "small", "-f", "json").out)[0]
    assert lines[-1] == (
        f"small: best val_accuracy {first['val_accuracy']:.4f}: batch_size {first['batch_size']}, epochs "
        f"{first['epochs']}, learning_rate {first['learning_rate']}, neurons 10 (trial {first['trial'][:8]})"
    )
    return folder


def test_launching_again_and_resuming_find_nothing_to_do(trained: Path) -> None:
    ended = run(trained, "launch", "small", "--inline", "--no-dashboard")
    assert (ended.code, ended.out) == (0, "")
    assert "8 trials, =8 done; nothing to train" in ended.err
    ended = run(trained, "resume", "--inline")
    assert (ended.code, "nothing to resume" in ended.err) == (0, True)


def test_plan(trained: Path) -> None:
    ended = run(trained, "plan", "small.yaml", "--set", "neurons=[10,20]")
    assert ended.code == 0
    assert re.search(r"points +16 +2 batch_size x 2 epochs x 2 learning_rate x 2 neurons", ended.out)
    assert re.search(r"\+8 +new", ended.out)
    assert re.search(r"=8 +done", ended.out)
    found = json.loads(run(trained, "plan", "small.yaml", "--json").out)
    assert (found["trials"], found["done"], found["epochs"]) == (8, 8, 0)
    assert run(trained, "launch", "small", "--dry-run").out == run(trained, "plan", "small").out
    edited = run(trained, "plan", "small", "--set", "epochs=3", COLUMNS="60").out
    assert "4 earlier trials with results are no" in edited
    assert all(len(line) <= 60 for line in edited.splitlines() if "gridsearch launch" not in line)
    # What is there to be copied stands unbroken on a line of its own.
    copied = [line.strip() for line in edited.splitlines() if "gridsearch" in line]
    assert copied == ["gridsearch launch small.yaml", "gridsearch launch small.yaml --only 'epochs == 3'"]


def test_in_another_folder_the_store_above_is_named_and_none_is_made(trained: Path) -> None:
    below = trained / "below"
    below.mkdir(exist_ok=True)
    refused(run(below, "status"), "there is no store results.db; another is ../results.db: to use it, add --store ../r")
    ended = run(below, "plan", "../small.yaml")
    assert ended.err == (
        "small: no store results.db yet, so every trial is new; another is ../results.db: to use it, add --store"
        " ../results.db\n"
    )
    assert list(below.iterdir()) == []


def test_a_part_is_trained_and_the_table_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    how = ("--inline", "--no-dashboard")
    ended = run(tmp_path, "launch", "small.yaml", "--only", "epochs == 1", "--only", "learning_rate == 0.1", *how)
    lines = ended.err.strip().splitlines()
    assert lines[0] == "small: 2 of 8 trials selected, +2 new; 2 epochs to train"
    assert lines[-1] == "small: 6 trials still to train; train all with: gridsearch resume small"
    ended = run(tmp_path, "resume", "small", *how)
    assert "small: 8 trials, +4 still to train, >2 to continue, =2 done; 10 epochs to train" in ended.err
    assert json.loads(run(tmp_path, "status", "--json").out)[0]["states"] == {"completed": 8}
    refused(run(tmp_path, "resume", "--only", "epochs == 1"), "--only selects trials of one job: name it")
    refused(
        run(tmp_path, "plan", "small.yaml", "--only", "epochs == 2"), "matches none of the 8 trials: epochs is 1 or 3"
    )


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    assert run(tmp_path, "plan", "small.yaml").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


def test_top_is_the_reports_table(trained: Path) -> None:
    ended = run(trained, "top", "small", "-n", "2", "--bottom", "2")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["#", "trial", "val_accuracy", "batch_size", "epochs", "learning_rate", "neurons"]
    assert lines[4].split() == ["…"] * 7
    scores = [float(lines[i].split()[2]) for i in (2, 3, 5, 6)]
    assert scores == sorted(scores, reverse=True)
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1] == "4 of 8 trials"
    assert [lines[i].split()[0] for i in (2, 3, 5, 6)] == ["1", "2", "7", "8"]
    assert "epochs 1 to" in run(trained, "show", lines[2].split()[1]).out


def test_top_in_every_format(trained: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(trained, "top", "small", "-f", "csv").out)))
    assert len(rows) == 8
    assert list(rows[0]) == ["rank", "trial", "val_accuracy", "batch_size", "epochs", "learning_rate", "neurons"]
    found = json.loads(run(trained, "top", "small", "--format", "json").out)
    assert [row["rank"] for row in found] == list(range(1, 9))
    assert found[0]["val_accuracy"] == pytest.approx(float(rows[0]["val_accuracy"]), abs=1e-6)
    markdown = run(trained, "top", "small", "-f", "md", "-n", "1", "--bottom", "1").out.splitlines()
    assert markdown[1] == "|---:|:---|---:|---:|---:|---:|---:|"
    assert len(markdown) == 5
    latex = run(trained, "top", "small", "-f", "latex", "-n", "1", "--bottom", "1").out
    assert r"\begin{tabular}{rlrrrrr}" in latex
    assert r"\# & trial & val\_accuracy & batch\_size & epochs & learning\_rate & neurons \\" in latex
    assert r"$\vdots$" in latex


def test_top_filters_sorts_and_chooses(trained: Path) -> None:
    ended = run(
        trained, "top", "small", "--filter", "epochs == 3 and batch_size < 100", "--sort", "-learning_rate",
        "--columns", "trial,learning_rate", "-f", "csv",
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["learning_rate"] for row in rows] == ["0.1", "0.01"]
    shown = run(trained, "show", rows[0]["trial"])
    assert shown.code == 0
    assert "learning_rate    0.1" in shown.out
    assert "epochs 1 to 3 (losses on a log scale)" in shown.out
    assert "trained          as one of 2 (concatenated); epochs 1-3; " in shown.out
    found = json.loads(run(trained, "show", rows[0]["trial"], "--json").out)
    assert [epoch["epoch"] for epoch in found["epochs"]] == [0, 1, 2, 3]
    (span,) = found["trained"]
    assert (span["strategy"], len(span["lineages"]), span["first_epoch"], span["last_epoch"]) == (
        "concatenated",
        2,
        0,
        3,
    )
    assert found["lineage"] in span["lineages"]
    assert "completed" in [event["kind"] for event in found["events"]]
    events = shown.out.partition("  events\n")[2].splitlines()
    assert [line.split()[-1] for line in events] == ["enqueued", "running", "completed"]
    assert all(re.fullmatch(r"  \d{4}-\d\d-\d\d \d\d:\d\d  \w+", line) for line in events)
    assert all(datetime.fromisoformat(event["at"]).tzinfo for event in found["events"])


def test_a_trial_shows_its_models_layers(trained: Path) -> None:
    trial = json.loads(run(trained, "top", "small", "-f", "json").out)[0]["trial"]
    found = json.loads(run(trained, "show", trial, "--layers", "--json").out)
    assert (found["model"], found["settings"], found["image_shape"]) == ("shallow", {"neurons": 10}, [1, 8, 8])
    assert (found["parameters"], found["macs"]) == (65 * 10 + 11 * 10, 64 * 10 + 10 * 10)
    refused(
        run(trained, "show", trial, "-f", "md"),
        "--format md needs a table: add --epochs or --layers",
    )


def test_diverged_trials_are_listed_and_never_the_best(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB.replace("[0.1, 0.01]", "[1e30, 1e35]"))
    ended = run(tmp_path, "launch", "small.yaml", "--inline", "--no-dashboard")
    assert (ended.code, "8 diverged" in ended.err, "best" in ended.err) == (0, True, False)
    found = json.loads(run(tmp_path, "status", "--json").out)[0]
    assert found["best"] is None
    with sqlite3.connect(tmp_path / "results.db") as connection:
        enqueued, last = connection.execute("SELECT min(at), max(at) FROM events").fetchone()
    assert enqueued[:19] < last[:19] or enqueued[:19] == found["updated_at"][:19]
    assert found["updated_at"][:19].replace("T", " ") == last[:19].replace("T", " ")
    rows = list(csv.DictReader(io.StringIO(run(tmp_path, "top", "small", "--state", "diverged", "-f", "csv").out)))
    assert {row["diverged_epoch"] for row in rows} == {"1"}
    ended = run(tmp_path, "top", "small", "--state", "failed")
    assert (ended.out, ended.err) == ("", "small: no trial is failed\n")
    trial = json.loads(run(tmp_path, "top", "small", "-f", "json").out)[0]["trial"]
    assert "learning_rate    1e+30" in run(tmp_path, "show", trial).out


def test_status(trained: Path) -> None:
    assert "8/8 ended: 8 completed" in run(trained, "status").out
    found = json.loads(run(trained, "status", "small", "--json").out)
    assert (found[0]["states"], found[0]["open"], found[0]["failures"]) == ({"completed": 8}, 0, [])


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize(("table", "rows"), [("trials", 8), ("epochs", 4 * 2 + 4 * 4)])
def test_export(trained: Path, tmp_path: Path, kind: str, table: str, rows: int) -> None:
    target = tmp_path / f"{table}.{kind}"
    ended = run(trained, "export", "small", "--table", table, "-o", target)
    assert ended.code == 0
    assert f"{rows} rows written" in ended.err
    read = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}[kind]
    frame = read(target)
    assert len(frame) == rows
    assert frame["val_accuracy"].between(0, 1).all()


def test_verify_and_doctor(trained: Path) -> None:
    ended = run(trained, "verify")
    assert (ended.code, ended.err) == (0, "")
    assert "sound, 8 trials checked" in ended.out
    ended = run(trained, "doctor")
    assert ended.code == 0
    assert "BAD" not in ended.out
    assert "results.db: 1 job" in ended.out


def test_dashboard(trained: Path, tmp_path: Path) -> None:
    ended = run(trained, "dashboard", "-o", tmp_path / "pages")
    assert [Path(line).name for line in ended.out.splitlines()] == ["small.html", "index.html"]
    assert "<html" in (tmp_path / "pages" / "small.html").read_text()


def test_names_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    name = """<b>"it's"</b> [bold]; DROP TABLE trials; $(touch x)"""
    text = JOB.replace("name: small", "name: " + json.dumps(name)).replace("epochs: [1, 3]", "epochs: [1]")
    (tmp_path / "odd.yaml").write_text(text)
    ended = run(tmp_path, "launch", "odd.yaml", "--inline")
    assert ended.code == 0, ended.err
    assert ended.err.startswith(name)
    assert name in run(tmp_path, "status").out
    assert run(tmp_path, "top", name).code == 0
    page = (tmp_path / ended.out.splitlines()[0]).read_text()
    assert name not in page
    assert "<b>&#34;it" not in page
    assert "&lt;b&gt;&#34;it&#39;s&#34;&lt;/b&gt;" in page
    assert not (tmp_path / "x").exists()
    assert run(tmp_path, "verify").code == 0


def test_a_closed_pipe_is_no_error_message(trained: Path) -> None:
    import subprocess

    from tests.cli.program import command, environment

    first = subprocess.Popen(
        command("export", "small", "--table", "epochs"),
        cwd=trained,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    first.stdout.close()
    assert first.stderr is not None
    assert first.stderr.read() == ""
    first.stderr.close()
    first.wait(60)


def test_a_plan_explains_its_packs(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    ended = run(tmp_path, "plan", "small.yaml", "--explain", COLUMNS="100")
    assert (ended.code, ended.err) == (0, "")
    table = ended.out.split("\n\n")[1].splitlines()
    headings = "pack batch_size trainings trials epochs strategy step alone time memory"
    assert table[0].split() == headings.split()
    rows = [line.split()[:6] for line in table[2:]]
    assert rows == [["1", "64", "2", "4", "6", "concatenated"], ["2", "128", "2", "4", "6", "concatenated"]]
    found = json.loads(run(tmp_path, "plan", "small.yaml", "--explain", "--pack", "off", "--json").out)
    assert [(pack["lineages"], pack["strategy"]) for pack in found["explained"]] == [(1, "alone")] * 4
    assert not (tmp_path / "results.db").exists()
