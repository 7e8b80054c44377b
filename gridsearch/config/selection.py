"""Which of a job's trials a launch is to train: expressions of `--only`, in the language of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gridsearch.config.job import JobSpec
from gridsearch.config.job_file import MODEL
from gridsearch.config.job_settings import comparables
from gridsearch.config.own_training import OWN_KEYS
from gridsearch.config.rules import SELECTION, Rule, parse_rule
from gridsearch.config.trial import TEXT_KEYS
from gridsearch.config.value_kinds import Comparable, as_written, values_text
from gridsearch.errors import JobError

#: What an expression may name beside the settings, where a job has folds.
FOLD = "fold"
_NUMBER = Comparable(frozenset({"number"}))
#: How many settings are listed where nothing is selected.
_SETTINGS = 3


def selecting(job: JobSpec, expressions: Sequence[str]) -> JobSpec:
    """Return the job of which only the trials are to be trained for which every expression holds.

    `JobError` in one line for what is no expression, or compares with what a setting can never be. The grid stays
    whole: who is selected stands in `Grid.chosen`.
    """
    if job.own:
        names = comparables({name: job.values(name) for name in job.setting_names}, "none", OWN_KEYS)
    else:
        names = comparables({name: job.values(name) for name in [MODEL, *job.setting_names, *TEXT_KEYS]}, "none")
    names |= {FOLD: _NUMBER} if job.split.folds else {}
    rules = []
    for text in expressions:
        try:
            rules.append(parse_rule(text, names, SELECTION))
        except ValueError as error:
            raise JobError(f"{_option(text)}: {error}") from None
    return replace(job, only=rules)


def is_selected(rules: Sequence[Rule], settings: Mapping[str, Any]) -> bool:
    """Return whether all hold for a trial's settings; `JobError` where one cannot be decided."""
    for rule in rules:
        try:
            if not rule.holds(settings):
                return False
        except ValueError as error:
            raise JobError(f"--only: {error}") from None
    return True


def nothing_selected(job: JobSpec, trials: int) -> JobError:
    """Return the error for expressions that hold for none of so many trials; it lists what there is."""
    named = dict.fromkeys(name for rule in job.only for name in rule.names)
    values = {name: _values(job, name) for name in named}
    known = [f"{name} is {text}" for name, text in values.items() if text][:_SETTINGS]
    there = f": {'; '.join(known)}" if known else ""
    return JobError(f"{' '.join(_option(rule.text) for rule in job.only)} matches none of the {trials:,} trials{there}")


def _option(text: str) -> str:
    return f"--only {text!r}"


def _values(job: JobSpec, name: str) -> str:
    """Return the values of a setting in the job in words; nothing where they are not known."""
    if name == FOLD and job.split.folds:
        return f"0 to {job.split.folds - 1}"
    if name in job.repeated_seeds and job.repeats > 1:
        first = job.values(name)[0]
        return f"{first} to {first + job.repeats - 1}" if isinstance(first, int) else ""
    values = job.values(name)
    if any(axis.continuous for axis in job.space.axes if axis.name == name):
        return f"from {as_written(values[0])} to {as_written(values[-1])}"
    return values_text(values)
