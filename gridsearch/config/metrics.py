"""The metrics of an epoch: the one place that knows their names, what is better, and how a person calls them."""

from __future__ import annotations

from typing import Literal

#: The metrics of one epoch, in the order every table shows them.
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
#: The ones that become infinite or NaN when a training diverges.
LOSSES = tuple(name for name in METRICS if name.endswith("loss"))
#: What ranks trials unless a job says otherwise.
DEFAULT_METRIC: Literal["val_accuracy"] = "val_accuracy"

_WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}


def better_direction(metric: str) -> Literal["max", "min"]:
    """Return whether the highest or the lowest value of a metric is the best, by its name."""
    return "min" if metric.endswith("loss") else "max"


def is_share(metric: str) -> bool:
    """Whether a metric is a fraction of images, best read as a percentage."""
    return metric.endswith("accuracy")


def of_training(metric: str) -> bool:
    """Whether a metric is measured on the training images; all others are of the validation images."""
    return metric.startswith("train_")


def metric_words(metric: str) -> str:
    """Return a metric as a person calls it: `validation accuracy`."""
    return _WORDS.get(metric, metric.replace("_", " "))
