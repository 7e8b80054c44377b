"""Metrics that a job asks for beside loss and accuracy, by torchmetrics, or the user's own.

A pack's models are measured at once where torchmetrics takes them for samples with an image in each place. See
https://lightning.ai/docs/torchmetrics/stable/
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gridsearch.config.extra_metrics import AUROC, BALANCED, EXACT, column_of, is_own_metric, top_of
from gridsearch.config.tasks import Task, task_of
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import ModelError
from gridsearch.models.own_metric import OwnMetric, find_metric
from gridsearch.models.seeding import random_states_kept


@dataclass(frozen=True)
class Meter:
    """Measures what a trial asks for, of its training and of its validation images; `own` are the user's metrics."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loss: str = ""
    own: Mapping[str, OwnMetric] = field(default_factory=dict)

    def wants(self, part: str) -> bool:
        """Whether there is anything to measure of a part, `train` or `val`."""
        return bool(self.names.get(part))

    def measured(self, part: str, outputs: Sequence[Tensor], labels: Tensor, targets: str) -> list[dict[str, float]]:
        """Return of each model the metrics of a part, as its epochs call them.

        Args:
            part: `train` or `val`.
            outputs: The models' outputs (M, n, K), batch by batch.
            labels: The targets of all batches, (n,) or (n, K).
            targets: What these are (`data/targets.py`).
        """
        found = extra_metrics(
            self.names[part], torch.cat(list(outputs), dim=1), labels, task_of(targets, self.loss), self.own
        )
        return [{column_of(name, part): value for name, value in of_model.items()} for of_model in found]


def meter_of(config: TrialConfig, search: Sequence[Path]) -> Meter:
    """Return what measures the metrics of a configuration.

    Raises:
        ModelError: A metric of the user's is not found, or its source is not what the trial was planned with.
    """
    own = {}
    for name in (*config.metrics, *config.train_metrics):
        if is_own_metric(name):
            own[name] = find_metric(name, search)
            if own[name].code != config.metric_codes.get(name, ""):
                raise ModelError(f"the source of metric {name!r} changed since this trial was planned; launch again")
    return Meter({"val": config.metrics, "train": config.train_metrics}, config.loss, own)


def prepare_for(names: Sequence[str]) -> None:
    """Import what measures these metrics: it takes seconds, which are no epoch's."""
    if any(not is_own_metric(name) for name in names):
        import torchmetrics.functional.classification  # noqa: F401


def extra_metrics(
    names: Sequence[str],
    logits: Tensor,
    labels: Tensor,
    task: Task = "classification",
    own: Mapping[str, OwnMetric] | None = None,
) -> list[dict[str, float]]:
    """Measure models.

    Args:
        names: What to measure (see `config/extra_metrics.py`).
        logits: The models' logits (M, n, K), or what they predict (M, n, D).
        labels: The images' classes (n,), 0 and 1 (n, K), or numbers (n, D).
        task: What the models are for.
        own: The user's metrics.

    Returns:
        For each model its metrics by name; NaN where one is not defined.
    """
    columns: dict[str, list[float]] = {}
    with warnings.catch_warnings(), random_states_kept():
        warnings.simplefilter("ignore")  # of classes that no image has, a metric says what it does in its own way
        for name in names:
            if is_own_metric(name):
                assert own
                columns[name] = [own[name].measure(of_model, labels) for of_model in logits]
            elif task == "classification":
                columns[name] = _of_classes(name, logits, labels)
            else:
                measure = _of_labels if task == "multilabel" else _of_numbers
                columns[name] = [float(measure(name, of_model, labels)) for of_model in logits]
    return [{name: values[row] for name, values in columns.items()} for row in range(len(logits))]


def _of_numbers(name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return a metric of predicted numbers (n, D), in double precision; R2 is the mean over the D."""
    from torchmetrics import functional

    given, wanted = outputs.double(), targets.double()
    if name == "mae":
        return functional.mean_absolute_error(given.flatten(), wanted.flatten())
    if name in ("mse", "rmse"):
        return functional.mean_squared_error(given.flatten(), wanted.flatten(), squared=name == "mse")
    if name != "r2":
        raise ValueError(f"{name} is not of numbers")
    # Of fewer than two examples, or of equal ones, nothing is there to explain.
    if len(wanted) < 2 or not given.isfinite().all():
        return torch.tensor(torch.nan)
    return functional.r2_score(given.squeeze(1), wanted.squeeze(1))


def _of_labels(name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return a metric of several labels, each taken from a share of a half on."""
    from torchmetrics.functional import classification

    # torchmetrics would take logits that all lie between 0 and 1 for shares.
    shares, wanted, labels = outputs.sigmoid(), targets.long(), targets.shape[1]
    if name == AUROC:
        return classification.multilabel_auroc(shares, wanted, labels)
    if name == EXACT:
        return classification.multilabel_exact_match(shares, wanted, labels)
    kind, average = name.rsplit("_", 1)
    of_kind: dict[str, Callable[..., Tensor]] = {
        "f1": classification.multilabel_f1_score,
        "precision": classification.multilabel_precision,
        "recall": classification.multilabel_recall,
    }
    return of_kind[kind](shares, wanted, labels, average=average)


def _of_classes(name: str, logits: Tensor, labels: Tensor) -> list[float]:
    from torchmetrics.functional import classification

    classes = logits.shape[2]
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
