"""What the command evaluate says of a point that was trained several times: each of its trials, and their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridsearch.analysis.labels import Spread, label
from gridsearch.analysis.over_trainings import mean_over, over_text
from gridsearch.cli.render.evaluated_numbers import (
    MISSING,
    head_lines,
    head_room,
    in_words,
    measured,
    number_text,
    of_validation,
    tested_measures,
    validation_measures,
    without_empty,
)
from gridsearch.cli.render.tables import Grid
from gridsearch.cli.render.wording import id_within, short_id
from gridsearch.quantities import counted

if TYPE_CHECKING:
    from gridsearch.engine.trained.evaluation import Found
    from gridsearch.store.rows import JobRow


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
        return [measured(one, measure) for one in self.found]

    @property
    def measures(self) -> tuple[str, ...]:
        """Return what is shown of each trial: of the validation images, then of the test images."""
        return (*validation_measures(self.found), *tested_measures(self.found))

    def mean(self, measure: str) -> tuple[float, Spread] | None:
        """Return the mean over the trials with its spread; None where there is nothing to take it of."""
        return mean_over(self.values(measure), self.of)

    def mean_text(self, measure: str) -> str:
        """Return the same in words: `0.9811 ± 0.0012 (n=5)`."""
        return over_text(self.values(measure), self.of) or MISSING

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
    said: list[tuple[str, str]] = []
    if first.evaluation:
        images = f"{first.evaluation.images:,}"
        said += [] if first.has_classes else [("test examples", f"{images} each")]
        for name in tested_measures(point.found):
            of = f" of {images} images each" if name == "test_accuracy" else ""
            said.append((in_words(name), f"{point.mean_text(name)}{of}"))
    told = [(name, point.mean_text(name)) for name in validation_measures(point.found)]
    said.append(("validation", of_validation(told)))
    begin = f"{counted(point.of, 'trial')}, the first "
    room = width and width - head_room(name for name, _ in said) - len(begin)
    return head_lines([("point", f"{begin}{id_within(first.row.trial_id, room)}"), *said])


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
            numbers = [number_text(measured(one, measure)) for measure in measures]
            rows.append([named(one.row.trial_id), *own, *point.named(number), *numbers])
        means = [point.mean(measure) for measure in measures]
        blank = ["" for _ in point.names]
        rows.append(["mean", *own, *blank, *(number_text(mean[0] if mean else None) for mean in means)])
        rows.append(
            ["std" if whole else "±", *own, *blank, *(number_text(mean[1].std if mean else None) for mean in means)]
        )
    headings = ["trial", *axes, *points[0].names, *measures]
    return without_empty(Grid(headings, [False, *(True for _ in headings[1:])], rows, keys=1))


def point_json(point: EvaluatedPoint, each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a point as JSON values, given those of each of its trials."""
    means = {measure: point.mean(measure) for measure in point.measures}
    told: dict[str, Any] = {"point": point.found[0].row.trial_id, "of": point.of}
    for measure, mean in means.items():
        told[measure] = {"mean": mean[0], "std": mean[1].std, "n": mean[1].n} if mean else None
    named = [dict(zip(point.names, point.named(place), strict=True)) for place in range(len(each))]
    return told | {"trials": [names | one for names, one in zip(named, each, strict=True)]}
