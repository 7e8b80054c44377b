"""From a job with a training of the user's own to a grid: its code and its files read, and found to be importable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gridsearch.config.job import JobSpec
from gridsearch.config.job_file import COMMAND, TRAIN
from gridsearch.config.record import Drawn, JobRecord
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.own_code import OwnCode
from gridsearch.engine.prepare.own_command import check_startable, read_command, remarks_on
from gridsearch.engine.prepare.own_function import ImportCheck, read_function, unread_settings
from gridsearch.engine.prepare.prepared import Prepared, drawn_axes, model_folders
from gridsearch.errors import DataError, ModelError
from gridsearch.search.grid import Ingredients, ModelPart, expand
from gridsearch.training.own.input_files import fingerprints


@dataclass(frozen=True, kw_only=True)
class PreparedOwn(Prepared):
    """A job that the user's own code trains.

    Attributes:
        code: The code of its function or command.
        check: Whether its function can be imported; None for a command.
    """

    code: OwnCode
    check: ImportCheck | None = field(default=None, repr=False, compare=False)

    def train_images(self, config: TrialConfig) -> int:
        """Return 1: nothing is known of its data."""
        return 1

    def sources_of(self, model: str) -> Mapping[str, str]:
        """Return the digests of the modules or files that the training consists of."""
        return self.code.digests

    def defaults_of(self, model: str) -> Mapping[str, Any]:
        """Return nothing: the user's code reads its settings as it likes."""
        return {}

    def record(self) -> JobRecord:
        """Return the resolved job, as a store keeps it."""
        job = self.job
        assert job.own
        return JobRecord(
            training=job.own.training,
            inputs=dict(self.ingredients.inputs),
            models=job.models,
            description=job.description,
            base=job.base,
            axes=drawn_axes(job, self.grid, lambda config, name: config.settings().get(name)),
            fixed=job.fixed,
            model_defaults={name: {} for name in job.models},
            model_sources={self.code.reference: self.code.digests},
            objective=job.objective,
            search=job.search and Drawn(random=job.search.random, drawn=self.grid.kept, size=self.grid.size),
            repeats=job.repeats,
            repeat_over="weights",
            constraints=job.constraints,
        )


def load_own(job: JobSpec) -> PreparedOwn:
    """Read what a job with an own training depends on, and expand its grid; `JobError` names the key to mend."""
    assert job.own
    (reference,) = job.models
    try:
        code = _code(job)
    except ModelError as error:
        raise job.document.error((_key(job),), str(error)) from None
    inputs = _inputs(job, job.own.inputs)
    ingredients = Ingredients("", {reference: ModelPart(code=code.fingerprint)}, inputs=inputs)
    remarks = remarks_on(job, code) if job.own.command else unread_settings(job, code)
    grid = expand(job, ingredients)
    check = None if job.own.command else ImportCheck(reference, model_folders(job))
    return PreparedOwn(job, grid, code=code, ingredients=ingredients, check=check, remarks=remarks)


def _code(job: JobSpec) -> OwnCode:
    """Return the code of a job's training; of a command if it can be started, as far as that shows."""
    assert job.own
    if job.own.command is None:
        (reference,) = job.models
        return read_function(reference, model_folders(job))
    check_startable(job.own.command, job.base)
    return read_command(job.own.command, job.base)


def _key(job: JobSpec) -> str:
    assert job.own
    return COMMAND if job.own.command else TRAIN


def preflight_own(loaded: PreparedOwn, limits: Limits) -> PreparedOwn:
    """Import the function of a loaded job, in a process of its own; `JobError` where that fails."""
    if loaded.check is None:
        return loaded
    try:
        loaded.check.wait(limits)
    except ModelError as error:
        raise loaded.job.document.error((TRAIN,), str(error)) from None
    return loaded


def _inputs(job: JobSpec, names: tuple[str, ...]) -> Mapping[str, str]:
    try:
        return fingerprints(names, job.base)
    except DataError as error:
        raise job.document.error(("inputs", int(error.key[-1])), error.problem) from None
