"""What the command evaluate knows of a trial by name: of the validation images, and of the test images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gridsearch.analysis.labels import brief_text
from gridsearch.cli.render.tables import Format, Grid

if TYPE_CHECKING:
    from gridsearch.engine.trained.evaluation import Found

#: What stands where there is no number.
MISSING = "-"
#: A number as people read it.
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")
#: The longest name that every head has, and what lies between names and what is said.
_LONGEST, _GAP = len("test accuracy"), 2


def number_text(value: float | None) -> str:
    """Return a number for a table."""
    return MISSING if value is None else brief_text(value)


def validation_measures(found: Sequence[Found]) -> tuple[str, ...]:
    """Return what is told of the validation images: the objective, and the accuracy or, without classes, the loss."""
    standard = "val_accuracy" if any(one.has_classes for one in found) else "val_loss"
    own = (one.objective for one in found[:1] if one.objective.startswith("val_"))
    return tuple(dict.fromkeys((*own, standard)))


def tested_measures(found: Sequence[Found]) -> tuple[str, ...]:
    """Return what is told of the test images: the accuracy where there are classes, the loss, and all other metrics."""
    accuracy = ("test_accuracy",) if any(one.has_classes for one in found) else ()
    more = (name for one in found if one.evaluation for name in one.evaluation.metrics)
    return (*accuracy, "test_loss", *dict.fromkeys(more))


def measured(one: Found, measure: str) -> float | None:
    """Return a number of a trial by its name; None where nothing was measured."""
    if measure == one.objective:
        return one.val_objective
    if measure in ("val_accuracy", "val_loss"):
        return one.val_accuracy if measure == "val_accuracy" else one.val_loss
    if one.evaluation is None:
        return None
    if measure in one.evaluation.metrics:
        return one.evaluation.metrics[measure]
    return one.evaluation.accuracy if measure == "test_accuracy" else one.evaluation.loss


def in_words(measure: str) -> str:
    """Return the name of a measure of the test images for a head: `test f1_macro`."""
    return measure.replace("_", " ", 1)


def of_validation(measures: Iterable[tuple[str, str]]) -> str:
    """Return measures of the validation images, each with its number: `f1_macro 0.9020, loss 0.2205`."""
    return ", ".join(f"{name.removeprefix('val_')} {text}" for name, text in measures)


def head_room(names: Iterable[str]) -> int:
    """Return how many columns the names of a head take, with what lies between them and what is said."""
    return max(_LONGEST, *map(len, names)) + _GAP


def head_lines(said: Sequence[tuple[str, str]]) -> list[str]:
    """Return names and what is said of each as lines, one below the other."""
    room = head_room(name for name, _ in said)
    return [f"{name:<{room}}{text}" for name, text in said]


def without_empty(grid: Grid) -> Grid:
    """Return a table without the columns that have nothing in any row; those that name the rows stay."""
    kept = [
        place
        for place in range(len(grid.headings))
        if place < grid.keys or any(row[place] not in ("", MISSING) for row in grid.rows)
    ]
    return replace(
        grid,
        headings=[grid.headings[place] for place in kept],
        numeric=[grid.numeric[place] for place in kept],
        rows=[[row[place] for place in kept] for row in grid.rows],
    )


def as_written(grid: Grid, format_: Format) -> Grid:
    """Return a table as a format has it: for programs what is missing is an empty cell, and numbers have no commas."""
    if format_ is not Format.CSV:
        return grid
    rows = [
        [_plain(cell) if numeric else cell for cell, numeric in zip(row, grid.numeric, strict=True)]
        for row in grid.rows
    ]
    return replace(grid, rows=rows)


def _plain(number: str) -> str:
    if number == MISSING:
        return ""
    return number.replace(",", "") if _THOUSANDS.fullmatch(number) else number
