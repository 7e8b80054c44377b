"""A grid that no longer has trials with results: how many, and what to ask for so that they are points again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import yaml

from gridsearch.config.events import RESULT_STATES
from gridsearch.config.identity import digest, grid_digest, under_version
from gridsearch.config.job import JobSpec, job_from_text
from gridsearch.config.job_file import JOB_KEYS, MODEL, JobFile
from gridsearch.config.selection import selecting
from gridsearch.config.trial import FUNCTION_KEYS, RECIPE_DEFAULTS, RECIPE_KEYS
from gridsearch.config.value_kinds import as_written
from gridsearch.config.versions import CURRENT
from gridsearch.config.yaml_source import parse_document
from gridsearch.engine.prepare.job_datasets import with_own_validation
from gridsearch.engine.prepare.preflight_settings import fitted_job
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.errors import DataError, GridsearchError, StoreError, passed_over
from gridsearch.search.grid import DataPart, Ingredients, expand
from gridsearch.store.contract import Store

_log = logging.getLogger(__name__)

#: Keys of a job that are no part of who its trials are.
_ABOUT = frozenset({"name", "description", "objective", "constraints", "trial_timeout", "checkpoints"})
_MISSING = object()


@dataclass(frozen=True)
class Narrowing:
    """Trials with results that a job has in the store, and that its grid no longer has.

    Of `trials`, `renewed` are the same points, which the current version of the recipe (`config/versions.py`) trains
    otherwise. `back` are the overrides of the job's file under which all others are points again, None where that is
    not known; `only` is the expression that selects from those points what is the grid now, where it is a part of them.
    """

    trials: int = 0
    renewed: int = 0
    back: Sequence[str] | None = None
    only: str = ""


def narrowing(prepared: Prepared, store: Store) -> Narrowing:
    """Return what a job's grid, as it is now, leaves of that of its last launch."""
    ids = [trial.trial_id for trial in prepared.grid.trials]
    try:
        job = store.job(prepared.job.name)
        if job.grid == grid_digest(ids):
            return Narrowing()
        before, source = store.trials(prepared.job.name), job.source
    except StoreError:  # no such job yet
        return Narrowing()
    now = frozenset(ids)
    left = [row for row in before if row.trial_id not in now and row.state in RESULT_STATES]
    if not left:
        return Narrowing()
    gone = {row.trial_id for row in left if digest(under_version(row.config, CURRENT)) not in now}
    found = Narrowing(len(left), len(left) - len(gone))
    if not gone:
        return found
    # What is not understood of an earlier job, or is refused by now, leads nowhere back.
    with passed_over(_log, "no command brings the earlier trials back", GridsearchError):
        if isinstance(prepared, PreparedJob):
            prepared.data.recall(job.record)
        earlier = job_from_text(source, base=prepared.job.base, accepted=True)
        for overrides in ([], list(_overrides(prepared, earlier))):
            wide = _again(prepared, overrides)
            if gone <= _ids(prepared, wide):
                found = replace(found, back=overrides)
                return replace(found, only=_selection(prepared, wide, now))
    return found


def _again(prepared: Prepared, overrides: Sequence[str]) -> JobSpec:
    """Return the job that the file describes under other overrides."""
    document = prepared.job.document
    job = job_from_text(document.text, overrides, base=prepared.job.base, source=document.source)
    if not isinstance(prepared, PreparedJob):
        return job
    job = prepared.data.claim(prepared.functions.claim(job), prepared.models)
    return fitted_job(with_own_validation(job, prepared.dataset), [prepared.models[name] for name in job.models])


def _ids(prepared: Prepared, job: JobSpec) -> set[str]:
    try:
        return _ids_of(prepared, job)
    except DataError:  # which data sets it had is not known
        return set()


def _ids_of(prepared: Prepared, job: JobSpec) -> set[str]:
    ingredients = _ingredients(prepared, job)
    if job.own:
        return {trial.trial_id for trial in expand(job, ingredients).trials}
    starting = {str(value) for value in job.values("pretrained") if value}
    if any(not starting <= part.pretrained.keys() | part.unusable.keys() for part in ingredients.models.values()):
        return set()
    functions = {(key, str(value)) for key in FUNCTION_KEYS for value in job.values(key) if ":" in str(value)}
    if not functions <= ingredients.functions.keys():
        return set()
    return {trial.trial_id for trial in expand(job, ingredients).trials}


def _ingredients(prepared: Prepared, job: JobSpec) -> Ingredients:
    """Return what another form of the job is made of, which may have models that this one has not."""
    if not isinstance(prepared, PreparedJob):
        return prepared.ingredients
    known = prepared.ingredients.models
    parts = {
        name: replace(
            known.get(name) or prepared.models.part(name),
            has=partial(prepared.models.has, name, names=job.models),
        )
        for name in job.models
    }
    if job.data_settings:
        data = prepared.data.part(job, prepared.models)
        return replace(prepared.ingredients, models=parts, data=data)
    dataset = prepared.data.fingerprint(job.dataset_options, {})
    return replace(prepared.ingredients, models=parts, dataset=dataset, data=DataPart())


def _overrides(prepared: Prepared, earlier: JobSpec) -> Iterator[str]:
    """Yield what must be set of the file as it is now, to be the job that it was."""
    document = prepared.job.document
    of_models = {key: value for part in prepared.ingredients.models.values() for key, value in part.defaults.items()}
    of_models |= prepared.job.data_defaults
    now, was = _flat(parse_document(document.text, document.source).data), _flat(earlier.document.data)
    for key in dict.fromkeys([*was, *now]):
        value = was.get(key, _default(key, of_models))
        if value is not _MISSING and value != now.get(key, _MISSING):
            outer = "" if key in now or key in JOB_KEYS or key in RECIPE_KEYS else "space."
            yield f"{outer}{key}={_yaml(value)}"


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what determines a job's trials: the keys of the top level and those of the space beside each other."""
    space = data.get("space") or {}
    return {key: value for key, value in data.items() if key not in _ABOUT and key != "space"} | dict(space)


def _default(key: str, of_model: Mapping[str, Any]) -> Any:
    if key in JOB_KEYS:
        default = JobFile.model_fields[key].get_default(call_default_factory=True)
        return {} if key == "split" else "grid" if key == "search" else default
    return RECIPE_DEFAULTS.get(key, of_model.get(key, _MISSING))


def _yaml(value: Any) -> str:
    dumped: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=2**31)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _selection(prepared: Prepared, wide: JobSpec, now: frozenset[str]) -> str:
    """Return the expression that selects the grid as it is now from a wider one; nothing where there is none."""
    parts = []
    for name in wide.setting_names:
        values = list(prepared.job.values(name)) if name in [MODEL, *prepared.job.setting_names] else []
        if values and values != list(wide.values(name)):
            one = f"== {as_written(values[0])}" if len(values) == 1 else f"in {as_written(values)}"
            parts.append(f"{name} {one}")
    if not parts:
        return ""
    text = " and ".join(parts)
    return text if expand(selecting(wide, [text]), _ingredients(prepared, wide)).chosen == now else ""
