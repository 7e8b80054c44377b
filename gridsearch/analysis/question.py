"""What a job asks: its axes, and the objective that ranks its trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridsearch.spec.domains import Axis
from gridsearch.spec.identity import flatten
from gridsearch.spec.space import drawn_text
from gridsearch.spec.trial import REPEATED_SEEDS
from gridsearch.store.rows import JobRow

UNITS = {
    "learning_rate": "per step",
    "batch_size": "images",
    "epochs": "passes over the training images",
    "neurons": "hidden units",
}
_WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}


@dataclass(frozen=True, slots=True)
class Objective:
    """What ranks trials: a metric, read at the last epoch or at the best one; `mode` is "max" or "min".

    `restored` says that the last epoch of each trial counts as its one with the lowest validation loss.
    """

    metric: str
    at: str
    mode: str
    restored: bool = False

    @property
    def highest(self) -> bool:
        """Whether higher is better."""
        return self.mode == "max"

    @property
    def heading(self) -> str:
        """Return the score's heading in a table: `val_accuracy`, or `best val_accuracy` over the epochs."""
        return f"best {self.metric}" if self.at == "best" else self.metric

    @property
    def title(self) -> str:
        """Return the score in words, for the axis of a figure."""
        words = _WORDS.get(self.metric, self.metric.replace("_", " "))
        return f"best {words}" if self.at == "best" else words

    @property
    def is_share(self) -> bool:
        """Whether the score is a fraction of images, best read as a percentage."""
        return self.metric.endswith("accuracy")


def objective(job: JobRow) -> Objective:
    """Return what ranks the trials of a job."""
    written = job.spec.get("objective") or {}
    metric = str(written.get("metric") or "val_accuracy")
    mode = written.get("mode") or ("min" if metric.endswith("loss") else "max")
    restored = bool((job.spec.get("fixed") or {}).get("restore_best"))
    return Objective(metric, str(written.get("at") or "last"), str(mode), restored)


def has_groups(job: JobRow) -> bool:
    """Whether each point of a job is trained more than once: its trials are then read as groups (see `groups`)."""
    return int(job.spec.get("repeats") or 1) > 1 or bool(job.spec.get("folds"))


def repeated_seeds(job: JobRow) -> tuple[str, ...]:
    """Return the settings in which the repeats of a point differ; a seed that is an axis tells points apart."""
    named = {axis.name for axis in axes(job)}
    seeds = REPEATED_SEEDS[str(job.spec.get("repeat_over") or "weights")]
    return tuple(seed for seed in seeds if seed not in named)


def search_text(job: JobRow) -> str:
    """Return how many points were drawn of how many, in words; nothing for a grid."""
    found = job.spec.get("search")
    return drawn_text(found["drawn"], found["size"]) if found else ""


def axes(job: JobRow) -> tuple[Axis, ...]:
    """Return the axes of a job, in the order of its file."""
    return tuple(_axis(written) for written in job.spec.get("axes", ()))


def models_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the models of a job, by its `JobRow.spec`."""
    found = spec.get("model") or ()
    return (found,) if isinstance(found, str) else tuple(map(str, found))


def defaults(job: JobRow, model: str) -> dict[str, Any]:
    """Return the defaults of a model's settings, which the identity of a trial, and so its `config`, leaves out."""
    known = job.spec.get("defaults") or {}
    return dict(known.get(model) or {}) if len(models_of(job.spec)) > 1 else dict(known)


def settings_of(job: JobRow, config: str) -> dict[str, Any]:
    """Return the settings of a trial of a job, those at their defaults too; where models differ, `model` among them."""
    settings = flatten(config, with_model=True)
    model = str(settings["model"])
    if len(models_of(job.spec)) < 2:
        del settings["model"]
    return defaults(job, model) | settings


def axis_title(name: str) -> str:
    """Return the title of an axis of a figure: the name in words, with its unit where it has one."""
    words = name.replace("_", " ")
    return f"{words} ({UNITS[name]})" if name in UNITS else words


def _axis(written: Any) -> Axis:
    return Axis(written["name"], tuple(written["values"]), written.get("scale") or "category")
