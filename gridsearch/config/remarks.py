"""What a job asks for that changes nothing, or is hardly what was meant: said, not refused."""

from __future__ import annotations

from itertools import product
from typing import Any

from gridsearch.config.job import JobSpec
from gridsearch.config.losses import PREFIX
from gridsearch.config.metrics import better_direction, is_loss, is_share
from gridsearch.config.trial import DECIDING, RECIPE_DEFAULTS, without_dead_settings

#: Of those that decide it matters whether there is any.
_WHETHER = ("momentum", "warmup_epochs")
#: What each of those is for that may not matter.
_FOR = {
    "momentum": "it applies to optimizer sgd and rmsprop",
    "nesterov": "it applies to optimizer sgd with momentum, such as momentum: 0.9",
    "betas": "it applies to optimizer adam and adamw",
    "eps": "it applies to optimizer adam, adamw and rmsprop",
    "alpha": "it applies to optimizer rmsprop",
    "warmup_epochs": "schedule: one_cycle begins with a rise of its own",
    "warmup_start": "it applies to a schedule with a warm-up, such as warmup_epochs: 1",
    "power": "it applies to schedule: polynomial",
    "step_size": "it applies to schedule: step",
    "gamma": "it applies to schedule: step and plateau",
    "plateau_patience": "it applies to schedule: plateau",
    "min_learning_rate": "it applies to schedule: plateau",
    "class_weights": "it applies to loss: cross_entropy",
    "label_smoothing": "it applies to loss: cross_entropy",
    "temperature": "it applies to distillation: soft",
    "distillation_weight": "it applies to distillation: soft and hidden",
}


def remarks(job: JobSpec) -> list[str]:
    """Return a sentence for each such thing."""
    return [*_upside_down(job), *_dead(job)]


def _upside_down(job: JobSpec) -> list[str]:
    objective = job.objective
    right = better_direction(objective.metric)
    if right is None or objective.direction == right:
        return []
    kind = "loss" if is_loss(objective.metric) else "accuracy" if is_share(objective.metric) else objective.metric
    worst = f"{'highest' if right == 'min' else 'lowest'} {kind}"
    return [f"objective: mode: {objective.mode} ranks the {worst} first; {objective.metric} wants mode: {right}"]


def _dead(job: JobSpec) -> list[str]:
    points = [dict(zip(DECIDING, values, strict=True)) for values in product(*(_few(job, key) for key in DECIDING))]
    found = []
    for key, reason in _FOR.items():
        values = [value for value in job.values(key) if value != RECIPE_DEFAULTS[key]]
        if values and not any(key in without_dead_settings(point | {key: values[0]}) for point in points):
            other = f"{PREFIX}{key}"
            of_loss = f"; a setting {key} of your loss is written {other}" if job.own_losses else ""
            found.append(f"{key} has no effect in this job: {reason}{of_loss if key == 'gamma' else ''}")
    return found


def _few(job: JobSpec, name: str) -> list[Any]:
    """Return the values of a setting that decide."""
    values = job.values(name)
    return list({bool(value): value for value in values}.values()) if name in _WHETHER else list(values)
