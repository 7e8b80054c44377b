"""What a score costs: the trials of which no other is both as cheap and better, and the time of an epoch."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.costs import TITLES, Cost, costs
from gridsearch.analysis.labels import aligned_texts, score_text
from gridsearch.analysis.measures import TIMES
from gridsearch.analysis.scatter import Board, board
from gridsearch.analysis.timing import Timing, timings
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Block, Section, Table
from gridsearch.visualization.document.phrases import listed, paragraph, settings_text, words

#: So many costs have a figure, and so many trials a row.
_MOST_COSTS, _MOST_ROWS = 2, 12
#: What is measured is written with three digits, what is counted in full.
_MEASURED = frozenset({"seconds"})


def cost(found: Findings) -> Section | None:
    """Return the section; None where trials do not differ in any cost, and no time is known."""
    points = board(found.data)
    priced = costs(found.data, points.trials) if points.trials else ()
    frontiers, times = tuple(_frontiers(found, points, priced)), tuple(_timings(found))
    if not (frontiers or times):
        return None
    return Section("What a score costs" if frontiers else f"The time of {_once(found)}", (*frontiers, *times))


def _frontiers(found: Findings, points: Board, priced: tuple[Cost, ...]) -> Iterator[Block]:
    if not priced:
        return
    yield from paragraph(f"The trials with a score have {listed([_range(one) for one in priced])}.")
    shown = priced[:_MOST_COSTS]
    by = listed([TITLES[one.name] for one in shown])
    yield from found.figures(
        f"The {found.score} of every trial against {by}; the line leads along those of which no other is as cheap and"
        " better",
        *(found.figure(f"cost-{one.name}", f"{found.score} against {TITLES[one.name]}") for one in shown),
    )
    first = priced[0]
    if len(first.frontier) > 1:
        yield _frontier(found, first)


def _range(one: Cost) -> str:
    known = [value for value in one.values if value is not None]
    return f"{_amount(one, min(known))} to {_amount(one, max(known))} {TITLES[one.name]}"


def _amount(one: Cost, value: float) -> str:
    return f"{value:,.3g}" if one.name in _MEASURED else f"{value:,.0f}"


def _frontier(found: Findings, one: Cost) -> Table:
    rows = []
    for best in one.frontier[-_MOST_ROWS:]:
        settings = found.data.settings_texts(found.order.row(best.trial))
        rows.append([best.trial[:8], settings_text(settings), _amount(one, best.value), score_text(best.score)])
    trial = "first trial" if found.unit == "point" else "trial"
    left = len(one.frontier) - len(rows)
    caption = f"The best {found.score} for its {TITLES[one.name]}: no other {found.unit} is as cheap and better"
    more = f"; {counted(left, 'cheaper one is', 'cheaper ones are')} left out" if left else ""
    return Table(
        Grid([trial, "settings", TITLES[one.name], found.score], [False, False, True, True], rows),
        caption + more,
        (1,),
    )


def _timings(found: Findings) -> Iterator[Table]:
    if not set(TIMES) & set(map(str, found.data.trials)):
        return
    for one in timings(found.data):
        # Of those trained together nobody knows what each took.
        if not one.shared:
            yield _timing(found, one)


def _timing(found: Findings, one: Timing) -> Table:
    unit = "trial" if found.without_epochs else "epoch"
    stepwise = any(row.ms_per_step is not None for row in one.rows)
    together = any((row.together or 1) > 1 for row in one.rows)
    steps, epochs = (
        aligned_texts([row.ms_per_step for row in one.rows]),
        aligned_texts([row.seconds_per_epoch for row in one.rows]),
    )
    rows = [
        [
            found.data.shown(one.axis, row.value),
            *([step] if stepwise else []),
            epoch,
            *([f"{row.together:,}" if row.together else ""] if together else []),
        ]
        for row, step, epoch in zip(one.rows, steps, epochs, strict=True)
    ]
    headings = [
        words(one.axis),
        *(["ms per step"] if stepwise else []),
        f"s per {unit}",
        *(["together"] if together else []),
    ]
    note = "; models trained together share the time evenly" if together else ""
    caption = f"The time of {_once(found)} at each value of {words(one.axis)}, the median over its trainings{note}"
    return Table(Grid(headings, [one.numeric, *[True] * (len(headings) - 1)], rows), caption)


def _once(found: Findings) -> str:
    return "a trial" if found.without_epochs else "an epoch"
