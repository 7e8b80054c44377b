"""What trained models did with the test images, class by class, and how fast they answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gridsearch.store.rows import Evaluation, EvaluationRow, Latency


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well a class is recognised: precision, recall and F1 in [0, 1], and how many test images it has."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """A trial on the test images: `classes` one by one, and `mean`, which counts every class alike.

    `confusion` counts images, a row for each true class; `shares` are its rows divided by their sums.
    """

    trial: str
    epoch: int
    images: int
    accuracy: float
    loss: float | None
    class_names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    classes: tuple[ClassScore, ...]
    mean: ClassScore


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model answers: `seconds` for all `images` in batches of a size, and what follows from that."""

    trial: str
    device: str
    batch_size: int
    images: int
    seconds: float
    ms_per_image: float
    images_per_second: float


def scores(evaluation: Evaluation | EvaluationRow) -> Scores:
    """Return an evaluation with what follows from its confusion matrix; a class that is never predicted scores 0."""
    # It takes a second to import.
    from sklearn.metrics import precision_recall_fscore_support

    counts = np.array(evaluation.confusion)
    true, predicted = np.indices(counts.shape)
    precision, recall, f1, support = precision_recall_fscore_support(
        true.ravel(), predicted.ravel(), sample_weight=counts.ravel(), labels=range(len(counts)), zero_division=0.0
    )
    classes = tuple(
        ClassScore(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(evaluation.class_names, precision, recall, f1, support, strict=True)
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return Scores(
        trial=evaluation.trial_id,
        epoch=evaluation.epoch,
        images=evaluation.images,
        accuracy=evaluation.accuracy,
        loss=evaluation.loss,
        class_names=evaluation.class_names,
        confusion=evaluation.confusion,
        shares=tuple(map(tuple, shares.tolist())),
        classes=classes,
        mean=ClassScore("mean", _mean(precision), _mean(recall), _mean(f1), evaluation.images),
    )


def speeds(measured: Iterable[Latency]) -> tuple[Speed, ...]:
    """Return latencies with what follows from them."""
    return tuple(
        Speed(
            one.trial_id,
            one.device,
            one.batch_size,
            one.images,
            one.seconds,
            ms_per_image=1000 * one.seconds / one.images,
            images_per_second=one.images / one.seconds,
        )
        for one in measured
    )


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))
