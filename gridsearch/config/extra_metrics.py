"""The metrics that a job may ask for beside losses and accuracies: their names, what they are for, their columns."""

from __future__ import annotations

import re

from gridsearch.config.habits import module_path
from gridsearch.config.metrics import METRICS, why_no_name
from gridsearch.config.tasks import Task
from gridsearch.errors import closest

BALANCED, AUROC, EXACT = "balanced_accuracy", "auroc", "exact_match"
_AVERAGED = ("f1_macro", "f1_weighted", "precision_macro", "precision_weighted", "recall_macro", "recall_weighted")
#: Metrics by name; `top2`, `top3`, ... are the shares of images whose class is among so many with the highest logits.
NAMES = ("top5", *_AVERAGED, BALANCED, AUROC)
#: The metrics of each task.
OF_TASK: dict[Task, tuple[str, ...]] = {
    "classification": NAMES,
    "multilabel": ("f1_micro", *_AVERAGED, AUROC, EXACT),
    "regression": ("mse", "rmse", "mae", "r2"),
}
_ALL = tuple(dict.fromkeys(name for names in OF_TASK.values() for name in names))
_TOP = re.compile(r"top([1-9][0-9]{0,5})")
_OWN = re.compile(r"[^\W\d]\w*(\.\w+)*:[^\W\d]\w*")


def top_of(name: str) -> int:
    """Return the k of a metric `topk`; 0 for any other."""
    found = _TOP.fullmatch(name)
    return int(found[1]) if found else 0


def is_own_metric(name: str) -> bool:
    """Whether a metric is the user's: `package.module:name`."""
    return ":" in name


def is_known(name: str) -> bool:
    """Whether a metric of any task is called so."""
    return name in _ALL or top_of(name) > 1


def checked_name(name: str) -> str:
    """Return the name of a metric; `ValueError` with what may have been meant where there is none."""
    name = module_path(name, "metric")
    if is_known(name):
        return name
    if _OWN.fullmatch(name):
        own = name.rpartition(":")[2]
        if said := why_no_name(f"val_{own}"):
            raise ValueError(said)
        if f"val_{own}" in METRICS:
            raise ValueError(f"{own} is always measured: give your own metric another name")
        return name
    plain = name.removeprefix("val_").removeprefix("train_")
    if is_known(plain):
        written = f"train_metrics: [{plain}]" if name.startswith("train_") else plain
        raise ValueError(f"there is no metric {name!r}: write {written}, which is recorded as {name}")
    if plain in ("accuracy", "loss"):
        raise ValueError(f"{plain} is always measured: leave it out")
    if meant := next((one for one in _ALL if one.startswith(f"{name}_")), "") or closest(name, _ALL):
        raise ValueError(f"there is no metric {name!r}; did you mean {meant!r}?")
    raise ValueError(
        f"there is no metric {name!r}; there are {', '.join(_ALL)}, top2, top3, ... and your own, as my_metrics:name"
    )


def column_of(name: str, part: str = "val") -> str:
    """Return what a metric is called in an epoch: it is of the validation images, or of another part's (`train`)."""
    return f"{part}_{name.rpartition(':')[2]}"


def unsuited(name: str, task: Task) -> str:
    """Return why a metric is not for a task, and what is; nothing where it is, and of a user's own."""
    if is_own_metric(name) or name in OF_TASK[task] or (task == "classification" and top_of(name)):
        return ""
    return f"{name} is not for {task}; there are {', '.join(OF_TASK[task])}, and your own, as my_metrics:name"


def too_few_classes(name: str, classes: int) -> str:
    """Return why a metric says nothing of so many classes; nothing where it does."""
    if top_of(name) >= classes:
        return f"{name} of {classes} classes is always 1"
    return ""
