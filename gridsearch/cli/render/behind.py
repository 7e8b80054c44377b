"""What the command evaluate says of trials on the same test images: how far each lies behind the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gridsearch.cli.render.tables import Grid
from gridsearch.cli.render.wording import short_id

if TYPE_CHECKING:
    from gridsearch.analysis.paired import Paired
    from gridsearch.engine.trained.evaluation import Found

_HEADINGS = ("behind", "low", "high", "only_first", "only_this", "p")


def behind_first(found: Sequence[Found]) -> list[Paired | None]:
    """Return each of some trials against the first of them; None for that one, and where nothing is known."""
    from gridsearch.analysis.paired import paired_on_test

    tested = [(one.row.config, one.evaluation) for one in found if one.evaluation]
    return paired_on_test(tested) if len(tested) == len(found) else [None for _ in found]


def behind_grid(found: Sequence[Found], axes: Mapping[str, Sequence[str]]) -> Grid | None:
    """Return a line for each trial that is held against the first; None where none is.

    `axes` are the settings in which they differ, with a value for each.
    """
    from gridsearch.analysis.paired import p_text

    rows = []
    images = 0
    for place, (one, pair) in enumerate(zip(found, behind_first(found), strict=True)):
        if pair is None:
            continue
        images = pair.images
        numbers = [f"{number:.4f}" for number in pair.numbers[:3]]
        counts = [str(pair.first), str(pair.second)]
        own = [texts[place] for texts in axes.values()]
        rows.append([short_id(one.row.trial_id), *own, *numbers, *counts, p_text(pair.p_value)])
    if not rows:
        return None
    headings = ["trial", *axes, *_HEADINGS]
    caption = (
        f"behind trial {short_id(found[0].row.trial_id)} in accuracy on the same {images:,} test images: 95 % interval"
        f" (Newcombe), images that one alone has right, exact p-value (McNemar)"
    )
    return Grid(headings, [False, *(True for _ in headings[1:])], rows, caption=caption, keys=1)


def with_behind(grid: Grid, found: Sequence[Found]) -> Grid:
    """Return a table whose rows begin with trials' ids with how far these lie behind the first, where that is known."""
    pairs = behind_first(found)
    if not any(pairs):
        return grid
    numbers = {
        one.row.trial_id: [str(number) for number in pair.numbers] if pair else [""] * 4
        for one, pair in zip(found, pairs, strict=True)
    }
    headings = [*grid.headings, "behind", "behind_low", "behind_high", "p_mcnemar"]
    rows = [[*row, *numbers[row[0]]] for row in grid.rows]
    return replace(grid, headings=headings, numeric=[*grid.numeric, *([True] * 4)], rows=rows)


def behind_json(pair: Paired | None) -> dict[str, Any] | None:
    """Return how far a trial lies behind the first as JSON values."""
    if pair is None:
        return None
    low, high = pair.interval
    return {
        "difference": pair.difference,
        "low": low,
        "high": high,
        "only_first": pair.first,
        "only_this": pair.second,
        "images": pair.images,
        "p_mcnemar": pair.p_value,
    }
