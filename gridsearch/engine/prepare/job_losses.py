"""The losses of a job that are the user's own: what each takes, and whether the job gives it that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gridsearch.config.job import JobSpec
from gridsearch.config.losses import PREFIX
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError
from gridsearch.errors import JobError, ModelError, nearest
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import ModelSignature
from gridsearch.search.grid import LossPart


class JobLosses:
    """The user's losses of a job by their names; they are looked at in the process that tries users' models."""

    def __init__(self, job: JobSpec, models: JobModels) -> None:
        self.job, self.models = job, models
        self.found: dict[str, ModelSignature] = {}
        for name in job.own_losses:
            try:
                self.found[name] = models.process_of(name).loss_signature()
            except ModelError as error:
                raise self._error("loss", str(error)) from None

    def parts(self) -> Mapping[str, LossPart]:
        """Return what each adds to who a trial is."""
        return {name: LossPart(one.code, _plain(one), one.has) for name, one in self.found.items()}

    def defaults(self) -> dict[str, dict[str, object]]:
        """Return by loss the defaults of its settings, as jobs call them; of those that are null the ones named."""
        named = self.job.setting_names
        found = {
            name: {f"{PREFIX}{key}": value for key, value in _plain(one).items()} for name, one in self.found.items()
        }
        return {
            name: {key: value for key, value in own.items() if value is not None or key in named}
            for name, own in found.items()
        }

    def check_names(self) -> None:
        """Raise `JobError` for a setting that no loss has, one that it needs, or one written without its prefix."""
        for setting in self.job.loss_settings:
            key = setting.removeprefix(PREFIX)
            if not any(one.has(key) for one in self.found.values()):
                known = [f"{PREFIX}{name}" for one in self.found.values() for name in one.hyperparameters]
                of = " and ".join(map(repr, self.found))
                raise self._error(setting, f"is no setting of loss {of}{nearest(setting, known) or '; it takes none'}")
        for name, one in self.found.items():
            if missing := [key for key in one.required if f"{PREFIX}{key}" not in self.job.setting_names]:
                raise self._error("loss", f"{name!r} needs {missing[0]!r}: write {PREFIX}{missing[0]} under 'space'")
        for setting in self.job.model_settings:
            if any(setting in one.hyperparameters for one in self.found.values()) and not any(
                self.models.has(name, setting) for name in self.job.models
            ):
                raise self._error(setting, f"a setting of the loss is written with {PREFIX}: {PREFIX}{setting}")

    def check_values(self, configs: Sequence[TrialConfig]) -> None:
        """Raise `JobError` for a value that a loss cannot have in one of these trials."""
        for config in configs:
            for key, value in config.loss_hyper.items():
                if said := self.found[config.loss].takes(key).problem(value):
                    raise self._error(f"{PREFIX}{key}", f"loss {config.loss!r}: {said}")

    def check_works(self, configs: Sequence[TrialConfig], targets: str) -> None:
        """Raise `JobError` where a loss, under the settings of one of these trials, gives no mean with a gradient."""
        distinct = {(config.loss, repr(config.loss_hyper)): config for config in configs if config.loss in self.found}
        for config in list(distinct.values())[:_MOST_TRIED]:
            process = self.models.process_of(config.loss)
            try:
                said = process.loss_problem(config.loss_hyper, targets)
            except ModelEndedError as error:
                said = f"loss {config.loss!r} {error} when it was tried"
            except NotTriedError:
                continue
            if said:
                raise self._error("loss", said)

    def _error(self, key: str, said: str) -> JobError:
        return JobError(f"{self.job.document.place(self.job.trail(key))}: {key}: {said}")


#: How many combinations of the losses' settings are tried.
_MOST_TRIED = 50


def _plain(loss: ModelSignature) -> dict[str, object]:
    return {key: value for key, value in loss.optional.items() if is_plain(value)}
