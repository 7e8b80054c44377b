"""Why a job has new trials: which file, data or setting is another than when it was last launched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from gridsearch.config.identity import canonical_value, own_settings
from gridsearch.config.job_file import MODEL
from gridsearch.config.record import JobRecord
from gridsearch.config.trial import FUNCTION_KEYS, RECIPE_DEFAULTS
from gridsearch.config.value_kinds import as_written
from gridsearch.engine.prepare.job_data import names_function
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.errors import StoreError
from gridsearch.store.contract import Store

#: How many trials are looked at on each side, and how many values of a setting are named.
_MOST, _NAMED = 20_000, 3
_ABSENT = object()


def changes(prepared: Prepared, store: Store) -> list[str]:
    """Return what new trials have that none of the job's earlier ones has; nothing where it has no earlier ones."""
    try:
        earlier, before = store.trials(prepared.job.name), store.job(prepared.job.name).record
    except StoreError:  # no such job yet
        return []
    known = {row.trial_id for row in earlier}
    old = [json.loads(row.config) for row in islice(earlier, _MOST)]
    new = [json.loads(trial.canonical) for trial in prepared.grid.trials if trial.trial_id not in known][:_MOST]
    if not old or not new:
        return []
    return [*_of_parts(prepared, before, old, new), *_of_settings(prepared, before, old, new)]


def _of_parts(prepared: Prepared, before: JobRecord, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    found = []
    if _other_data(prepared, before, old, new):
        was, now = before.dataset_text, prepared.job.dataset_text
        what = (
            "code, images or labels" if names_function(prepared.job.dataset, prepared.job.base) else "images or labels"
        )
        same = f"the {what} in {now} have changed"
        found.append(same if was == now else f"dataset is {now}, and was {was}")
    had = {one["model"] for one in old}
    if fresh := [name for name in prepared.job.models if name in {one["model"] for one in new} - had]:
        found.append(f"model {' and '.join(fresh)}")
    code = {(one["model"], one.get("model_code")) for one in old}
    for name in dict.fromkeys(one["model"] for one in new if (one["model"], one.get("model_code")) not in code):
        if name in had:
            parts = prepared.sources_of(name)
            found.append(f"edited: {', '.join(_edited(parts, before.model_sources.get(name) or {})) or name}")
    found += _edited_functions(old, new)
    found += _edited_losses(old, new)
    if _other("split", old, new):
        found.append("split")
    if _other("inputs", old, new):
        found.append("the inputs have changed")
    if _other("teacher", old, new):
        found.append("the teacher is another trial")
    if _other("version", old, [one for one in new if one["model"] in had]):
        found.append("this version of gridsearch trains these trials differently (docs/jobs.md, Versions)")
    return found


def _other_data(prepared: Prepared, before: JobRecord, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> bool:
    """Whether there is another data set than before, made with the same settings where there are several."""
    job = prepared.job
    if not (before.datasets or job.data_settings):
        return _other("dataset", old, new)
    names = job.data_settings | before.data_defaults.keys()
    # Before a setting was one, its argument had what the options said.
    given = {name: value for name, value in before.dataset_options.items() if name in names}
    defaults = {**job.data_defaults, **given, **before.data_defaults}, {**before.data_defaults, **job.data_defaults}
    had, now = (
        {(_made_with(one, own), one["dataset"]) for one in configs}
        for configs, own in zip((old, new), defaults, strict=True)
    )
    known = {settings for settings, _ in had}
    return any(settings in known for settings, _ in now - had)


def _made_with(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    return repr(sorted({**defaults, **config.get("data_settings", {})}.items()))


def _edited_losses(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """Return that losses and metrics of the user's are others than before, a sentence each."""
    had, now = (
        dict.fromkeys(
            pair
            for one in configs
            for pair in ((one.get("loss"), one.get("loss_code")), *one.get("metric_codes", {}).items())
        )
        for configs in (old, new)
    )
    known = {name for name, _ in had}
    return [f"edited: {name}" for name, code in now if name in known and (name, code) not in had]


def _edited(now: Mapping[str, str], was: Mapping[str, str]) -> list[str]:
    """Return the modules of a model that are others than before, as far as that was noted."""
    edited = [name for name, digest in now.items() if was and was.get(name) != digest]
    return [*edited, *(name for name in was if name not in now)]


def _edited_functions(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """Return the user's functions that a recipe names whose source is another than before."""
    found = []
    for key in FUNCTION_KEYS:
        before = {(one.get(key), one.get(f"{key}_code")) for one in old}
        had = {name for name, _ in before}
        now = {(one.get(key), one.get(f"{key}_code")) for one in new}
        found += [f"edited: {name}" for name in sorted({str(name) for name, _ in now - before if name and name in had})]
    return found


def _of_settings(
    prepared: Prepared, before: JobRecord, old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> list[str]:
    was = {name: {**before.data_defaults, **before.defaults(name)} for name in {one["model"] for one in [*old, *new]}}
    now = {name: {**prepared.job.data_defaults, **prepared.defaults_of(name)} for name in prepared.job.models}
    found = []
    names = [name for name in prepared.job.setting_names if name != MODEL or prepared.job.own]
    for name in dict.fromkeys([*names, *prepared.job.defaults]):
        had = {repr(_setting(one, name, was[one["model"]])) for one in old}
        values = {repr(value): value for value in (_setting(one, name, now[one["model"]]) for one in new)}
        fresh = [value for text, value in values.items() if text not in had and value is not _ABSENT]
        if fresh:
            shown = ", ".join(map(_shown, fresh[:_NAMED]))
            found.append(f"{name} {shown}" + (f" and {len(fresh) - _NAMED} more" if len(fresh) > _NAMED else ""))
    return found


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else as_written(canonical_value(value))


def _setting(config: Mapping[str, Any], name: str, defaults: Mapping[str, Any]) -> Any:
    own = own_settings(config)
    missing = RECIPE_DEFAULTS.get(name, defaults.get(name, _ABSENT))
    value = own[name] if name in own else config.get(name, missing)
    return canonical_value(value)


def _other(key: str, old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> bool:
    return bool({repr(one.get(key)) for one in new} - {repr(one.get(key)) for one in old})
