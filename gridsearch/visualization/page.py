"""The page of one job: everything its reader asks for, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.all_trials import AllTrials, all_trials
from gridsearch.analysis.answer import Answer, answer
from gridsearch.analysis.comparison import Comparison, comparisons
from gridsearch.analysis.correlation import FEWEST, METHODS, Correlation, Method, correlation
from gridsearch.analysis.costs import TITLES, Cost, costs
from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import Curves, curves
from gridsearch.analysis.effect_words import basis, cautions
from gridsearch.analysis.effects import Effects
from gridsearch.analysis.evaluated_points import evaluated_points, told_of_each
from gridsearch.analysis.evaluation import WORST, Scores, absent_text
from gridsearch.analysis.failures import divergences, failures
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import aligned_texts, label, probability_text, score_text
from gridsearch.analysis.no_best import why_no_best
from gridsearch.analysis.paired import behind_text, p_text
from gridsearch.analysis.plots import Plot, is_cross_entropy, plots_of
from gridsearch.analysis.ranking import table, unranked
from gridsearch.analysis.running import commit_text, outcome_text, running
from gridsearch.analysis.scatter import Board, board
from gridsearch.analysis.spread import PointSpread, spreads
from gridsearch.analysis.standings import standings
from gridsearch.analysis.summary import Summary, summary
from gridsearch.analysis.timing import TimingRow, timings
from gridsearch.config.events import RESULT_STATES
from gridsearch.config.metrics import METRICS
from gridsearch.config.value_kinds import as_written
from gridsearch.paths import INDEX_PAGE, file_stem, store_option
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.phrases import sentence, words
from gridsearch.visualization.document.tied import tied_grid
from gridsearch.visualization.figures.cells import cells_figure
from gridsearch.visualization.figures.comparison import compared_figure
from gridsearch.visualization.figures.confusion import confusion_figure
from gridsearch.visualization.figures.cost import cost_figure
from gridsearch.visualization.figures.curves import curve_figure, outcome, shared_axes
from gridsearch.visualization.figures.heatmap import heatmap_figure
from gridsearch.visualization.figures.panel import panel_figure
from gridsearch.visualization.figures.scatter import color_parts, hover_texts, layout_for
from gridsearch.visualization.figures.shares import shares_figure
from gridsearch.visualization.figures.spread import spread_figure
from gridsearch.visualization.figures.together import together_figure
from gridsearch.visualization.first_choice import first_choice
from gridsearch.visualization.inlining import (
    environment,
    json_data,
    live_scripts,
    page_script,
    plotly_script,
    policy,
    style,
)
from gridsearch.visualization.launched import launched
from gridsearch.visualization.shared_parts import SharedParts
from gridsearch.visualization.theme import CONFIG, dark_colors, plain
from gridsearch.visualization.trial_rows import curves_data, rows_data

#: More trials without a result than this are counted in the table's note, not listed.
MOST_UNRANKED = 10
#: Beyond this many points a plot is slow to draw and no fuller to look at; the page says when it shows fewer.
MOST_POINTS = 5000
#: More trials are not listed: the page has the best of them, and says how to get all.
MOST_ROWS = 20_000
#: Numbers of the curves that a reader can choose: about half a megabyte.
MOST_CHOSEN_NUMBERS = 60_000
#: Plots of curves to choose from, and the numbers that they may have: more would make a page large.
MOST_PLOTS, MOST_NUMBERS = 12, 150_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a page was made, and from which store; both stand in its foot.

    A page that `gridsearch serve` shows is `live`, by a name that no other version of it has: it follows the store
    while it is open.
    """

    generated: datetime
    store: str
    live: str = ""


