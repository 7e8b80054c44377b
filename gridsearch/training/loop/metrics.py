"""Metrics of the validation images that a job asks for beside loss and accuracy, by torchmetrics.

A pack's models are measured at once: torchmetrics takes them for samples with an image in each place. See
https://lightning.ai/docs/torchmetrics/stable/
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from gridsearch.config.extra_metrics import AUROC, BALANCED, top_of


def prepare_for(names: Sequence[str]) -> None:
    """Import what measures these metrics: it takes seconds, which are no epoch's."""
    if names:
        import torchmetrics.functional.classification  # noqa: F401


def extra_metrics(names: Sequence[str], logits: Tensor, labels: Tensor) -> list[dict[str, float]]:
    """Measure models.

    Args:
        names: What to measure (see `config/extra_metrics.py`).
        logits: The models' logits (M, n, K).
        labels: The images' classes (n,).

    Returns:
        For each model its metrics by name; NaN where one is not defined.
    """
    columns = {name: _measured(name, logits, labels) for name in names}
    return [{name: values[row] for name, values in columns.items()} for row in range(len(logits))]


def _measured(name: str, logits: Tensor, labels: Tensor) -> list[float]:
    from torchmetrics.functional import classification

    classes = logits.shape[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that no image has, a metric says what it does in its own way
        if name == AUROC:
            # Of a model at a time: its curve goes through the sorted scores of all images.
            shares = logits.softmax(2)
            return [float(classification.multiclass_auroc(own, labels, classes, validate_args=False)) for own in shares]
        how: dict[str, Any] = {"num_classes": classes, "multidim_average": "samplewise", "validate_args": False}
        given, wanted = logits.transpose(1, 2), labels.expand(len(logits), -1)
        if k := top_of(name):
            found = classification.multiclass_accuracy(given, wanted, average="micro", top_k=k, **how)
        elif name == BALANCED:
            found = classification.multiclass_recall(given, wanted, average="macro", **how)
        else:
            kind, average = name.rsplit("_", 1)
            of_kind: dict[str, Any] = {
                "f1": classification.multiclass_f1_score,
                "precision": classification.multiclass_precision,
                "recall": classification.multiclass_recall,
            }
            found = of_kind[kind](given, wanted, average=average, **how)
    return [float(value) for value in found]
