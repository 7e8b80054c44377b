"""Metrics by name: which our own training measures, what is better, how a person calls them, how a record has them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, Protocol

#: What our own training loop measures in every epoch, in the order every table shows it.
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
#: The ones that become infinite or NaN when a training diverges.
LOSSES = tuple(name for name in METRICS if name.endswith("loss"))
#: The metrics of a record that has none but the standard ones; a plain map, so that records can be pickled.
NO_METRICS: Mapping[str, float | None] = {}
#: What ranks trials unless a job says otherwise.
DEFAULT_METRIC: Literal["val_accuracy"] = "val_accuracy"

#: Of which images a metric is, by the beginning of its name.
_PARTS = {"train": "training", "val": "validation"}
#: What a name is made of; it is a column of tables, a word of expressions, and a keyword in Python.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
#: What an epoch or a trial has besides metrics, and so no metric may be called.
_TAKEN = frozenset(
    {"epoch", "epochs", "seconds", "learning_rate", "trial", "lineage", "attempt", "state", "score", "save"}
)
_FALLING = frozenset({"error", "err", "rmse", "mse", "mae", "mape", "nll", "perplexity", "ppl"})
_RISING = frozenset(
    {
        "accuracy",
        "acc",
        "f1",
        "auroc",
        "auc",
        "precision",
        "recall",
        "sensitivity",
        "specificity",
        "r2",
        "iou",
        "dice",
        "match",
    }
)
_SHARES = frozenset({"accuracy", "acc"})


class Measured(Protocol):
    """A record of an epoch or a trial: the standard metrics as attributes, all others by name in `more`."""

    @property
    def more(self) -> Mapping[str, float | None]:
        """Return the metrics that are none of `METRICS`."""


def metric_of(record: Measured, name: str) -> float | None:
    """Return a metric of a record; None where it has none of that name, or it was not finite."""
    value: float | None = record.more.get(name)
    return getattr(record, name, None) if value is None and name in METRICS else value


def names_in(records: Iterable[Measured], *, own: bool = False) -> tuple[str, ...]:
    """Return the metrics that any of these records has, those of our own loop first, which all have without others.

    Of a training of the user's `own` nobody knows what it measures before it reports.
    """
    found = list(records)
    named = {name for record in found if record.more for name in record.more}
    measured = {name for name in METRICS if any(getattr(record, name, None) is not None for record in found)}
    standard = [name for name in METRICS if not (named or own) or measured or name in named]
    return (*without_idle(standard, measured), *sorted(named.difference(METRICS)))


def without_idle(names: Iterable[str], measured: Collection[str]) -> tuple[str, ...]:
    """Return metrics without the accuracies where others are `measured` and no accuracy is: there are no classes."""
    idle = measured and not any(is_share(name) for name in measured)
    return tuple(name for name in names if not (idle and name in METRICS and is_share(name)))


def finite_or_none(value: float) -> float | None:
    """Return a number as a store keeps it: None where it is infinite or NaN."""
    return value if math.isfinite(value) else None


def why_no_name(name: object) -> str:
    """Return why nothing can be called so that is to be a metric; nothing where it can."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"{name!r} is no name of a metric: a letter, then at most 62 letters, digits and _"
    return f"{name!r} is the name of something else that every epoch has" if name in _TAKEN else ""


def better_direction(metric: str) -> Literal["max", "min"] | None:
    """Return whether the highest or the lowest value of a metric is the best; None where its name does not tell.

    Losses (see `is_loss`), errors and perplexity are best low, shares of what is right and R2 high.
    """
    words = set(metric.lower().split("_"))
    falling = is_loss(metric) or bool(words & _FALLING)
    rising = bool(words & _RISING) or any(re.fullmatch(r"top\d+", word) for word in words)
    return None if falling == rising else "min" if falling else "max"


def is_loss(metric: str) -> bool:
    """Whether a training has diverged where this metric is not finite: a word of its name ends in loss."""
    return any(re.fullmatch(r"[a-z]*loss(es)?\d*", word) for word in metric.lower().split("_"))


def is_share(metric: str) -> bool:
    """Whether a metric is a fraction of images, best read as a percentage."""
    return bool(set(metric.lower().split("_")) & _SHARES)


def is_proportion(metric: str) -> bool:
    """Whether a metric of our own loop counts images: so many of them are right, so that chance has a known error.

    A mean over classes, such as `balanced_accuracy`, is none.
    """
    return bool(re.fullmatch(r"(train_|val_)?(accuracy|top\d+)", metric))


def of_training(metric: str) -> bool:
    """Whether a metric is measured on the training images; all others are of the validation images."""
    return metric.startswith("train_")


def metric_words(metric: str) -> str:
    """Return a metric as a person calls it.

    >>> metric_words("val_accuracy"), metric_words("val_f1_macro"), metric_words("perplexity")
    ('validation accuracy', 'validation f1 macro', 'perplexity')
    """
    part, _, name = metric.partition("_")
    return f"{_PARTS[part]} {name.replace('_', ' ')}" if part in _PARTS and name else metric.replace("_", " ")
