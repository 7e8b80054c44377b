"""Trying a job's model before anything runs: each combination of its settings is built and given two images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.config.job import JobSpec
from gridsearch.config.trial import TrialConfig
from gridsearch.config.value_kinds import as_written
from gridsearch.engine.prepare.dooms import (
    Doom,
    Settings,
    WorksNowhereError,
    dooms,
    model_place,
    settings_key,
    tried_settings,
)
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError, Problem
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import MODELS, ModelSignature, settings_text
from gridsearch.search.grid import Grid, GridTrial

#: Gives the states of those of the trials, by their ids, that there are.
States = Callable[[Collection[str]], Mapping[str, TrialState]]

#: Combinations tried; of a larger grid those are taken that show every value, as far as these suffice.
MOST_TRIED = 200
#: How long models that need numbers are tried.
SECONDS_WITH_NUMBERS = 20.0


def named_defaults(job: JobSpec, model: ModelSignature) -> Settings:
    """Return the defaults of the settings that the job names: a trial has them where it says nothing else.

    They are the model's, and those that data sets are made with.
    """
    own = {key: model.optional[key] for key in job.setting_names if is_plain(model.optional.get(key, ...))}
    return {**job.data_defaults, **own}


def no_results(trials: Collection[str]) -> Mapping[str, TrialState]:
    """Return the states of trials where there is no store."""
    return {}


def check_models(job: JobSpec, models: JobModels, grid: Grid, states: States = no_results) -> list[Doom]:
    """Return the settings under which a job's models do not work, as `_check_model` finds them for each.

    Each model has its own share of tries, and where a part of the grid is to be trained, that part comes first.
    Of several models one that works nowhere costs its own trials; `ModelError` where that are all.
    """
    found: list[Doom] = []
    nowhere: list[WorksNowhereError] = []
    own = {name: [trial for trial in grid.chosen_first if trial.config.model == name] for name in job.models}
    for name in job.models:
        first = sum(trial.config.model == name for trial in grid.chosen_trials)
        try:
            found += _check_model(job, models, name, _Combinations(job, models[name], own[name], first, states))
        except WorksNowhereError as error:
            nowhere.append(error)
            found.append(_nowhere(job, models[name], [trial.config for trial in own[name]], error))
    if nowhere and len(nowhere) == sum(map(bool, own.values())):
        raise nowhere[0]
    return found


def _nowhere(job: JobSpec, model: ModelSignature, configs: Sequence[TrialConfig], error: WorksNowhereError) -> Doom:
    defaults = named_defaults(job, model)
    every = {settings_key(one): one for one in (tried_settings(config, defaults) for config in configs)}
    return Doom(
        model=model.name,
        place=error.place,
        error=error.said,
        shared={},
        settings=tuple(every.values()),
        account=error.account or error.said,
        mend="leave the model out, or fix it",
        defaults=defaults,
    )


class _Combinations:
    """The settings of a model's trials, of which the first so many are to be trained."""

    def __init__(
        self, job: JobSpec, model: ModelSignature, trials: Sequence[GridTrial], first: int, states: States
    ) -> None:
        defaults = named_defaults(job, model)
        self.every = [tried_settings(trial.config, defaults) for trial in trials]
        self.first, self.later = self.every[:first], self.every[first:]
        self._model, self._states = model, states
        self._trials: dict[str, str] = {}
        for settings, trial in zip(self.every, trials, strict=True):
            self._trials.setdefault(repr(settings), trial.trial_id)
        self._of_data = sorted(job.data_settings)
        self._datasets = {
            self._made_with(settings): trial.config.dataset for settings, trial in zip(self.every, trials, strict=True)
        }

    def dataset(self, settings: Settings) -> str:
        """Return the fingerprint of the data set that settings, or what differs from them elsewhere, are tried on."""
        return self._datasets.get(self._made_with(settings), next(iter(self._datasets.values())))

    def _made_with(self, settings: Settings) -> str:
        return settings_key({key: settings[key] for key in self._of_data if key in settings})

    def worked(self, asked: Sequence[Settings]) -> list[Settings]:
        """Return under which of some settings a model of ours has worked: the first trial that has them has a result.

        A user's model may need what is no part of a trial's id, and so work no more.
        """
        if self._model.name not in MODELS:
            return []
        states = self._states([self._trials[repr(settings)] for settings in asked])
        return [settings for settings in asked if states.get(self._trials[repr(settings)]) in RESULT_STATES]


