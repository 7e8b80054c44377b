"""The functions of the user's that a job's recipe names: what each takes, and what it does under the job's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gridsearch.config.identity import same_value
from gridsearch.config.job import JobSpec
from gridsearch.config.losses import PREFIX
from gridsearch.config.trial import FUNCTION_KEYS, RECIPE_KEYS, TrialConfig
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.model_process import ModelProcess
from gridsearch.engine.prepare.model_questions import NotTriedError, Seen
from gridsearch.errors import JobError, ModelError
from gridsearch.models.functions import AUGMENT, SCHEDULE, FunctionSignature
from gridsearch.search.grid import FunctionPart

#: What a trial has besides settings, and its settings cannot be called.
_NAMES_OF_TRIALS = ("model", "dataset", "fold", "teacher", "metrics", "version")

#: Under how many settings each is tried.
MOST_TRIED = 50
_Key = tuple[str, str]


class JobFunctions:
    """Finds the functions, each in a process of its own, and answers for them.

    Raises `ModelError`, with its place, for one that is not found or takes what it cannot.
    """

    def __init__(self, job: JobSpec, folders: Sequence[Path], limits: Limits | None = None) -> None:
        self._job, self._folders, self._limits = job, folders, limits
        named = [(key, str(value)) for key in FUNCTION_KEYS for value in job.values(key) if ":" in str(value)]
        self.signatures: dict[_Key, FunctionSignature] = {}
        for key, name in named:
            process = ModelProcess(name, folders, limits)
            try:
                self.signatures[key, name] = process.function(key)
            except ModelError as error:
                raise ModelError(f"{self._place(key)}: {error}") from None
            finally:
                process.leave()
        self._check_arguments()

    @property
    def parts(self) -> Mapping[_Key, FunctionPart]:
        """Return what the functions add to who a trial is."""
        return {
            key: FunctionPart(
                found.code,
                found.optional,
                frozenset(found.settings),
                key[0] == SCHEDULE and "epochs" in found.given,
            )
            for key, found in self.signatures.items()
        }

    def claim(self, job: JobSpec) -> JobSpec:
        """Return a form of the job that knows which of its settings are arguments of a function."""
        names = {name for found in self.signatures.values() for name in found.settings}
        return replace(job, function_settings=frozenset(name for name in job.own_settings if name in names))

    def check_settings(self, models: JobModels) -> None:
        """Raise `JobError`, with its place, for a setting that is a model's too, or a value not for its function."""
        job = self._job
        try:
            found_models = [models[name] for name in job.models]
        except ModelError:  # which is said with its place later
            return
        for (key, name), found in self.signatures.items():
            for setting in found.settings:
                own = setting in job.own_settings
                place = job.document.place(job.trail(setting if own else key))
                if model := next((one for one in found_models if setting in one.hyperparameters), None):
                    raise JobError(
                        f"{place}: {setting}: is an argument of {key} {name!r} and a setting of model {model.name!r};"
                        " rename one of them"
                    )
                if not own:
                    continue
                values = next(axis.values for axis in job.space.axes if axis.name == setting)
                for value in values:
                    if said := found.wanted[setting].problem(value):
                        raise JobError(f"{place}: {setting}: {key} {name!r}: {said}")

    def check(
        self, configs: Sequence[TrialConfig], seen: Mapping[str, Seen], steps: Callable[[TrialConfig], int]
    ) -> None:
        """Try the functions as these trials call them; `ModelError`, with its place, where one does not work.

        `seen` says what examples are by the fingerprint of the data set, and `steps` returns how many steps a trial has
        in an epoch.
        """
        for (key, name), found in self.signatures.items():
            own = [config for config in configs if getattr(config, key) == name]
            cases = {
                repr((seen[config.dataset], case)): (seen[config.dataset], case)
                for config in own
                for case in [self._case(found, config, steps)]
            }
            process = ModelProcess(name, self._folders, self._limits)
            try:
                for process.seen, case in list(cases.values())[:MOST_TRIED]:
                    if said := process.function_problem(key, **case):
                        raise ModelError(f"{self._place(key)}: {said}")
            except NotTriedError:
                pass
            finally:
                process.leave()

    def _case(
        self, found: FunctionSignature, config: TrialConfig, steps: Callable[[TrialConfig], int]
    ) -> dict[str, Any]:
        if found.kind == AUGMENT:
            return {"settings": config.augment_settings, "steps": 1, "epochs": 1, "precision": config.precision}
        left = config.epochs - config.warmup_epochs
        return {"settings": config.schedule_settings, "steps": steps(config), "epochs": left, "precision": ""}

    def _check_arguments(self) -> None:
        for (key, name), found in self.signatures.items():
            if key == SCHEDULE and not {"epoch", "step"} & set(found.given):
                raise ModelError(
                    f"{self._place(key)}: {key} {name!r} must take epoch, step or both: def fn(epoch, step, *, ...)"
                )
            for setting in found.settings:
                if setting in (*RECIPE_KEYS, *_NAMES_OF_TRIALS) or setting.startswith(PREFIX):
                    raise ModelError(
                        f"{self._place(key)}: {key} {name!r}: its argument {setting!r} has the name of a setting of the"
                        " recipe; call it otherwise"
                    )
            for (other_key, other_name), other in self.signatures.items():
                for setting in found.optional.keys() & other.optional.keys():
                    if not same_value(found.optional[setting], other.optional[setting]):
                        raise ModelError(
                            f"{self._place(key)}: {key} {name!r}: its argument {setting!r} is one of {other_key}"
                            f" {other_name!r} too, with another default; rename one of them"
                        )
            if missing := next((one for one in found.required if one not in self._job.own_settings), None):
                raise ModelError(f"{self._place(key)}: {key} {name!r} needs {missing!r}; add it under 'space'")

    def _place(self, key: str) -> str:
        return str(self._job.document.place(self._job.trail(key)))
