"""Jobs without one class for each example, from their launch to their page and report, in every format."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from gridsearch.analysis.labels import brief_text
from gridsearch.cli.main import app

JOB = """\
name: diabetes
dataset: diabetes.npz
model: mlp
loss: [mse, huber]
metrics: [rmse, r2]
batch_size: 32
epochs: 2
learning_rate: 0.05
split: {test: 0.2}
space: {hidden: [[8]]}
"""


LABELS = """\
name: labels
dataset: labels.npz
model: shallow
loss: bce
metrics: [f1_macro]
objective: {metric: val_f1_macro}
batch_size: 32
epochs: 2
learning_rate: 0.5
split: {test: 0.2}
space: {neurons: [8]}
repeats: 2
"""


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    assert app([*arguments, "--store", "results.db"], standalone_mode=False) in (None, 0)
    return capfd.readouterr().out


def in_every_format(capfd: pytest.CaptureFixture[str], job: str, told: dict[str, Any], objective: str) -> None:
    """Hold that `evaluate` has the loss and all metrics in every format, and of several trials the same."""
    numbers = {"test_loss": told["loss"], **told["metrics"]}
    texts = {name: brief_text(value) for name, value in numbers.items()}
    for several in ([], ["--top", "1"]):
        arguments = ["evaluate", job, "--no-latency", *several, "--format"]
        (row, *_) = csv.DictReader(said(capfd, *arguments, "csv").splitlines())
        assert {name: row[name] for name in texts} == texts and objective in row and len(row["trial"]) == 64
        for format_, escaped in (("md", "_"), ("latex", r"\_")):
            table = said(capfd, *arguments, format_)
            assert all(name.replace("_", escaped) in table and text in table for name, text in texts.items())


def reported(capfd: pytest.CaptureFixture[str], job: str) -> str:
    """Return the report of a job as Markdown; it is written in the other formats too."""
    for format_ in ("tex", "html", "md"):
        said(capfd, "report", job, "--no-figures", "-f", format_, "-o", "reports")
    return Path(f"reports/{job}.md").read_text(encoding="utf-8")


def test_several_labels_from_the_launch_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    found, labels = datasets.make_multilabel_classification(200, 16, n_classes=3, random_state=0)
    np.savez("labels.npz", x_train=found.reshape(-1, 4, 4).astype(np.float32), y_train=labels.astype(np.int64))
    Path("job.yaml").write_text(LABELS)
    said(capfd, "launch", "job.yaml", "--inline", "--no-dashboard")
    head, trials = said(capfd, "evaluate", "labels", "--no-latency").strip().split("\n\n")[:2]
    # All that is said stands below each other, and validation is told by what ranks.
    begin = head.splitlines()[0].index("2 trials")
    assert {line[begin - 2 : begin] for line in head.splitlines()} == {"  "} and "test precision_weighted" in head
    validation = head.splitlines()[-1]
    assert validation.startswith("validation") and validation[begin:].startswith("f1_macro 0.") and ", loss " in head
    assert trials.splitlines()[0].split()[0] == "val_" and all(len(line) <= 80 for line in trials.splitlines())
    point = json.loads(said(capfd, "evaluate", "labels", "--no-latency", "--format", "json"))
    metrics = point["trials"][0]["test"]["metrics"]
    assert point["test_f1_macro"]["mean"] == pytest.approx(
        sum(one["test"]["metrics"]["test_f1_macro"] for one in point["trials"]) / 2
    )
    assert len(metrics) == 9 and "val_f1_macro" in point["trials"][0]
    in_every_format(capfd, "labels", point["trials"][0]["test"], "val_f1_macro")
    report = reported(capfd, "labels")
    assert "Each may belong to any number of 3 classes, or to none." in report
    mean = f"{point['test_f1_macro']['mean']:.4f} ± {point['test_f1_macro']['std']:.4f} (n=2)"
    assert f"| f1 macro | {mean} |" in report
    said(capfd, "dashboard")
    page = Path("dashboards/labels.html").read_text()
    assert f'<td class="text">f1 macro</td><td class="number">{mean}</td>' in page and 'id="confusion"' not in page


def test_regression_from_the_launch_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = datasets.load_diabetes()
    targets = ((found.target - found.target.mean()) / found.target.std()).astype(np.float32)
    np.savez("diabetes.npz", x_train=(found.data * 20).astype(np.float32), y_train=targets)
    Path("job.yaml").write_text(JOB)
    plan = said(capfd, "plan", "job.yaml")
    assert "numbers to predict" in plan
    assert "classes" not in plan
    said(capfd, "launch", "job.yaml", "--inline")
    top = said(capfd, "top", "diabetes", "--format", "csv")
    assert "val_loss" in top
    assert "accuracy" not in top
    evaluated = said(capfd, "evaluate", "diabetes", "--no-latency")
    assert all(name in evaluated for name in ("test loss", "test rmse", "test mae", "test r2", "validation     loss"))
    assert not any(word in evaluated for word in ("accuracy", "confusion", "predicted"))
    told = json.loads(said(capfd, "evaluate", "diabetes", "--no-latency", "--format", "json"))["test"]
    assert (told["images"], told["accuracy"]) == (88, None)
    assert told["metrics"]["test_rmse"] == pytest.approx(told["metrics"]["test_mse"] ** 0.5)
    assert "accuracy" not in said(capfd, "export", "diabetes", "--table", "epochs").splitlines()[0]
    assert told["metrics"].keys() == {"test_rmse", "test_r2", "test_mse", "test_mae"}
    in_every_format(capfd, "diabetes", told, "val_loss")
    report = reported(capfd, "diabetes")
    assert "For each, 1 number is to be predicted" in report and "class" not in report
    assert "| rank | trial | val r2 | val rmse |" in report
    said(capfd, "dashboard")
    page = Path("dashboards/diabetes.html").read_text()
    assert "On the test images" in page
    assert 'id="confusion"' not in page
    assert 'data-metric="val_loss"' in page and "val_accuracy" not in page
    assert app(["verify", "--store", "results.db"], standalone_mode=False) in (None, 0)
