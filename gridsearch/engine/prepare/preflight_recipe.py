"""Checking a job's recipe against its model before anything runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from gridsearch.config.job import JobSpec
from gridsearch.config.trial import PretrainedFiles, TrialConfig
from gridsearch.engine.prepare.job_models import JobModels, left_out
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError
from gridsearch.engine.prepare.preflight_models import MOST_TRIED
from gridsearch.errors import ModelError, passed_over

if TYPE_CHECKING:
    from gridsearch.engine.prepare.probing import Tried

_log = logging.getLogger(__name__)


def check_recipe(
    job: JobSpec,
    models: JobModels,
    configs: Sequence[TrialConfig],
    pretrained: PretrainedFiles = MappingProxyType({}),
) -> None:
    """Raise a one-line error, with the place of the key at fault, when a recipe asks for what cannot be done.

    `pretrained` are the files of weights to start from, by model and by what configurations call them. A model
    that cannot be built without numbers is left to the workers.
    """
    # By model: of users' models one at a time has a process.
    configs = sorted(configs, key=lambda one: job.models.index(one.model))
    _check_freezing(job, models, configs)
    _check_pretrained(job, models, configs, pretrained)
    for name in job.models:
        learning = [config for config in configs if config.model == name and config.distillation == "hidden"]
        if learning:  # whoever answers may have to import torch
            for config in {one.dataset: one for one in reversed(learning)}.values():
                check_features(
                    job, models.tried(name, config.dataset), [config], left_out(job, name, "distillation == 'hidden'")
                )


def _shares(configs: Iterable[TrialConfig]) -> Iterator[TrialConfig]:
    """Yield as many trials of each model as are tried of one."""
    tries: Counter[str] = Counter()
    for config in configs:
        tries[config.model] += 1
        if tries[config.model] <= MOST_TRIED:
            yield config


def _check_freezing(job: JobSpec, models: JobModels, configs: Sequence[TrialConfig]) -> None:
    distinct = {
        (config.dataset, config.model, config.freeze, repr(config.hyper)): config for config in configs if config.freeze
    }
    for config in _shares(distinct.values()):
        with passed_over(_log, f"{config.model} was not tried with freeze", ModelEndedError, NotTriedError):
            if said := models.tried(config.model, config.dataset).freezing_problem(config.hyper, config.freeze):
                mend = left_out(job, config.model, f"freeze == {config.freeze!r}")
                raise ModelError(f"{job.document.place(job.trail('freeze'))}: {said}{mend}")


def _check_pretrained(job: JobSpec, models: JobModels, configs: Sequence[TrialConfig], files: PretrainedFiles) -> None:
    starting = [config for config in configs if (config.model, config.pretrained) in files]
    distinct = {(config.dataset, config.model, config.pretrained, repr(config.hyper)): config for config in starting}
    for config in _shares(distinct.values()):
        with passed_over(_log, f"{config.model} was not tried with pretrained", ModelEndedError, NotTriedError):
            if said := models.tried(config.model, config.dataset).pretrained_problem(
                config, files[config.model, config.pretrained]
            ):
                mend = left_out(job, config.model, "pretrained != ''")
                raise ModelError(f"{job.document.place(job.trail('pretrained'))}: {said}{mend}")


def check_features(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig], mend: str = "") -> None:
    """Raise `ModelError` where a model's forward does not call the module whose output is compared with a teacher's."""
    with passed_over(_log, "a model was not tried with distillation", ModelEndedError, NotTriedError):
        if configs and (said := tried.hidden_problem(configs[0].hyper)):
            raise ModelError(f"{job.document.place(job.trail('distillation'))}: {said}{mend}")
