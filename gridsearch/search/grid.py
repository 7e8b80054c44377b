"""Grid search: a job's points as trials, without those its rules leave out and without any trial twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridsearch.spec.identity import canonical, digest, lineage_id_in, same_value
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import RECIPE_DEFAULTS, RECIPE_KEYS, TrialConfig, without_dead_settings


@dataclass(frozen=True)
class Ingredients:
    """What determines a trial's numbers beside the job file: the content of the data and the code of the model.

    `defaults` are the default values of the model's hyperparameters; a setting that has its default is left out of the
    identity, so that adding it to a job later changes nothing.
    """

    dataset: str
    model_code: str
    defaults: Mapping[str, Any]


@dataclass(frozen=True)
class GridTrial:
    """One trial of a grid: who it is, and how to train it."""

    trial_id: str
    lineage_id: str
    config: TrialConfig
    canonical: str


@dataclass(frozen=True)
class Grid:
    """The trials of a job in the order of its space, and what became of the other points.

    `points` counts the whole space, `skipped` how many points each rule left out (the first rule that holds counts),
    `repeated` those that are a trial already in the list.
    """

    points: int
    trials: Sequence[GridTrial]
    skipped: Sequence[tuple[str, int]]
    repeated: int


def expand(job: JobSpec, ingredients: Ingredients) -> Grid:
    """Return the grid of a job; `JobError` when a rule cannot be decided or leaves nothing."""
    trials: dict[str, GridTrial] = {}
    skipped = [0] * len(job.rules)
    repeated = 0
    for point in job.space:
        settings = {**job.fixed, **point}
        if (rule := _skipped_by(job, settings)) is not None:
            skipped[rule] += 1
            continue
        trial = _trial(job, ingredients, settings)
        repeated += trial.trial_id in trials
        trials.setdefault(trial.trial_id, trial)
    if not trials:
        raise job.document.error(("rules",), f"the rules leave none of the {len(job.space):,} points")
    counts = [(rule.text, count) for rule, count in zip(job.rules, skipped, strict=True)]
    return Grid(len(job.space), list(trials.values()), counts, repeated)


def _skipped_by(job: JobSpec, settings: dict[str, Any]) -> int | None:
    if not job.rules:
        return None
    complete = RECIPE_DEFAULTS | settings
    for index, rule in enumerate(job.rules):
        try:
            if rule.holds(complete):
                return index
        except ValueError as error:
            raise job.document.error(("rules", index, "skip"), str(error)) from None
    return None


def _trial(job: JobSpec, ingredients: Ingredients, settings: dict[str, Any]) -> GridTrial:
    live = without_dead_settings(settings)
    defaults = ingredients.defaults
    config = TrialConfig(
        dataset=ingredients.dataset,
        split=job.split,
        model=job.model,
        model_code=ingredients.model_code,
        hyper={
            key: value
            for key, value in live.items()
            if key not in RECIPE_KEYS and not (key in defaults and same_value(defaults[key], value))
        },
        **{key: value for key, value in live.items() if key in RECIPE_KEYS},
    )
    text = canonical(config)
    return GridTrial(digest(text), lineage_id_in(text, config), config, text)
