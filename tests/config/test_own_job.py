"""Jobs with a training function of the user's own: what may stand beside `train`, and who their trials are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.identity import canonical, flatten, lineage_id, parse, parse_with_lineage, trial_id
from gridsearch.config.job import JobSpec, job_from_text
from gridsearch.config.own_training import OwnConfig
from gridsearch.errors import JobError
from gridsearch.search.grid import Ingredients, ModelPart, expand

JOB = """
name: churn
train: my_training:train
space: {learning_rate: [0.01, 0.1], model: [tree, net], epochs: [10, 50]}
objective: {metric: val_f1}
"""


def job(text: str = JOB, *overrides: str) -> JobSpec:
    return job_from_text(text, overrides, base=Path())


def grid(spec: JobSpec, code: str = "c", **inputs: str) -> list[str]:
    made = Ingredients("", {"my_training:train": ModelPart(code=code)}, inputs=inputs)
    return [trial.trial_id for trial in expand(spec, made).trials]


def test_settings_have_any_name_and_rules_see_them() -> None:
    spec = job(JOB + "rules: [{skip: model == 'tree' and learning_rate > 0.05}]\n")
    assert spec.models == ("my_training:train",)
    trials = expand(spec, Ingredients("", {"my_training:train": ModelPart()})).trials
    assert len(trials) == 6
    assert trials[0].config.settings() == {
        "epochs": 10, "seed": 0, "early_stopping": 0, "learning_rate": 0.01, "model": "tree",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: my_training:train", "objective: missing; name a metric that your training reports"),
        ("train: my_training:train\nobjective: {metric: val_f9}", "add mode: max or mode: min"),
        ("train: my_training:train\nmodel: shallow\nobjective: {metric: f1}", "model: cannot be set beside train"),
        ("train: my_training:train\nsplit: {test: 0.1}\nobjective: {metric: f1}", "split: cannot be set beside train"),
        ("train: my_training:train\nlearning_rate: 1\nobjective: {metric: f1}", "settings of your function go under"),
        ("train: my_training:train\nepochs: 0\nobjective: {metric: f1}", "epochs: 0 must be at least 1"),
        ("train: my_training:train\nobjective: {metric: f1}\nconstraints: {macs: 3}", "constraints.macs: is not known"),
        ("train: my_training:train\nobjective: {metric: f1}\nresources: {cpu: 3}", "resources.cpu: unknown key"),
        ("train: my_training:train\nobjective: {metric: f1}\nrepeats: 2\nrepeat_over: split", "differ in seed alone"),
        ("dataset: digits\nmodel: shallow\ninputs: [a.csv]", "inputs: is for a training of your own"),
        ("dataset: digits", "model: missing; every job needs it, or train or command in place of dataset and model"),
        ("train: ../my_training.py:train\nobjective: {metric: f1}", "move it there"),
    ],
)
def test_what_cannot_be_is_one_line(text: str, said: str) -> None:
    with pytest.raises(JobError) as caught:
        job(f"name: churn\n{text}\n")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_code_inputs_and_settings_are_who_a_trial_is_and_nothing_else_is() -> None:
    ids = grid(job())
    assert len(set(ids)) == 8
    assert grid(job(JOB, "objective={metric: val_loss}", "trial_timeout=1h", "name=other")) == ids
    assert grid(job(JOB, "resources={cpus: 2}", "description=x")) == ids
    assert not set(grid(job(), code="d")) & set(ids)
    assert not set(grid(job(), data="1")) & set(ids)
    assert set(grid(job(JOB, "space.learning_rate=[0.01, 0.1, 1]"))) > set(ids)
    stopping = grid(job(JOB, "early_stopping=3"))
    assert not set(stopping) & set(ids)
    assert not set(grid(job(JOB, "early_stopping=3", "objective={metric: val_loss}"))) & set(stopping)


def test_epochs_are_shared_only_where_the_job_says_so() -> None:
    alone, shared = (
        expand(job(JOB, *more), Ingredients("", {"my_training:train": ModelPart()})).trials
        for more in ([], ["shares_epochs=true"])
    )
    assert len({trial.lineage_id for trial in alone}) == 8
    assert len({trial.lineage_id for trial in shared}) == 4


values = st.one_of(
    st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
)


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), values, max_size=4),
    st.integers(1, 100), st.integers(0, 5), st.booleans(),
)  # fmt: skip
def test_a_configuration_is_found_again_in_its_text(
    hyper: dict[str, object], epochs: int, seed: int, shares: bool
) -> None:
    config = OwnConfig(
        training="function", model="m:f", model_code="c", hyper=hyper, epochs=epochs, seed=seed, shares_epochs=shares
    )  # type: ignore[arg-type]
    text = canonical(config)
    assert json.loads(text)["training"] == "function"
    assert not {"batch_size", "learning_rate", "dataset"} & json.loads(text).keys()
    again, lineage = parse_with_lineage(text)
    assert isinstance(again, OwnConfig)
    assert (trial_id(again), lineage) == (trial_id(config), lineage_id(config))
    assert parse(text) == again
    assert {**flatten(text)} == {key: value for key, value in again.settings().items()}