def _check_model(job: JobSpec, models: JobModels, name: str, combinations: _Combinations) -> list[Doom]:
    """Return the settings under which the model cannot be built, gives no logits, or ends its process.

    Models are tried without memory for their numbers. One that needs numbers, and works with them, is left to the
    workers, who check again; it is tried on for a while. `WorksNowhereError`, with the place of the axis at fault,
    where it works under none of its settings; an only model of ours where there are any that it refuses: that is a
    mistake in the job.
    """
    model = models[name]
    names = [key for key in job.model_settings if key not in job.data_settings and models.has(name, key)]
    names += [key for key in job.setting_names if key in job.data_settings]
    defaults = named_defaults(job, model)
    asked = telling(combinations.first, names, combinations.later)
    worked = combinations.worked(asked)
    if len(worked) == len(asked):
        return []
    tried = _OnItsData(job, models, name, combinations)
    found = _sorted_out(tried, [settings for settings in asked if settings not in worked])
    found.good[:0] = worked
    good = found.good
    refused = [(settings, problem) for settings, problem in found.bad if not problem.ends]
    several = model.name not in MODELS or len(job.models) > 1 or bool(job.data_settings)
    left = (good or found.cut_short) and several
    if left or not refused:
        return [
            replace(doom, defaults=defaults) for doom in dooms(job, model, names, found.bad, good, combinations.every)
        ]
    bad, problem = refused[0]

    def works(settings: Settings) -> bool:
        try:
            return not tried.problem(settings, with_numbers=False)
        except (ModelEndedError, NotTriedError):
            return False

    if not good:
        _check_lists(job, model, bad, works)
    text = problem.text(model.name, settings_text(bad)) + model.others_text(bad)
    hint = _whole_numbers(job, bad, works)
    raise WorksNowhereError(_blamed(job, model, names, bad, good, works), f"{text}{hint}", problem.account)


class _OnItsData:
    """Tries a model under settings on the data set that they belong to."""

    def __init__(self, job: JobSpec, models: JobModels, name: str, combinations: _Combinations) -> None:
        self._models, self._name, self._combinations = models, name, combinations
        self._others = job.data_settings - set(models[name].hyperparameters)

    def problem(self, settings: Settings, *, with_numbers: bool) -> Problem | None:
        """Return what is wrong with the model there, as `Tried` says it."""
        tried = self._models.tried(self._name, self._combinations.dataset(settings))
        own = {key: value for key, value in settings.items() if key not in self._others}
        return tried.problem(own, with_numbers=with_numbers)


@dataclass
class _SortedOut:
    """Settings under which a model works, or may, and those under which it does not; `cut_short` where others wait."""

    good: list[Settings] = field(default_factory=list)
    bad: list[tuple[Settings, Problem]] = field(default_factory=list)
    cut_short: bool = False


def _sorted_out(tried: _OnItsData, combinations: Sequence[Settings]) -> _SortedOut:
    found = _SortedOut()
    trying = _Trying(tried)
    for settings in combinations:
        try:
            problem = trying.problem(settings)
        except ModelEndedError as error:
            problem = error.problem
        except NotTriedError:
            found.cut_short = True
            break
        if problem:
            found.bad.append((settings, problem))
        else:
            found.good.append(settings)
    return found


