"""How far the repeats and folds of the best points lie apart."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.labels import brief_text, score_text
from gridsearch.analysis.spread import PointSpread, spreads
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Section, Table
from gridsearch.visualization.document.phrases import paragraph, settings_text

#: So many of the best points are in the table.
_MOST_POINTS = 10


def spread(found: Findings) -> Section | None:
    """Return the section; None where points are trained once, or none has two scores."""
    apart = spreads(found.data, found.order)
    if all(len(one.scores) < 2 for one in apart):
        return None
    record = found.data.job.record
    what = "folds" if record.folds and record.repeats == 1 else "repeats and folds" if record.folds else "repeats"
    caption = f"The {found.score} of each training of the best {counted(len(apart), 'point')}, and their means"
    return Section(
        f"Spread over {what}",
        (
            *paragraph(*_told(found, apart)),
            *found.figures(caption, found.figure("spread", caption)),
            _table(apart),
        ),
    )


def _told(found: Findings, apart: tuple[PointSpread, ...]) -> Iterator[str]:
    first = apart[0]
    if len(first.scores) > 1:
        low, high = min(first.scores), max(first.scores)
        yield (
            f"The {len(first.scores)} trainings of the best point lie between {brief_text(low)} and {brief_text(high)},"
            f" {brief_text(first.mean)} in the mean."
        )
    ties = found.answer.ties
    if ties and ties.count > 1:
        yield ties.text if ties.text[0].isupper() else f"Ranks {ties.text}"


def _table(apart: tuple[PointSpread, ...]) -> Table:
    rows = [
        [
            f"{one.rank:,}",
            settings_text(one.settings),
            f"{len(one.scores):,}",
            score_text(one.mean),
            score_text(min(one.scores)),
            score_text(max(one.scores)),
        ]
        for one in apart[:_MOST_POINTS]
    ]
    headings = ["rank", "settings", "trainings", "mean", "lowest", "highest"]
    caption = f"The scores of the best {counted(len(rows), 'point')}"
    return Table(Grid(headings, [True, False, *[True] * 4], rows), caption, (1,))
