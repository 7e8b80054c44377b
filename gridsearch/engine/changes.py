"""Why a job has new trials: which file, data or setting is another than when it was last launched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from gridsearch.engine.preparation import PreparedJob
from gridsearch.errors import StoreError
from gridsearch.spec.identity import settle
from gridsearch.spec.kinds import as_written
from gridsearch.spec.trial import RECIPE_DEFAULTS
from gridsearch.store.contract import Store

#: How many trials are looked at on each side, and how many values of a setting are named.
_MOST, _NAMED = 20_000, 3
_ABSENT = object()


def changes(prepared: PreparedJob, store: Store) -> list[str]:
    """Return what new trials have that none of the job's earlier ones has; nothing where it has no earlier ones."""
    try:
        earlier, before = store.trials(prepared.job.name), store.job(prepared.job.name).spec
    except StoreError:  # no such job yet
        return []
    known = {row.trial_id for row in earlier}
    old = [json.loads(row.config) for row in islice(earlier, _MOST)]
    new = [json.loads(trial.canonical) for trial in prepared.grid.trials if trial.trial_id not in known][:_MOST]
    if not old or not new:
        return []
    return [*_of_parts(prepared, before, old, new), *_of_settings(prepared, before, old, new)]


def _of_parts(
    prepared: PreparedJob, before: Mapping[str, Any], old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> list[str]:
    found = []
    if _other("dataset", old, new):
        was = before.get("dataset")
        same = f"the images or labels in {prepared.job.dataset} have changed"
        found.append(same if was == prepared.job.dataset else f"dataset is {prepared.job.dataset}, and was {was}")
    if _other("model", old, new):
        found.append(f"model is {prepared.job.model}, and was {before.get('model')}")
    elif _other("model_code", old, new):
        parts = before.get("sources") or {}
        edited = [name for name, digest in prepared.model.sources.items() if parts and parts.get(name) != digest]
        gone = [name for name in parts if name not in prepared.model.sources]
        found.append(f"edited: {', '.join([*edited, *gone]) or prepared.job.model}")
    if _other("split", old, new):
        found.append("split")
    if _other("teacher", old, new):
        found.append("the teacher is another trial")
    if _other("version", old, new):
        found.append("this version of gridsearch trains such otherwise (docs/jobs.md, Versions)")
    return found


def _of_settings(
    prepared: PreparedJob, before: Mapping[str, Any], old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> list[str]:
    defaults = RECIPE_DEFAULTS | dict(before.get("defaults") or {})
    now = RECIPE_DEFAULTS | dict(prepared.model.optional)
    found = []
    for name in dict.fromkeys([*prepared.job.setting_names, *RECIPE_DEFAULTS]):
        had = {repr(_setting(one, name, defaults)) for one in old}
        values = {repr(value): value for value in (_setting(one, name, now) for one in new)}
        fresh = [value for text, value in values.items() if text not in had and value is not _ABSENT]
        if fresh:
            shown = ", ".join(map(_shown, fresh[:_NAMED]))
            found.append(f"{name} {shown}" + (f" and {len(fresh) - _NAMED} more" if len(fresh) > _NAMED else ""))
    return found


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else as_written(settle(value))


def _setting(config: Mapping[str, Any], name: str, defaults: Mapping[str, Any]) -> Any:
    hyper: Mapping[str, Any] = config.get("hyper", {})
    value = hyper[name] if name in hyper else config.get(name, defaults.get(name, _ABSENT))
    return settle(value)


def _other(key: str, old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> bool:
    return bool({repr(one.get(key)) for one in new} - {repr(one.get(key)) for one in old})
