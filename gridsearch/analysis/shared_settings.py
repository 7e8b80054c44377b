"""What failed trials have in common: settings whose values no trial with a result has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gridsearch.analysis.labels import label
from gridsearch.config.identity import flatten
from gridsearch.config.trial import without_dead_settings
from gridsearch.store.rows import JobRow, TrialRow

#: How many values of a setting are named.
MOST_VALUES = 4
#: A combination of more settings than this is the trial, and no cause.
MOST_TOGETHER = 3


def shared_settings(job: JobRow, failed: Iterable[TrialRow], sound: Iterable[TrialRow]) -> dict[str, list[Any]]:
    """Return what failed trials have in common: their values on each axis that separates them from all sound ones.

    Where no axis does so alone, a combination of up to three values that all of them have, and no sound one.

    Args:
        job: The job.
        failed: Trials that failed for one reason.
        sound: Trials that have a result; without any, nothing can be separated. A setting that a failed trial's model
            does not have tells nothing but the model, and one that has no effect on it tells nothing.
    """
    theirs = [flatten(row.config, with_model=True) for row in failed]
    others = [flatten(row.config, with_model=True) for row in sound]
    if not (theirs and others):
        return {}
    found: dict[str, list[Any]] = {}
    common: dict[str, Any] = {}
    for axis in job.record.axis_names:
        if any(_lacks(job, settings, axis) for settings in theirs):
            continue
        if axis in job.record.mortal_axes and any(axis not in without_dead_settings(settings) for settings in theirs):
            continue
        values = {_text(settings.get(axis)): settings.get(axis) for settings in theirs}
        if values.keys().isdisjoint(_text(settings.get(axis)) for settings in others):
            found[axis] = ["its default" if value is None else value for value in values.values()]
        elif len(values) == 1:
            common[axis] = next(iter(values.values()))
    return found or _together(common, len(theirs), others)


def _together(common: dict[str, Any], failed: int, sound: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return those of these values that no sound trial has together, none of them idle; one failure has none."""
    texts = {axis: _text(value) for axis, value in common.items()}
    marks = [frozenset(axis for axis, text in texts.items() if _text(own.get(axis)) == text) for own in sound]

    def apart(axes: set[str]) -> bool:
        return not any(axes <= own for own in marks)

    kept = set(common)
    if failed < 2 or not apart(kept):
        return {}
    for axis in common:
        if apart(kept - {axis}):
            kept.discard(axis)
    if len(kept) > MOST_TOGETHER:
        return {}
    return {axis: ["its default" if value is None else value] for axis, value in common.items() if axis in kept}


def shared_text(found: dict[str, list[Any]]) -> str:
    """Return what failed trials have in common as words that follow their cause; nothing where there is nothing.

    >>> shared_text({"kind": ["sleeps", "spins"], "width": [8]})
    " (those with kind 'sleeps' or 'spins', width 8)"
    """
    parts = []
    for axis, values in found.items():
        named = [repr(value) for value in values[:MOST_VALUES]]
        parts.append(f"{axis} {' or '.join(named)}" + (" and others" if len(values) > MOST_VALUES else ""))
    return f" (those with {', '.join(parts)})" if parts else ""


def shared_words(job: JobRow, rows: Iterable[TrialRow], sound: Iterable[TrialRow]) -> str:
    """Return what trials have in common and no sound one has: `learning_rate 1, width 8 or 16`; else nothing."""
    parts = []
    for axis, values in shared_settings(job, rows, sound).items():
        more = " or others" if len(values) > MOST_VALUES else ""
        parts.append(f"{axis} {' or '.join(label(value) for value in values[:MOST_VALUES])}{more}")
    return ", ".join(parts)


def _lacks(job: JobRow, settings: dict[str, Any], axis: str) -> bool:
    return axis not in settings and job.record.lacks(settings["model"], axis)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
