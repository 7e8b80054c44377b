"""The result: the best, how sure that is, and the best and the worst trials."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.advice.telling import tied_text
from gridsearch.analysis.edges import BEYOND
from gridsearch.analysis.labels import brief_text
from gridsearch.analysis.no_best import why_no_best
from gridsearch.analysis.ranking import RankedTable, TableOptions, table
from gridsearch.analysis.ties import AS_GOOD, Ties
from gridsearch.config.metrics import METRICS, metric_words
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Part, Section, Strong, Table
from gridsearch.visualization.document.phrases import listed, paragraph, sentence, settings_text, words
from gridsearch.visualization.document.tied import COSTS, tied_grid

#: So many of those that are tied for the best are listed.
_MOST_TIED = 10
#: Costs that are put into words: time is measured once, beside whatever else ran.
_TOLD = ("parameters", "macs", "epochs")


def result(found: Findings) -> Section:
    """Return the section."""
    ties = found.answer.ties
    if ties is None:
        return Section("The result", (*paragraph(_no_best(found)), *_extremes(found)))
    return Section(
        "The result",
        (
            *paragraph(_best(found, ties), *_certainty(found, ties)),
            *_extremes(found),
            *_tied(found, ties),
            *paragraph(*_edges(found)),
        ),
    )


def _no_best(found: Findings) -> str:
    if not found.glance.total:
        return "The job has no trials."
    return sentence(f"{why_no_best(found.data.job, found.data.rows, named=False)}, so nothing can be ranked")


def _best(found: Findings, ties: Ties) -> list[Part]:
    best = ties.best
    sure = ""
    if best.interval:
        pooled = ", by the spread of the best points together" if ties.judge == "repeats" else ""
        sure = f" (95 % interval {brief_text(best.interval[0])} to {brief_text(best.interval[1])}{pooled})"
    mean = (
        f", the mean of {found.data.job.record.repeats * (found.data.job.record.folds or 1)} trainings"
        if ties.repeats > 1
        else ""
    )
    settings = settings_text(best.settings)
    reached = f", reached with {settings}" if settings else ""
    which = "first trial" if ties.repeats > 1 else "trial"
    return [
        f"The best {found.score} is ",
        Strong(brief_text(best.score)),
        f"{sure}{mean}{reached} ({which} {best.trial[:8]}).",
    ]


def _certainty(found: Findings, ties: Ties) -> Iterator[str]:
    unit = "point" if ties.repeats > 1 else "trial"
    if not found.answer.learned:
        yield f"No {unit} is better than guessing, so the order of the {unit}s says nothing."
    elif ties.of == 1:
        yield f"It is the only {unit} with a score, so there is nothing to compare it with."
    elif ties.count > 1:
        yield sentence(tied_text(ties))
        yield _cheapest(ties)
    elif ties.judge == "equality":
        yield (
            f"No other of {ties.of:,} {unit}s reaches it; how far chance moves this score is not known, as each {unit}"
            " was trained once."
        )
    else:
        yield f"It is better than every other of {ties.of:,} {unit}s by more than chance explains."


def _cheapest(ties: Ties) -> str:
    take, best = ties.take, ties.best
    if take.rank == best.rank:
        return f"No cheaper one is {AS_GOOD}." if ties.cheapest else ""
    costs = [
        f"{take.cost(name):,.0f} {COSTS[name]} in place of {best.cost(name):,.0f}"
        for name in _TOLD
        if take.cost(name) is not None and best.cost(name) is not None and take.cost(name) != best.cost(name)
    ]
    than = f", with {listed(costs)}" if costs else ""
    which = f"rank {take.rank:,} ({settings_text(take.settings)})"
    return f"The cheapest {AS_GOOD} is {which}: it reaches {brief_text(take.score)}{than}."


def _extremes(found: Findings) -> Iterator[Table]:
    ranking = table(found.data)
    if not ranking.total:
        return
    names = [
        found.data.objective.title
        if column == "score"
        else heading
        if heading in found.data.axis_columns
        else metric_words(heading)
        for column, heading in zip(ranking.columns, ranking.headings, strict=True)
    ]
    headings = ["rank", ranking.id_heading.replace("_", " "), *map(words, names)]
    rows = [
        # What diverged has no score to be ranked by.
        ["" if row.rank is None or row.score is None else f"{row.rank:,}", row.trial[:8], *_cells(ranking, row.cells)]
        for row in ranking.rows
    ]
    grid = Grid(
        headings,
        [True, False, *ranking.numeric],
        rows,
        gap_after=len(ranking.first) if ranking.omitted else None,
    )
    yield Table(grid, _which(ranking))
    yield from _metrics(found, ranking)


def _metrics(found: Findings, shown: RankedTable) -> Iterator[Table]:
    """Yield what the job measures beside losses and accuracies, of the trials shown, where that does not rank them."""
    data = found.data
    asked = {name: column for name, column in data.metrics.items() if name not in METRICS} if not data.is_own else {}
    columns = [column for name, column in asked.items() if name != data.objective.metric]
    if not columns:
        return
    measured = table(data, TableOptions(columns=columns))
    rows = [["" if row.rank is None else f"{row.rank:,}", row.trial[:8], *row.cells] for row in measured.rows]
    headings = ["rank", shown.id_heading.replace("_", " "), *map(words, measured.headings)]
    gap = len(measured.first) if measured.omitted else None
    means = ", means over their trainings" if shown.unit == "point" else ""
    grid = Grid(headings, [True, False, *measured.numeric], rows, gap_after=gap)
    yield Table(grid, f"The other metrics of these {shown.unit}s{means}")


def _which(ranking: RankedTable) -> str:
    if ranking.omitted:
        best, worst = len(ranking.first), len(ranking.last)
        return f"The {best} best and the {worst} worst of {ranking.total:,} {ranking.unit}s"
    if ranking.total == 1:
        return f"The only {ranking.unit} with a result"
    order = ", the best first" if any(row.score is not None for row in ranking.rows) else ""
    return f"The {ranking.total:,} {ranking.unit}s with a result{order}"


def _cells(ranking: RankedTable, cells: tuple[str, ...]) -> list[str]:
    return [cell[:8] if name == "trial" else cell for name, cell in zip(ranking.columns, cells, strict=True)]


def _tied(found: Findings, ties: Ties) -> Iterator[Table]:
    if ties.count < 2:
        return
    shown = [*ties.tied[:_MOST_TIED]]
    if all(one.rank != ties.take.rank for one in shown):
        shown.append(ties.take)
    chance = any(one.chance is not None for one in shown)
    left = ties.count - len(shown)
    more = f"; {left:,} more are not shown" if left else ""
    chances = "; “best with” is the probability of being the best of all" if chance else ""
    yield Table(tied_grid(shown), f"What is tied for the best{more}{chances}")


def _edges(found: Findings) -> Iterator[str]:
    if found.glance.hints:
        yield from found.glance.hints
        yield BEYOND
