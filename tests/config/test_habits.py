"""What users of other tools write is answered in one line with what is written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.cli.main import _with_set
from gridsearch.config.job import job_from_text
from gridsearch.errors import JobError
from tests.small_job import JOB


def refusal(text: str, *overrides: str) -> str:
    with pytest.raises(JobError) as caught:
        job_from_text(text, overrides, base=Path(), source="job.yaml")
    message = str(caught.value)
    assert "\n" not in message and len(message) < 330, message
    return message


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("lr: 0.1", "job.yaml:5:1: lr: unknown key; it is called learning_rate here"),
        ("cv: 5", "cv: unknown key: cross-validation is written split: {folds: 5}"),
        ("device: cuda", "gridsearch launch JOB --device cuda"),
        ("workers: 4", "gridsearch launch JOB --workers 4"),
        ("criterion: cross_entropy", "it is called loss here"),
        ("trainer: {max_epochs: 3}", "a job has none"),
        ("n_trials: 50", "search: {random: 50}"),
        ("params: {a: [1]}", "it is called space here"),
        ("wombats: 3", "a model's own settings go under 'space', and gridsearch schema prints all other keys"),
        ("momentun: 0.9", "momentun: unknown key (did you mean 'momentum'?)"),
        ("momentum: {values: [0.5, 0.9]}", "momentum: write the list itself: momentum: [0.5, 0.9]"),
        ("momentum: {choice: [0.5, 0.9]}", "write the list itself: momentum: [0.5, 0.9]"),
        ("l1: {distribution: log_uniform_values, min: 0.001, max: 0.1}", "l1: {loguniform: [0.001, 0.1]}"),
        ("momentum: {min: 0.1, max: 0.9}", "momentum: {linspace: [0.1, 0.9], num: 5}, or to draw: momentum: {uniform:"),
        ("seed: {min: 1, max: 9}", "write seed: {range: [1, 9]}"),
        ("seed: range(4, 16, 4)", "write seed: [4, 8, 12], or seed: {range: [4, 12], step: 4}, both ends included"),
        ("l1: np.logspace(-4, -1, 4)", "write l1: {logspace: [0.0001, 0.1], num: 4}, both ends included"),
        ("optimizer: choice(sgd, adam)", "write the list itself: optimizer: ['sgd', 'adam']"),
        ("schedule: {name: step, step_size: 3}", "write schedule: step, and as keys of their own: step_size"),
        ("early_stopping: {patience: 3}", "write early_stopping: 3"),
        ("objective: val_loss", "write objective: {metric: val_loss}"),
        ("pretrained: true", "write pretrained: imagenet"),
        ("rules: [momentum > 0]", "write {skip: 'momentum > 0'}"),
        ("search: 50", "write search: {random: 50}"),
    ],
)
def test_lines_of_a_job(line: str, answer: str) -> None:
    assert answer in refusal(JOB.replace("space:", f"{line}\nspace:"))


def test_other_lines() -> None:
    assert "write split: {validation: 0.2}" in refusal(JOB.replace("{test: 0.1}", "0.2"))
    assert "write model: shallow, and under space: neurons" in refusal(
        JOB.replace("model: shallow", "model: {name: shallow, neurons: 3}")
    )
    assert "write a job for each data set, or change it" in refusal(JOB.replace("dataset: digits", "dataset: [a, b]"))
    assert "write the list itself: model: ['shallow', 'mlp']" in refusal(
        JOB.replace("model: shallow", "model: {values: [shallow, mlp]}")
    )


def test_free_text_is_free() -> None:
    text = JOB.replace("name: small", "name: range(3)\ndescription: choice(a, b)")
    assert job_from_text(text, base=Path()).name == "range(3)"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Got unexpected extra argument(s) (epochs=3)", "settings are changed with --set epochs=3"),
        ("Got unexpected extra argument (epochs=3).", "settings are changed with --set epochs=3"),
        ("Got unexpected extra arguments (a=1 b=[2])", "settings are changed with --set a=1 --set b=[2]"),
    ],
)
def test_command_lines(said: str, answer: str) -> None:
    assert answer in _with_set(said)
    assert _with_set("No such option: --wombat") == "No such option: --wombat"


def test_a_sweep_of_another_tool() -> None:
    text = "program: train.py\nmethod: grid\nmetric: {name: val_loss}\nparameters:\n  lr: {values: [1]}\n"
    assert refusal(text).startswith(
        "job.yaml: this is a W&B sweep; a job has name, dataset and model, the parameters under space"
    )


def test_overrides() -> None:
    assert refusal(JOB, "lr=0.1") == "--set lr=0.1: lr is called learning_rate here"
    assert refusal(JOB, "nuerons=3") == "--set nuerons=3: unknown key 'nuerons' (did you mean 'neurons'?)"
    assert refusal(JOB, "width=[3]").endswith("unknown key 'width'; a new axis is written --set space.width=[...]")
    assert "epochs: {range: [0, 2], step: 1}" in refusal(JOB, "epochs=range(3)")


@pytest.mark.parametrize("written", ["./nets.py:Net", "nets.py:Net", "./nets:Net", "nets:Net"])
def test_models_written_as_files(written: str) -> None:
    assert job_from_text(JOB.replace("model: shallow", f"model: {written}"), base=Path()).models == ("nets:Net",)


def test_models_elsewhere() -> None:
    assert job_from_text(JOB.replace("model: shallow", "model: a/b.py:Net"), base=Path()).models == ("a.b:Net",)
    assert "move it there, and write nets:Net" in refusal(JOB.replace("model: shallow", "model: ../nets.py:Net"))