def job_page(data: JobData, stamp: Stamp, glance: Summary | None = None) -> str:
    """Return the page of a job, complete in itself; the job's curves must be at hand (`load_to_show`).

    `glance` is its summary, where that is at hand.
    """
    glance = summary(data) if glance is None else glance
    order = standings(data)
    told = answer(data, store=store_option(stamp.store))
    drawn = curves(data, order, told.ties)
    compared = comparisons(data, order)
    tries = evaluated_points(data, order)
    without = sum(number for state, number in glance.counts if state not in RESULT_STATES)
    points = board(data, MOST_POINTS)
    varying = [axis.name for axis in points.axes if axis.varies]
    cells = {method: correlation(data, method) for method in METHODS}
    first = first_choice(varying, cells["spearman"])
    choices = _choices(data, drawn, compared)
    rows = all_trials(data, MOST_ROWS)
    priced = costs(data, points.trials) if points.trials else ()
    apart = spreads(data, order)
    unmeasured = not drawn.plots and bool(data.job.record.training) and all(row.epochs == 1 for row in data.rows)
    live, drawing = live_scripts(live=bool(stamp.live)), [plotly_script(), page_script()]
    scripts = [*live, *(drawing if glance.results else [])]
    return (
        environment()
        .get_template("job.html")
        .render(
            job=data.job,
            stamp=stamp,
            aligned_texts=aligned_texts,
            epoch_texts=_epoch_texts,
            score_text=score_text,
            record=data.job.record,
            outcome=outcome,
            read=data.shown,
            answer=told,
            no_best=sentence(f"{why_no_best(data.job, data.rows, named=False)}, so nothing can be ranked"),
            tied=_tied(told),
            chance_text=probability_text,
            shares=_shares(told),
            effect_sentences=_effect_sentences,
            panels=[axis.name for axis in told.effects[0].axes if axis.name in varying],
            priced=priced,
            spread=apart,
            cost_titles=TITLES,
            launched=launched(data.job, data.launches, stamp.generated),
            # What a live page cannot draw yet it will draw in place.
            policy=policy([*live, *drawing] if live else scripts, live=bool(live)),
            style=style(live=bool(live)),
            scripts=scripts,
            figures=json_data(
                _figures(drawn, compared, choices, points, cells, tries[0].together if tries else None)
                | _trials(data, drawn, rows, points)
                | _answer_figures(data, told, points, priced)
                | _spread(apart, data)
            ),
            rows=rows,
            offered=drawn.plots[:MOST_PLOTS],
            filter_example=_filter_example(data, varying),
            run=running(data),
            glance=glance,
            states=_states(glance),
            table=table(data),
            others=unranked(data) if without <= MOST_UNRANKED else (),
            without_result=[(state, count) for state, count, _ in _states(glance) if state not in RESULT_STATES],
            cells=cells["pearson"],
            has_heatmap=_has_heatmap(cells["pearson"]),
            left_out=_left_out(cells["pearson"]),
            board=points,
            axes=varying,
            choice=first,
            curves=drawn,
            choices=choices,
            untrained=any(_untrained(curve) for _, group in drawn.groups for curve in group),
            without_epochs=unmeasured,
            trial_seconds=_seconds(data),
            overfitting=any(curve.overfit_epoch is not None for _, group in drawn.groups for curve in group),
            comparisons=compared if choices.compared else (),
            loss_words="cross-entropy" if is_cross_entropy(data.job.record) else "loss",
            compared=next((name for name in first if name in [one.axis for one in compared]), ""),
            timings=timings(data),
            tested=tries,
            told_of_test=told_of_each(data, tries),
            absent_text=absent_text,
            commit_text=commit_text,
            outcome_text=outcome_text,
            behind_text=behind_text,
            p_text=p_text,
            worst=WORST,
            failures=failures(data),
            diverged=divergences(data),
            index_page=INDEX_PAGE,
            job_file=f"{file_stem(data.job.name)}.yaml",
        )
    )


@dataclass(frozen=True, slots=True)
class _Choices:
    """What a page draws over epochs: the plots of its panels, and those of curves that are compared."""

    panels: tuple[Plot, ...]
    compared: tuple[Plot, ...]


def _choices(data: JobData, drawn: Curves, compared: Sequence[Comparison]) -> _Choices:
    """Return the plots that a page offers: the first ones whatever they take, others as long as it stays small.

    Of our own training without further metrics the panels show the loss, as they do in print.
    """
    panels = [curve for _, group in drawn.groups for curve in group]
    curves = [curve for one in compared for curve in one.curves]
    standard = not data.job.record.training and all(name in METRICS for plot in drawn.plots for name in plot.metrics)
    return _Choices(
        panels=_within(drawn.plots[: 1 if standard else MOST_PLOTS], panels, 1),
        compared=_within(plots_of(data.job.record, curves)[:MOST_PLOTS], curves, 2),
    )


