"""What trained models did with the test images, class by class, and how fast they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gridsearch.analysis.intervals import share_interval
from gridsearch.quantities import counted
from gridsearch.store.rows import Evaluation, EvaluationRow, Latency

#: Of more classes a matrix, or a line for each, shows nobody anything: then so many of the worst are shown.
MOST_SHOWN, WORST = 50, 20


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well a class is recognised, as `sklearn.metrics.precision_recall_fscore_support`.

    Attributes:
        name: The class.
        precision: In [0, 1]; None for a class without test images that was not predicted either.
        recall: In [0, 1]; None for a class without test images.
        f1: In [0, 1]; None for a class without test images.
        support: How many test images it has.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """So many images of the class `true` that were taken for `predicted`, and their share of that class."""

    true: str
    predicted: str
    images: int
    share: float


@dataclass(frozen=True, slots=True)
class Scores:
    """A trial's results on the test images.

    Attributes:
        trial: The trial's id.
        epoch: The epoch whose weights were evaluated.
        images: How many test images there are.
        accuracy: In [0, 1]; None where there are no classes, and so no confusion.
        loss: The mean loss, of classes the cross-entropy; None if it is not finite.
        class_names: The names of the K classes.
        confusion: The number of images by true class (row) and predicted class (column).
        classes: The results of each class.
        mean: Their unweighted mean over the classes that have test images.
        absent: How many classes have no test images.
        metrics: Others by name, `test_rmse`; None where one is not finite.
    """

    trial: str
    epoch: int
    images: int
    accuracy: float | None
    loss: float | None
    class_names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScore, ...]
    mean: ClassScore
    absent: int
    metrics: Mapping[str, float | None] = field(default_factory=dict, hash=False)

    def measured(self, measure: str) -> float | None:
        """Return a number by its name: `test_accuracy`, `test_loss`, or that of another metric; None without one."""
        own = {"test_accuracy": self.accuracy, "test_loss": self.loss}
        return own[measure] if measure in own else self.metrics.get(measure)

    @property
    def _counts(self) -> npt.NDArray[np.int64]:
        """The matrix; without classes one of no rows and no columns."""
        return np.array(self.confusion, np.int64).reshape(len(self.confusion), len(self.confusion))

    @property
    def shares(self) -> tuple[tuple[float, ...], ...]:
        """The rows of the matrix divided by their sums; zeros for a class without test images."""
        counts = self._counts
        return tuple(map(tuple, (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).tolist()))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the accuracy (Wilson), for other images of the kind; None without classes."""
        return None if self.accuracy is None else share_interval(self.accuracy, self.images)

    @property
    def many(self) -> bool:
        """Whether there are too many classes to show them all."""
        return len(self.class_names) > MOST_SHOWN

    @property
    def cells(self) -> list[tuple[int, int, int]]:
        """What of the matrix is not zero: true class, predicted class, images."""
        counts = self._counts
        true, predicted = np.nonzero(counts)
        return list(zip(true.tolist(), predicted.tolist(), counts[true, predicted].tolist(), strict=True))

    @property
    def mistakes(self) -> list[Mistake]:
        """All confusions of two classes, the most frequent first, of equals the one with the larger share."""
        names, support = self.class_names, [one.support for one in self.classes]
        found = [(i, j, count, count / support[i]) for i, j, count in self.cells if i != j]
        found.sort(key=lambda one: (-one[2], -one[3], one[0], one[1]))
        return [Mistake(names[i], names[j], count, share) for i, j, count, share in found]

    @property
    def worst(self) -> list[ClassScore]:
        """The classes with test images, that of the lowest F1 first, of equals the one with more images."""
        return sorted((one for one in self.classes if one.f1 is not None), key=lambda one: (one.f1, -one.support))


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
    """Return an evaluation with what follows from its confusion matrix.

    A class that has test images and is never predicted has a precision of 0.
    """
    if not evaluation.confusion:
        mean = ClassScore("mean", None, None, None, evaluation.images)
        named = evaluation.class_names
        own = (evaluation.trial_id, evaluation.epoch, evaluation.images, None, evaluation.loss)
        return Scores(*own, named, (), (), mean, 0, evaluation.metrics)
    # It takes a second to import.
    from sklearn.metrics import precision_recall_fscore_support

    counts = np.array(evaluation.confusion, np.int64)
    # Of thousands of classes there are millions of cells, nearly all of them empty.
    true, predicted = np.nonzero(counts)
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, sample_weight=counts[true, predicted], labels=range(len(counts)), zero_division=0.0
    )
    present, taken = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
    images = int(counts.sum())
    classes = tuple(
        ClassScore(
            name,
            float(p) if there or guessed else None,
            float(r) if there else None,
            float(f) if there else None,
            int(n),
        )
        for name, p, r, f, n, there, guessed in zip(
            evaluation.class_names, precision, recall, f1, support, present, taken, strict=True
        )
    )
    mean_precision, mean_recall, mean_f1 = (float(np.mean(values[present])) for values in (precision, recall, f1))
    return Scores(
        trial=evaluation.trial_id,
        epoch=evaluation.epoch,
        images=images,
        accuracy=int(np.trace(counts)) / images,
        loss=evaluation.loss,
        class_names=evaluation.class_names,
        confusion=evaluation.confusion,
        classes=classes,
        mean=ClassScore("mean", mean_precision, mean_recall, mean_f1, images),
        absent=int((~present).sum()),
        metrics=evaluation.metrics,
    )


def pooled(found: Sequence[EvaluationRow]) -> EvaluationRow:
    """Return the evaluations of several trainings of one point as one: each image counts once for each of them.

    Only counts can be added up: loss and metrics are left out.
    """
    together = replace(found[0], loss=None, metrics={}, correct=b"")
    if not found[0].confusion:
        return replace(together, examples=sum(one.examples for one in found))
    counts = sum(np.array(one.confusion, np.int64) for one in found)
    return replace(together, confusion=tuple(map(tuple, np.asarray(counts).tolist())))


def absent_text(found: Scores) -> str:
    """Say over which classes the means are, where that is not all; nothing else."""
    if not found.absent:
        return ""
    have = counted(found.absent, "class has", "classes have")
    return f"{have} no test images: their recall and F1 are undefined, and the mean is over the other classes"


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
