"""Which classes a model takes for which, and how well it knows each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fares: `recall` of its images found, `precision` of what was taken for it right, both in [0, 1].

    A share of nothing is None: a class without images has no recall, one never named no precision.
    """

    name: str
    images: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many images of the class in row i were taken for the class in column j: `counts[i][j]`, K by K."""

    class_names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def images(self) -> int:
        """Return how many images were classified."""
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float | None:
        """Return the share of images classified rightly, None of none."""
        return _share(sum(self.counts[place][place] for place in range(len(self.counts))), self.images)

    @property
    def shares(self) -> tuple[tuple[float | None, ...], ...]:
        """Return each row divided by its sum: where the images of a class went; None for a class without images."""
        return tuple(tuple(_share(count, sum(row)) for count in row) for row in self.counts)

    @property
    def classes(self) -> tuple[ClassScore, ...]:
        """Return how each class fares, in the order of the classes."""
        taken = [sum(column) for column in zip(*self.counts, strict=True)]
        return tuple(
            ClassScore(
                name=name,
                images=sum(row),
                precision=_share(row[place], taken[place]),
                recall=_share(row[place], sum(row)),
                f1=_share(2 * row[place], sum(row) + taken[place]),
            )
            for place, (name, row) in enumerate(zip(self.class_names, self.counts, strict=True))
        )

    def frame(self) -> pd.DataFrame:
        """Return the counts as a DataFrame, the true classes as its index."""
        return pd.DataFrame(self.counts, index=list(self.class_names), columns=list(self.class_names), dtype="int64")

    def class_frame(self) -> pd.DataFrame:
        """Return one row per class: `images`, `precision`, `recall`, `f1`; shares of nothing as NaN."""
        rows = [(one.images, one.precision, one.recall, one.f1) for one in self.classes]
        columns = ["images", "precision", "recall", "f1"]
        frame = pd.DataFrame(rows, index=list(self.class_names), columns=columns)
        return frame.astype({name: "float64" for name in columns[1:]})


def confusion(counts: npt.ArrayLike, class_names: Sequence[str] = ()) -> Confusion:
    """Return the record of K x K counts, row the true class, column the predicted; ValueError for another shape.

    Classes without a name are called by their number.
    """
    whole = np.asarray(counts)
    if whole.ndim != 2 or whole.shape[0] != whole.shape[1] or not np.issubdtype(whole.dtype, np.integer):
        raise ValueError(f"counts are whole numbers (K, K), not {whole.dtype} of shape {whole.shape}")
    names = tuple(class_names) or tuple(map(str, range(len(whole))))
    if len(names) != len(whole):
        raise ValueError(f"{len(names)} names for {len(whole)} classes")
    return Confusion(names, tuple(tuple(row) for row in whole.tolist()))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