def _within(plots: Sequence[Plot], curves: Sequence[Curve], least: int) -> tuple[Plot, ...]:
    """Return as many plots as have so many numbers as a page may hold, and so many at least."""
    once = {curve.trial: curve for curve in curves}.values()
    sizes = [sum(len(curve.known(name)) for curve in once for name in plot.metrics) for plot in plots]
    totals = accumulate(sizes)
    return tuple(
        plot
        for place, (plot, size) in enumerate(zip(plots, totals, strict=True))
        if place < least or size <= MOST_NUMBERS
    )


def _epoch_texts(rows: Sequence[TimingRow], unit: int) -> list[str]:
    """Return the seconds of an epoch at each value of an axis, times `unit`."""
    return aligned_texts([unit * row.seconds_per_epoch for row in rows])


def _untrained(curve: Curve) -> bool:
    """Whether something was measured before the first step."""
    return any(epoch == 0 for name in curve.values for epoch, _ in curve.known(name)[:1])


def _seconds(data: JobData) -> tuple[float, float, float] | None:
    """Return the shortest, the median and the longest time of a trial; None where none has one."""
    known = data.trials["seconds"].dropna()
    return (float(known.min()), float(known.median()), float(known.max())) if len(known) else None


def _figures(
    drawn: Curves,
    compared: Sequence[Comparison],
    choices: _Choices,
    points: Board,
    cells: dict[Method, Correlation],
    tested: Scores | None,
) -> dict[str, Any]:
    """Return everything the page's script draws."""
    parts = SharedParts()
    figures: dict[str, Any] = {
        "config": CONFIG,
        "template": parts.template,
        "curves": {plot.metric: _curve_parts(drawn, plot, parts) for plot in choices.panels},
        "together": {plot.metric: parts.curves(together_figure(drawn, plot.metric)) for plot in choices.panels},
        "compare": {
            one.axis: {plot.metric: parts.curves(compared_figure(one, plot)) for plot in choices.compared}
            for one in compared
        },
    }
    if _has_heatmap(cells["pearson"]):
        figures["heatmap"] = {method: parts.whole(heatmap_figure(cells[method])) for method in METHODS}
    if points.varying:
        figures["scatter"] = _scatter_parts(points, parts)
    # Of many classes tables are shown in place of a plot; without classes there is none.
    if tested is not None and tested.accuracy is not None and not tested.many:
        figures["confusion"] = parts.whole(confusion_figure(tested))
    return figures | {"shared": parts.values}


def _trials(data: JobData, drawn: Curves, rows: AllTrials, points: Board) -> dict[str, Any]:
    """Return the trials for the page's table, which of them the scatter draws, and the curves that can be chosen."""
    plots = drawn.plots[:MOST_PLOTS]
    metrics = list(dict.fromkeys(name for plot in plots for name in plot.metrics))
    places = {trial: place for place, trial in enumerate(rows.trials)}
    return {
        "job": file_stem(data.job.name),
        "dark": dark_colors(),
        "trials": rows_data(rows),
        "repeat": list(data.job.record.differing) if data.job.record.has_groups else [],
        "points": [places.get(trial, -1) for trial in points.trials],
        "panels": [places.get(curve.trial, -1) for _, group in drawn.groups for curve in group],
        "lines": curves_data(data, rows, metrics, MOST_CHOSEN_NUMBERS),
        "plots": [
            {"metric": plot.metric, "counterpart": plot.counterpart, "title": plain(plot.title), "log": plot.log}
            for plot in plots
        ],
    }


def _effect_sentences(found: Effects) -> list[str]:
    return [sentence(told) for told in (basis(found, words), *cautions(found, words))]


def _shares(told: Answer) -> list[Effects]:
    """Return the parts of the trials of which shares of the variance can be told."""
    return [one for one in told.effects if one.axes and one.rest is not None]


