"""What the command evaluate says of a point that was trained several times: each of its trials, and their mean."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridsearch.analysis.labels import Spread, brief_text, label, mean_text
from gridsearch.cli.render.tables import Grid
from gridsearch.cli.render.wording import id_within, short_id
from gridsearch.quantities import counted

if TYPE_CHECKING:
    from gridsearch.engine.trained.evaluation import Found
    from gridsearch.store.rows import EvaluationRow, JobRow

#: What is shown of each trial, and of all; the second without classes.
_MEASURES, _WITHOUT_CLASSES = ("val_accuracy", "test_accuracy", "test_loss"), ("val_loss", "test_loss")


@dataclass(frozen=True)
class EvaluatedPoint:
    """The trials of a point that have a model, with what was found of them; `of` counts all of its trials.

    `names` are the settings in which its trials differ: seeds, and the fold.
    """

    found: Sequence[Found]
    of: int
    names: Sequence[str]

    def values(self, measure: str) -> list[float | None]:
        """Return what was measured of each trial; None where nothing was."""
        return [_measured(one, measure) for one in self.found]

    @property
    def measures(self) -> tuple[str, ...]:
        """Return what is shown of each trial: accuracies where there are classes."""
        return _MEASURES if any(one.has_classes for one in self.found) else _WITHOUT_CLASSES

    def mean(self, measure: str) -> tuple[float, Spread] | None:
        """Return the mean over the trials with its spread; None where there is nothing to take it of."""
        values = [value for value in self.values(measure) if value is not None and math.isfinite(value)]
        if not values:
            return None
        std = statistics.stdev(values) if len(values) > 1 else None
        return statistics.fmean(values), Spread(std, len(values), self.of, 0)

    def mean_text(self, measure: str) -> str:
        """Return the same in words: `0.9811 ± 0.0012 (n=5)`."""
        mean = self.mean(measure)
        return mean_text(*mean) if mean else "-"

    def named(self, place: int) -> list[str]:
        """Return the seeds and the fold of a trial, as text."""
        from gridsearch.config.identity import flatten

        settings = flatten(self.found[place].row.config)
        return [label(settings.get(name, 0)) for name in self.names]


def point_names(job: JobRow) -> list[str]:
    """Return the settings in which the trials of one point of a job differ."""
    return list(job.record.differing)


def point_head(point: EvaluatedPoint, width: int | None) -> list[str]:
    """Return the lines above the tables, for a terminal of so many columns."""
    first = point.found[0]
    named = f"point          {counted(point.of, 'trial')}, the first "
    lines = [f"{named}{id_within(first.row.trial_id, width and width - len(named))}"]
    if first.evaluation:
        lines += [
            f"test accuracy  {point.mean_text('test_accuracy')} of {first.evaluation.images:,} images each"
            if first.has_classes
            else f"test examples  {first.evaluation.images:,} each",
            f"test loss      {point.mean_text('test_loss')}",
            *metric_lines({name: point.mean_text(name) for name in first.evaluation.metrics}),
        ]
    if not first.has_classes:
        return [*lines, f"validation     loss {point.mean_text('val_loss')}"]
    return [*lines, f"validation     accuracy {point.mean_text('val_accuracy')}"]


def metric_lines(texts: Mapping[str, str]) -> list[str]:
    """Return a line for each metric of the test images by its name, their numbers below each other."""
    named = {name.replace("_", " ", 1): text for name, text in texts.items()}
    room = max(14, *map(len, named)) if named else 0
    return [f"{name:<{room}} {text}" for name, text in named.items()]


def points_grid(points: Sequence[EvaluatedPoint], axes: Mapping[str, Sequence[str]], *, whole: bool = False) -> Grid:
    """Return a line for each trial of each point, and two for each point's mean and its spread.

    `axes` are the settings in which the points differ, with a value for each. `whole` is for programs: ids are whole.
    """
    rows: list[list[str]] = []
    measures = points[0].measures
    named = str if whole else short_id
    for place, point in enumerate(points):
        own = [texts[place] for texts in axes.values()]
        for number, one in enumerate(point.found):
            measured = [_number(_measured(one, measure)) for measure in measures]
            rows.append([named(one.row.trial_id), *own, *point.named(number), *measured])
        means = [point.mean(measure) for measure in measures]
        blank = ["" for _ in point.names]
        rows.append(["mean", *own, *blank, *(_number(mean[0] if mean else None) for mean in means)])
        rows.append(
            ["std" if whole else "±", *own, *blank, *(_number(mean[1].std if mean else None) for mean in means)]
        )
    headings = ["trial", *axes, *points[0].names, *measures]
    return Grid(headings, [False, *(True for _ in headings[1:])], rows, keys=1)


def pooled(found: Sequence[EvaluationRow]) -> EvaluationRow:
    """Return the evaluations of a point's trials as one: their images counted together."""
    from dataclasses import replace

    import numpy as np

    if not found[0].confusion:
        return replace(found[0], examples=sum(one.examples for one in found))
    counts = sum(np.array(one.confusion, np.int64) for one in found)
    return replace(found[0], confusion=tuple(map(tuple, np.asarray(counts).tolist())), correct=b"")


def point_json(point: EvaluatedPoint, each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a point as JSON values, given those of each of its trials."""
    means = {measure: point.mean(measure) for measure in point.measures}
    told: dict[str, Any] = {"point": point.found[0].row.trial_id, "of": point.of}
    for measure, mean in means.items():
        told[measure] = {"mean": mean[0], "std": mean[1].std, "n": mean[1].n} if mean else None
    named = [dict(zip(point.names, point.named(place), strict=True)) for place in range(len(each))]
    return told | {"trials": [names | one for names, one in zip(named, each, strict=True)]}


def _measured(one: Found, measure: str) -> float | None:
    if measure == "val_accuracy":
        return one.val_accuracy
    if measure == "val_loss":
        return one.val_loss
    if one.evaluation is None:
        return None
    if measure in one.evaluation.metrics:
        return one.evaluation.metrics[measure]
    return one.evaluation.accuracy if measure == "test_accuracy" else one.evaluation.loss


def _number(value: float | None) -> str:
    return "-" if value is None else brief_text(value)
