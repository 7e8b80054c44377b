"""A job whose targets are numbers, from its launch to its page: nowhere is there a word of classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

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


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    assert app([*arguments, "--store", "results.db"], standalone_mode=False) in (None, 0)
    return capfd.readouterr().out


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
    said(capfd, "dashboard")
    page = Path("dashboards/diabetes.html").read_text()
    assert "On the test images" in page
    assert 'id="confusion"' not in page
    assert 'data-metric="val_loss"' in page and "val_accuracy" not in page
    assert app(["verify", "--store", "results.db"], standalone_mode=False) in (None, 0)
