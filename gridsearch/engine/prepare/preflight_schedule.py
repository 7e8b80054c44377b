"""Holding a job's schedules against its epochs: a warm-up leaves some to the schedule."""

from __future__ import annotations

from collections.abc import Sequence

from gridsearch.config.job import JobSpec
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import JobError


def check_warm_up(job: JobSpec, configs: Sequence[TrialConfig]) -> None:
    """Raise `JobError`, with its place, where a warm-up is not shorter than the training of one of these trials."""
    for config in configs:
        if config.warmup_epochs >= config.epochs:
            epochs = f"{config.epochs} epochs" if config.epochs > 1 else "1 epoch"
            rule = " or leave such points out with a rule, skip: warmup_epochs >= epochs"
            raise JobError(
                f"{job.document.place(job.trail('warmup_epochs'))}: warmup_epochs: a warm-up of"
                f" {config.warmup_epochs:g} epochs leaves none of {epochs} to the schedule; give fewer,"
                f"{rule if len(configs) > 1 else ' or train longer'}"
            )
