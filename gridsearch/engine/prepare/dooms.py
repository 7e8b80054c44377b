"""Settings under which a model does not work or ends its process: their trials fail, and the others are trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

from gridsearch.config.job import JobSpec
from gridsearch.config.job_file import MODEL
from gridsearch.config.trial import TrialConfig
from gridsearch.config.value_kinds import as_written
from gridsearch.engine.prepare.model_questions import Problem
from gridsearch.errors import ModelError
from gridsearch.models.registry import ModelSignature, settings_text

Settings = dict[str, Any]
Bad = Sequence[tuple[Settings, Problem]]

#: How many settings are named that work only without each other, and how many such combinations.
_MOST_TOGETHER, _MOST_RULES = 3, 4


@dataclass(frozen=True)
class Doom:
    """Why a model's trials under some settings cannot be trained; `settings` are all such, `shared` what is common.

    `place` is where in the job what they share stands, `mend` what to write so that there are no such trials.
    `account` says where the model was, for a log. `about` are the keys of the recipe that `settings` have besides the
    model's own, `defaults` what they have where a trial says nothing. `model` is the one whose trials they are.
    """

    model: str
    place: str
    error: str
    shared: Settings
    settings: tuple[Settings, ...]
    account: str
    mend: str
    about: tuple[str, ...] = ()
    defaults: Settings = field(default_factory=dict)

    @cached_property
    def keys(self) -> set[str]:
        """Return the settings as `settings_key` writes them."""
        return {settings_key(one) for one in self.settings}

    def dooms(self, config: TrialConfig) -> bool:
        """Return whether a trial is one of those that cannot be trained."""
        if config.model != self.model:
            return False
        own = tried_settings(config, self.defaults) | {key: getattr(config, key) for key in self.about}
        return settings_key(own) in self.keys


class WorksNowhereError(ModelError):
    """A model works under none of its settings; `place` is where in the job the cause stands, `said` what it is."""

    def __init__(self, place: str, said: str, account: str = "") -> None:
        super().__init__(f"{place}: {said}")
        self.place, self.said, self.account = place, said, account


def tried_settings(config: TrialConfig, defaults: Settings) -> Settings:
    """Return under which settings a model is tried for a trial: its own, and those that its data set is made with."""
    return defaults | config.data_settings | config.hyper


def settings_key(settings: Settings) -> str:
    """Return a text that is the same for the same settings."""
    return json.dumps(settings, sort_keys=True)


def dooms(
    job: JobSpec,
    model: ModelSignature,
    names: Sequence[str],
    bad: Bad,
    good: Sequence[Settings],
    every: Iterable[Settings],
) -> list[Doom]:
    """Return what follows from settings that are no good, one for each kind; `WorksNowhereError` where these are all.

    Of `every` combination of the grid those that were not tried are left to the workers, as a value that was only met
    in bad ones need not be the guilty one. Only where a value ended the process, and workers would end with it, are
    they taken to be as bad.
    """
    if not bad:
        return []
    kinds: dict[str, list[tuple[Settings, Problem]]] = {}
    for settings, problem in bad:
        kinds.setdefault(problem.kind, []).append((settings, problem))
    tried = {settings_key(settings) for settings in [*good, *(settings for settings, _ in bad)]}
    untried = [settings for settings in every if settings_key(settings) not in tried]
    if not good and not untried:
        settings, problem = bad[0]
        said = f"{problem.text(model.name, settings_text(settings))}{model.others_text(settings)}"
        raise WorksNowhereError(
            str(job.document.override((MODEL,)) or model_place(job, model.name)), said, problem.account
        )
    # What is drawn from a range is hardly ever met twice, and so always looks guilty.
    drawn = {axis.name for axis in job.space.axes if axis.continuous}
    names = sorted(names, key=lambda name: name in drawn)
    # Where nothing is known to work, every value would look guilty.
    return [
        _doom(job, model.name, part, good, untried if good else [])
        for found in kinds.values()
        for part in _parted(names, found, good)
    ]


def _parted(
    names: Sequence[str], found: Bad, good: Sequence[Settings]
) -> list[tuple[tuple[str, ...], list[tuple[Settings, Problem]]]]:
    """Part what fails for one reason by the values of the fewest settings that are to blame for all of it.

    Those are settings whose values, taken together, no good settings have. Many values of one setting are one part;
    none are named where it would take many combinations of several.
    """
    for number in range(1, _MOST_TOGETHER + 1):
        ways = []
        for blamed in combinations(names, number):
            sound = {_values(settings, blamed) for settings in good}
            parts: dict[tuple[str, ...], list[tuple[Settings, Problem]]] = {}
            for settings, problem in found:
                parts.setdefault(_values(settings, blamed), []).append((settings, problem))
            if sound.isdisjoint(parts) and all(name in settings for settings, _ in found for name in blamed):
                ways.append([(blamed, part) for part in parts.values()])
        if best := min(ways, key=len, default=None):
            if len(best) <= _MOST_RULES:
                return best
            if number == 1:
                return [(best[0][0], list(found))]
    return [((), list(found))]


def _doom(
    job: JobSpec,
    model: str,
    part: tuple[Sequence[str], Bad],
    good: Sequence[Settings],
    untried: Sequence[Settings],
) -> Doom:
    blamed, found = part
    first, problem = found[0]
    values = list({repr(settings[blamed[0]]): settings[blamed[0]] for settings, _ in found}.values()) if blamed else []
    one = len({_values(settings, blamed) for settings, _ in found}) == 1
    shared = {name: first[name] for name in blamed} if one else {}
    others = "" if one and blamed else f" and {len(values) - 1} other values" if blamed else " and others"
    shown = settings_text({name: first[name] for name in blamed} or first) + others
    alike = [
        settings
        for settings in untried
        if shared and problem.ends and all(_same(settings, first, name) for name in shared)
    ]
    rule = _rule(shared) if one else _bound(blamed[0], values, good) if blamed else ""
    return Doom(
        model=model,
        place=place_of(job, blamed[0], first[blamed[0]]) if len(blamed) == 1 else model_place(job, model),
        error=problem.text(model, shown),
        mend=_mend(job, model, rule),
        shared=shared,
        settings=tuple({settings_key(one): one for one in [*(one for one, _ in found), *alike]}.values()),
        account=problem.account.strip() or "Where it was when it ended is not known.",
    )


def _mend(job: JobSpec, model: str, rule: str) -> str:
    of_model = f"{MODEL} == {as_written(model)} and " if len(job.models) > 1 else ""
    return f"leave them out with a rule, skip: {of_model}{rule}" if rule else "fix the model"


def _rule(shared: Settings) -> str:
    return " and ".join(f"{key} == {as_written(value)}" for key, value in shared.items())


def _bound(name: str, values: Sequence[Any], good: Sequence[Settings]) -> str:
    """Return a rule for many values of one setting, where they are all above or all below what is good."""
    sound = [settings[name] for settings in good if name in settings]
    if not sound or not all(type(value) in (int, float) for value in [*values, *sound]):
        return ""
    if min(values) > max(sound):
        return f"{name} >= {as_written(min(values))}"
    return f"{name} <= {as_written(max(values))}" if max(values) < min(sound) else ""


def _values(settings: Settings, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(repr(settings.get(name)) for name in names)


def model_place(job: JobSpec, name: str) -> str:
    """Return where a model stands in a job."""
    return place_of(job, MODEL, name)


def place_of(job: JobSpec, name: str, value: Any) -> str:
    """Return where a value of a setting stands in a job, or the nearest thing around it that has a place."""
    trail = job.trail(name)
    axis = next((axis for axis in job.space.axes if axis.name == name), None)
    return str(job.document.place((*trail, axis.values.index(value)) if axis and value in axis.values else trail))


def _same(one: Settings, other: Settings, name: str) -> bool:
    return repr(one.get(name)) == repr(other.get(name))
