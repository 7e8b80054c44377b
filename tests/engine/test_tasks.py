"""Losses, weights of classes and metrics of a job are held against its data before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.errors import GridsearchError
from tests.engine.launching import prepared

JOB = """\
name: small
dataset: {dataset}
model: perceptron
batch_size: 8
epochs: 1
learning_rate: 0.1
"""
OWN = """\
import torch
from torch import nn

class Focal(nn.Module):
    def __init__(self, gamma: float = 2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, outputs, targets):
        own = outputs.log_softmax(1).gather(1, targets[:, None])[:, 0]
        return -((1 - own.exp()) ** self.gamma * own).mean()

class Learned(Focal):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

def each(outputs, targets):
    return outputs.square().sum(1)

def constant(outputs, targets):
    return torch.tensor(1.0)

def needs(outputs, targets, margin):
    return outputs.mean() * margin

def share(outputs, targets):
    return float((outputs.argmax(1) == targets).float().mean())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draws = np.random.default_rng(0)
    examples = draws.normal(size=(60, 4)).astype(np.float32)
    labels = np.arange(60) % 3
    labels[:40] = 0
    kinds: dict[str, Any] = {
        "classes": labels,
        "numbers": examples.sum(1),
        "several": examples[:, :3] > 0,
        "one_hot": np.eye(3)[labels],
    }
    for name, targets in kinds.items():
        np.savez(tmp_path / f"{name}.npz", x_train=examples, y_train=targets)
    (tmp_path / "own_code.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(folder: Path, dataset: str, *lines: str) -> PreparedJob:
    return prepared(folder, text=JOB.format(dataset=f"{dataset}.npz") + "\n".join(lines))


@pytest.mark.parametrize(
    ("dataset", "line", "said"),
    [
        ("classes", "class_weights: [1, 2]", "has 2 weights, and the data have 3 classes"),
        ("classes", "class_weights: [1, -2, 1]", "the weight -2 is negative"),
        ("classes", "loss: mse", "labels are class numbers"),
        ("classes", "loss: bce", "class numbers"),
        ("numbers", "l1: 0", "the labels are floats: write loss: mse"),
        ("numbers", "loss: bce", "labels of 0 and 1, and these hold"),
        ("several", "l1: 0", "write loss: bce"),
        ("one_hot", "l1: 0", "argmax"),
        ("several", "loss: [bce, mse]", "mse is for regression, and bce for multilabel"),
        ("numbers", "loss: mse; metrics: [f1_macro]", "f1_macro is not for regression"),
        ("numbers", "loss: mse; objective: {metric: val_accuracy}", "regression has none"),
        ("several", "loss: bce; metrics: [r2]", "r2 is not for multilabel"),
        ("classes", "metrics: [rmse]", "rmse is not for classification"),
        ("classes", "metrics: [own_code:none]", "has no 'none'"),
        ("classes", "metrics: [own_code:each]", "it must give one number"),
        ("classes", "loss: own_code:each", "it must give one number, the mean"),
        ("classes", "loss: own_code:constant", "has no gradient"),
        ("classes", "loss: own_code:Learned", "has parameters"),
        ("classes", "loss: own_code:needs", "write loss_margin under 'space'"),
        ("classes", "loss: own_code:Focl", "did you mean 'Focal'?"),
        ("classes", "loss: own_code:Focal; space: {loss_gama: [1]}", "did you mean 'loss_gamma'?"),
        ("classes", "loss: own_code:Focal; space: {loss_gamma: [a]}", "it takes a number"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(folder: Path, dataset: str, line: str, said: str) -> None:
    with pytest.raises(GridsearchError) as caught:
        made(folder, dataset, *line.split("; "))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_balanced_weights_need_an_image_of_each_class(folder: Path) -> None:
    labels = np.arange(60) % 2
    labels[0] = 2
    np.savez(folder / "rare.npz", x_train=np.ones((60, 4), np.float32), y_train=labels)
    seeds = "data_seed: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]"
    with pytest.raises(GridsearchError, match="balanced needs an image of each class"):
        made(folder, "rare", "class_weights: balanced", seeds, "split: {validation: 0.5}")


@pytest.mark.parametrize(
    ("dataset", "loss", "metric"),
    [("numbers", "huber", "val_loss"), ("several", "bce", "val_loss"), ("classes", "cross_entropy", "val_accuracy")],
)
def test_a_task_is_ranked_by_what_it_measures(folder: Path, dataset: str, loss: str, metric: str) -> None:
    objective = made(folder, dataset, f"loss: {loss}").job.objective
    assert (objective.metric, objective.highest) == (metric, metric == "val_accuracy")


def test_a_loss_is_part_of_a_trial_by_its_code_and_its_arguments(folder: Path) -> None:
    lines = ["loss: [cross_entropy, own_code:Focal]", "space: {loss_gamma: [0, 2]}"]
    before = made(folder, "classes", *lines)
    # One of the cross-entropy, which has no gamma, and of the loss one at its default.
    configs = [trial.config for trial in before.grid.trials]
    assert [(one.loss, one.loss_hyper) for one in configs] == [
        ("cross_entropy", {}),
        ("own_code:Focal", {"gamma": 0}),
        ("own_code:Focal", {}),
    ]
    assert [one.loss_code != "" for one in configs] == [False, True, True]
    (alone,) = made(folder, "classes", "loss: own_code:Focal").grid.trials
    assert alone.trial_id == before.grid.trials[2].trial_id
    shown = [before.record().settings_of(trial.canonical).get("loss_gamma") for trial in before.grid.trials]
    assert shown == [None, 0, 2.0]


def test_an_own_metric_is_part_of_a_trial_by_its_code(folder: Path) -> None:
    (with_own,) = made(folder, "classes", "metrics: [own_code:share]", "train_metrics: [f1_macro]").grid.trials
    assert with_own.config.metric_codes.keys() == {"own_code:share"}
    (without,) = made(folder, "classes").grid.trials
    assert with_own.trial_id != without.trial_id
    assert "metric" not in without.canonical
