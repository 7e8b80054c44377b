"""The key `metrics`: what is measured is part of who a trial is, and may rank; all else is refused with a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.config import identity
from gridsearch.config.job import job_from_text
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import JobError

JOB = (
    "name: more\ndataset: digits\nmodel: shallow\nbatch_size: 8\nepochs: 1\nlearning_rate: 0.1\nspace: {neurons: [2]}\n"
)


def config(*metrics: str) -> TrialConfig:
    return TrialConfig(
        dataset="0" * 64, model="shallow", batch_size=8, epochs=1, learning_rate=0.1, hyper={}, metrics=metrics
    )


def test_they_are_sorted_and_each_is_there_once() -> None:
    job = job_from_text(JOB + "metrics: [f1_macro, auroc, f1_macro]\nobjective: {metric: val_auroc}\n", base=Path())
    assert job.metrics == ("auroc", "f1_macro")
    assert (job.objective.metric, job.objective.direction) == ("val_auroc", "max")
    assert job_from_text(JOB, base=Path()).metrics == ()


def test_a_trial_with_other_metrics_is_another_and_one_without_is_as_before() -> None:
    assert "metrics" not in identity.canonical(config())
    assert identity.parse(identity.canonical(config("auroc"))) == config("auroc")
    ids = {identity.trial_id(one) for one in (config(), config("auroc"), config("auroc", "top2"))}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("metrics: auroc", "metrics: 'auroc' must be a list: write [auroc]"),
        ("metrics: [auroc, f1]", "metrics: there is no metric 'f1'; did you mean 'f1_macro'?"),
        ("metrics: [accuracy]", "metrics: accuracy is always measured: leave it out"),
        ("metrics: [val_auroc]", "write auroc, which is recorded as val_auroc"),
        ("metrics: [3]", "metrics: 3 must be text"),
        ("objective: {metric: val_auroc}", "not 'val_auroc'; add the key metrics: [auroc]"),
        ("metrics: [auroc]\nobjective: {metric: auroc}", "not 'auroc'; write val_auroc"),
        ("objective: {metric: val_acc}", "did you mean 'val_accuracy'?"),
    ],
)
def test_what_is_not_measured_is_refused(written: str, said: str) -> None:
    with pytest.raises(JobError) as caught:
        job_from_text(f"{JOB}{written}\n", base=Path())
    assert said in str(caught.value)
