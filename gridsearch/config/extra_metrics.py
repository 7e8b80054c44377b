"""The metrics that a job may ask for beside losses and accuracies: their names, and how many classes they need."""

from __future__ import annotations

import re

from gridsearch.errors import closest

BALANCED, AUROC = "balanced_accuracy", "auroc"
#: Metrics by name; `top2`, `top3`, ... are the shares of images whose class is among so many with the highest logits.
NAMES = (
    "top5",
    "f1_macro",
    "f1_weighted",
    "precision_macro",
    "precision_weighted",
    "recall_macro",
    "recall_weighted",
    BALANCED,
    AUROC,
)
_TOP = re.compile(r"top([1-9][0-9]{0,5})")


def top_of(name: str) -> int:
    """Return the k of a metric `topk`; 0 for any other."""
    found = _TOP.fullmatch(name)
    return int(found[1]) if found else 0


def checked_name(name: str) -> str:
    """Return the name of a metric; `ValueError` with what may have been meant where there is none."""
    if name in NAMES or top_of(name) > 1:
        return name
    plain = name.removeprefix("val_")
    if plain in NAMES or top_of(plain) > 1:
        raise ValueError(f"there is no metric {name!r}: write {plain}, which is recorded as {column_of(plain)}")
    if plain in ("accuracy", "loss"):
        raise ValueError(f"{plain} is always measured: leave it out")
    if meant := next((one for one in NAMES if one.startswith(f"{name}_")), "") or closest(name, NAMES):
        raise ValueError(f"there is no metric {name!r}; did you mean {meant!r}?")
    raise ValueError(f"there is no metric {name!r}; there are {', '.join(NAMES)}, and top2, top3, ...")


def column_of(name: str) -> str:
    """Return what a metric is called in an epoch: it is of the validation images."""
    return f"val_{name}"


def too_few_classes(name: str, classes: int) -> str:
    """Return why a metric says nothing of so many classes; nothing where it does."""
    if top_of(name) >= classes:
        return f"{name} of {classes} classes is always 1"
    return ""
