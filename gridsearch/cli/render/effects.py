"""What matters in a job, as tables for the terminal and for papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from gridsearch.analysis.labels import brief_text, score_text, share_text, signed_text
from gridsearch.cli.render.tables import Grid
from gridsearch.cli.render.wording import short_id
from gridsearch.quantities import counted
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.analysis.cells import Cells
    from gridsearch.analysis.effects import Effects
    from gridsearch.store.rows import JobRow, LaunchRow

#: How many pairs the terminal shows.
MOST_PAIRS = 5


class Table(StrEnum):
    """Which table of effects is printed."""

    AXES = "axes"
    PAIRS = "pairs"
    VALUES = "values"


def _share(share: float | None, *, whole: bool) -> str:
    return share_text(share) if not whole else "" if share is None else repr(share)


def _score(value: float | None, *, whole: bool) -> str:
    return score_text(value) if not whole else "" if value is None else repr(value)


def axes_grid(found: Effects, *, whole: bool = False) -> Grid:
    """Return the axes, the one that explains most first; `whole` with every digit."""
    return Grid(
        headings=["axis", "share", "with_others", "eta_squared", "pearson", "spearman", "mean_score"],
        numeric=[False, True, True, True, True, True, False],
        rows=[
            [
                axis.name,
                _share(axis.share, whole=whole),
                _share(axis.total, whole=whole),
                repr(axis.eta_squared) if whole else f"{axis.eta_squared:.3f}",
                _score(axis.pearson, whole=True) if whole else signed_text(axis.pearson),
                _score(axis.spearman, whole=True) if whole else signed_text(axis.spearman),
                axis.shape or "names",
            ]
            for axis in found.axes
        ],
        keys=1,
    )


def pairs_grid(found: Effects, most: int | None = None, *, whole: bool = False) -> Grid:
    """Return the pairs, the one that explains most first; `whole` with every digit."""
    rows = [[*pair.axes, _share(pair.share, whole=whole)] for pair in found.pairs[:most]]
    left = len(found.pairs) - len(rows)
    caption = f"{len(rows)} of {counted(len(found.pairs), 'pair')}; --table pairs has all" if left else ""
    return Grid(["pair", "with", "share"], [False, False, True], rows, keys=2, caption=caption)


def values_grid(found: Effects, *, whole: bool) -> Grid:
    """Return each value of each axis; `whole` with ids in full and empty cells rather than repeated names left out."""
    rows = []
    repeated = any(value.interval is not None for axis in found.axes for value in axis.values)
    for axis in found.axes:
        for place, value in enumerate(axis.values):
            rows.append(
                [
                    axis.name if whole or place == 0 else "",
                    (value.key if whole else "") or value.text,
                    f"{value.n:,}" if not whole else str(value.n),
                    _score(value.mean, whole=whole),
                    _score(value.deviation, whole=whole),
                    *([_score(value.interval, whole=whole)] if repeated else []),
                    _score(value.median, whole=whole),
                    _score(value.best, whole=whole),
                    value.best_trial if whole else short_id(value.best_trial),
                ]
            )
    interval = ["effect_95"] if repeated else []
    headings = ["axis", "value", "n", "mean", "deviation", *interval, "median", "best", "best_trial"]
    return Grid(headings, [False, False, *[True] * (len(headings) - 3), False], rows, keys=2)


def cells_grid(found: Cells, *, whole: bool = False) -> Grid:
    """Return the mean score of each combination of two axes; `whole` with every digit."""
    rows = [
        [level, *(_score(mean, whole=whole) for mean in line)]
        for level, line in zip(found.row_levels, found.means, strict=True)
    ]
    return Grid([found.rows, *found.column_levels], [False, *[True] * len(found.column_levels)], rows, keys=1)


def remarks(found: Effects, job: JobRow, launches: Sequence[LaunchRow], store: str) -> Iterator[str]:
    """Yield in words what the numbers rest on, and what they do not tell."""
    if found.mean is None:
        return
    from gridsearch.analysis.effect_words import (
        basis,
        guessing,
        hidden,
        left_out,
        one_draw,
        repeats,
        seeds,
        skew,
        unscored,
    )

    part = {"all": "", "half": "the better half: ", "quarter": "the better quarter: "}[found.within]
    yield f"{part}{counted(found.n, 'trial')} with a {found.heading}, {brief_text(found.mean)} in the mean"
    yield basis(found)
    if found.constant:
        yield left_out(found)
    if found.unscored:
        yield unscored(found)
    for told in (guessing(found), hidden(found), seeds(found)):
        if told:
            yield told
    if found.skewed:
        better = f"gridsearch effects {quoted(job.name)} --within half{store}"
        yield f"{skew(found)}; the better half tells more: {better}"
    if found.repeats is not None:
        yield repeats(found)
    elif found.seed is not None and found.axes:
        from gridsearch.analysis.launched_as import launched_as

        words = " ".join(map(quoted, launched_as(job, launches, ["repeats=5"])))
        yield f"{one_draw(found)}; repeats give it an interval: gridsearch launch {words}{store}"