def _tied(told: Answer) -> Grid | None:
    """Return a table of those that are tied for the best; None where nothing is tied with it."""
    return tied_grid(told.ties.tied, settings=True) if told.ties and told.ties.count > 1 else None


def _answer_figures(data: JobData, told: Answer, points: Board, priced: Sequence[Cost]) -> dict[str, Any]:
    """Return the figures of what matters; points stand with the scatter plot, and are joined to them by the script."""
    parts = SharedParts()
    axes = {axis.name for axis in points.varying}
    panels = {one.name: panel_figure(points, one, told.band) for one in told.effects[0].axes if one.name in axes}
    title, highest = data.objective.title, data.objective.highest
    return {
        "shares": {one.within: parts.whole(shares_figure(one)) for one in _shares(told)},
        "panels_of_axes": {name: _without_points(parts.whole(figure)) for name, figure in panels.items()},
        "pairs": {
            within: {
                f"{one.rows},{one.columns}": {
                    measure: parts.whole(cells_figure(one, measure, title=title, highest=highest))
                    for measure in ("means", "bests")
                }
                for one in pairs
            }
            for within, pairs in {"all": told.pairs, **told.pairs_within}.items()
        },
        "costs": {
            one.name: _without_points(parts.whole(cost_figure(points, one))) | {"x": one.values} for one in priced
        },
    }


def _spread(apart: Sequence[PointSpread], data: JobData) -> dict[str, Any]:
    return {"spread": SharedParts().whole(spread_figure(apart, data.objective))} if apart else {}


def _without_points(figure: dict[str, Any]) -> dict[str, Any]:
    for trace in figure["data"]:
        if trace["name"] == "trials":
            for key in ("x", "y", "customdata"):
                del trace[key]
    return figure


def _has_heatmap(cells: Correlation) -> bool:
    """Whether there is any coefficient to show: an axis that varies, and enough trials."""
    return len(cells.names) > 1 and cells.n >= FEWEST


def _curve_parts(drawn: Curves, plot: Plot, parts: SharedParts) -> list[Any]:
    groups = [(shared_axes(group, plot), group) for _, group in drawn.groups]
    return [parts.curves(curve_figure(curve, plot, axes)) for axes, group in groups for curve in group]


def _scatter_parts(points: Board, parts: SharedParts) -> dict[str, Any]:
    """Return what the page's script joins into a figure for any choice of x axis and colour."""
    count = len(points.trials)
    axes = points.varying
    layouts = {axis.name: go.Figure(layout=layout_for(axis, points)) for axis in axes}
    return {
        "scores": points.scores,
        "texts": hover_texts(points),
        "x": {axis.name: axis.drawn for axis in axes},
        "layouts": {name: parts.whole(figure)["layout"] for name, figure in layouts.items()},
        "colors": {axis.name: color_parts(axis, count) | {"group": axis.group} for axis in axes}
        | {"": color_parts(None, count) | {"group": [0] * count}},
    }


def _states(glance: Summary) -> list[tuple[str, int, float]]:
    """Return each state with its count and its share of the bar, in percent."""
    return [(state, count, 100 * count / glance.total) for state, count in glance.shown_counts]


def _filter_example(data: JobData, varying: Sequence[str]) -> str:
    """Return an expression that holds for some of a job's trials."""
    parts = []
    for name in varying[:2]:
        values = data.trials[name].dropna().unique().tolist()
        middle = sorted(values)[len(values) // 2] if data.trials[name].dtype.kind in "if" else values[0]
        parts.append(
            f"{name} >= {label(middle)}" if data.trials[name].dtype.kind in "if" else f"{name} == {as_written(middle)}"
        )
    return " and ".join(parts) or "score > 0.9"


def _left_out(cells: Correlation) -> str:
    """Say which axes have no place in the heatmap, and why."""
    parts = []
    if cells.constant:
        parts.append(f"{', '.join(cells.constant)} (one value among the trials with a score)")
    if cells.text:
        parts.append(f"{', '.join(cells.text)} (not numbers)")
    return f"Left out: {'; '.join(parts)}." if parts else ""