class _Trying:
    """Tries a model without memory for its numbers, as long as what it then says holds with numbers too."""

    def __init__(self, tried: _OnItsData) -> None:
        self.tried = tried
        self.until: float | None = None
        #: Kinds of mistakes that were the same with numbers.
        self.confirmed: set[str] = set()

    def problem(self, settings: Settings) -> Problem | None:
        """Return what is wrong under some settings; `NotTriedError` where enough time went into models with numbers."""
        if self.until is not None:
            if time.monotonic() > self.until:
                raise NotTriedError
            return self.tried.problem(settings, with_numbers=True)
        without = self.tried.problem(settings, with_numbers=False)
        if without is None or without.kind in self.confirmed:
            return without
        problem = self.tried.problem(settings, with_numbers=True)
        if problem and problem.kind == without.kind:
            self.confirmed.add(problem.kind)
        else:
            self.until = time.monotonic() + SECONDS_WITH_NUMBERS
        return problem


def telling(combinations: Iterable[Settings], names: Sequence[str], later: Iterable[Settings] = ()) -> list[Settings]:
    """Return the distinct combinations, at most `MOST_TRIED`: those that show a value first, then others.

    What is for `later` comes after all of them, as far as there is room.
    """
    chosen = _telling(combinations, names, MOST_TRIED)
    known = {repr(settings) for settings in chosen}
    return chosen + _telling((one for one in later if repr(one) not in known), names, MOST_TRIED - len(chosen))


def _telling(combinations: Iterable[Settings], names: Sequence[str], most: int) -> list[Settings]:
    shown: set[tuple[str, str]] = set()
    first: list[Settings] = []
    others: list[Settings] = []
    for settings in {repr(settings): settings for settings in combinations}.values():
        new = {(name, repr(settings.get(name))) for name in names} - shown
        shown |= new
        (first if new else others).append(settings)
    chosen = _evenly(first, most)
    return chosen + _evenly(others, most - len(chosen))


def _evenly(settings: Sequence[Settings], most: int) -> list[Settings]:
    if len(settings) <= most:
        return list(settings)
    return [settings[number * len(settings) // most] for number in range(most)]


def _check_lists(job: JobSpec, model: ModelSignature, bad: Settings, works: Callable[[Settings], bool]) -> None:
    """Raise `WorksNowhereError` where the model works with all of an axis as one value."""
    for axis in job.space.axes:
        if axis.name in bad and works({**bad, axis.name: list(axis.values)}):
            raise WorksNowhereError(
                str(job.document.place(job.trail(axis.name))),
                f"{axis.name}: a list is an axis, but model {model.name!r} takes a list as one value: write"
                f" [{as_written(list(axis.values))}]",
            )


def _whole_numbers(job: JobSpec, bad: Settings, works: Callable[[Settings], bool]) -> str:
    """Return what to write where the model works with the whole numbers of an axis from which numbers are drawn."""
    for axis in job.space.axes:
        if axis.continuous and isinstance(bad.get(axis.name), float):
            ends = (float(str(end)) for end in (axis.values[0], axis.values[-1]))
            low, high = math.ceil(next(ends)), math.floor(next(ends))
            if low < high and all(works({**bad, axis.name: whole}) for whole in (low, high)):
                return f"; whole numbers are drawn from {{range: [{low}, {high}]}}"
    return ""


def _blamed(
    job: JobSpec,
    model: ModelSignature,
    names: Sequence[str],
    bad: Settings,
    good: Sequence[Settings],
    works: Callable[[Settings], bool],
) -> str:
    """Return the place of the one axis whose value works nowhere, and its name; else of a `--set`, or of the model.

    Where nothing works, that is the one without which the model, with its own default instead, does.
    """
    suspects = [name for name in names if all(repr(other.get(name)) != repr(bad.get(name)) for other in good)]
    if not good and len(suspects) > 1:
        without = {name: {key: value for key, value in bad.items() if key != name} for name in names if name in bad}
        suspects = [name for name, rest in without.items() if works(rest)] or suspects
    if len(suspects) != 1 or suspects[0] not in bad:
        trails = [job.trail(name) for name in suspects or names]
        return str(job.document.override(*trails) or model_place(job, model.name))
    trail = job.trail(suspects[0])
    axis = next(axis for axis in job.space.axes if axis.name == suspects[0])
    return f"{job.document.place((*trail, axis.values.index(bad[suspects[0]])))}: {suspects[0]}"
