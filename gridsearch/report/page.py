"""The page of one job: everything its reader asks for, in one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.comparison import Comparison, comparisons
from gridsearch.analysis.correlation import FEWEST, METHODS, Correlation, Method, correlation
from gridsearch.analysis.curves import Curves, curves
from gridsearch.analysis.edges import BEYOND
from gridsearch.analysis.evaluated_trials import evaluated_trials
from gridsearch.analysis.evaluation import WORST, Scores, absent_text
from gridsearch.analysis.failures import failures
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import aligned_texts, score_text
from gridsearch.analysis.ranking import table, unranked
from gridsearch.analysis.scatter import Board, board
from gridsearch.analysis.standings import standings
from gridsearch.analysis.summary import Summary, summary
from gridsearch.analysis.timing import timings
from gridsearch.config.events import RESULT_STATES
from gridsearch.config.losses import CROSS_ENTROPY
from gridsearch.paths import INDEX_PAGE, file_stem
from gridsearch.report import wording
from gridsearch.report.figures.comparison import comparison_figure
from gridsearch.report.figures.confusion import confusion_figure
from gridsearch.report.figures.curves import curve_figure, outcome, shared_axes
from gridsearch.report.figures.heatmap import heatmap_figure
from gridsearch.report.figures.scatter import color_parts, hover_texts, layout_for
from gridsearch.report.inlining import asset, environment, json_data, plotly_script, policy
from gridsearch.report.launched import launched
from gridsearch.report.theme import CONFIG

#: More trials without a result than this are counted in the table's note, not listed.
MOST_UNRANKED = 10
#: Beyond this many points a plot is slow to draw and no fuller to look at; the page says when it shows fewer.
MOST_POINTS = 5000


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a page was made, and from which store; both stand in its head."""

    generated: datetime
    store: str


def job_page(data: JobData, stamp: Stamp, glance: Summary | None = None) -> str:
    """Return the page of a job, complete in itself; the job's curves must be at hand (`load_to_show`).

    `glance` is its summary, where that is at hand.
    """
    glance = summary(data) if glance is None else glance
    order = standings(data)
    drawn = curves(data, order)
    compared = comparisons(data, order)
    tries = evaluated_trials(data, order)
    without = sum(number for state, number in glance.counts if state not in RESULT_STATES)
    points = board(data, MOST_POINTS)
    varying = [axis.name for axis in points.axes if axis.varies]
    cells = {method: correlation(data, method) for method in METHODS}
    first = first_choice(varying, cells["spearman"])
    scripts = [plotly_script(), asset("page.js")] if glance.results else []
    return (
        environment()
        .get_template("job.html")
        .render(
            job=data.job,
            stamp=stamp,
            wording=wording,
            aligned_texts=aligned_texts,
            score_text=score_text,
            record=data.job.record,
            outcome=outcome,
            read=data.shown,
            beyond=BEYOND,
            launched=launched(data.job, data.launches, stamp.generated),
            policy=policy(scripts),
            style=asset("page.css"),
            scripts=scripts,
            figures=json_data(
                _figures(drawn, points, cells)
                | {"compare": _comparison_parts(compared)}
                | (_confusion_parts(tries[0].scores) if tries else {})
            ),
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
            overfitting=any(curve.overfit_epoch is not None for _, group in drawn.groups for curve in group),
            comparisons=compared,
            with_accuracy=_have_accuracy(compared),
            loss_words="cross-entropy" if data.job.record.values("loss") in ((), (CROSS_ENTROPY,)) else "loss",
            compared=next((name for name in first if name in [one.axis for one in compared]), ""),
            timings=timings(data),
            tested=tries,
            absent_text=absent_text,
            worst=WORST,
            failures=failures(data),
            index_page=INDEX_PAGE,
            job_file=f"{file_stem(data.job.name)}.yaml",
        )
    )


def first_choice(names: Sequence[str], ranks: Correlation) -> tuple[str, str]:
    """Return the x axis and the colour that a page opens with: of axes that vary, the closest to the score."""
    last = dict(zip(ranks.names, ranks.matrix[-1], strict=True)) if ranks.matrix else {}
    order = sorted(names, key=lambda name: -abs(last.get(name) or 0.0))
    return (order[0] if order else "", order[1] if len(order) > 1 else "")


def _figures(drawn: Curves, shown: Board, cells: dict[Method, Correlation]) -> dict[str, Any]:
    """Return everything the page's script draws."""
    figures: dict[str, Any] = {"config": CONFIG, "curves": _curve_parts(drawn)}
    if _has_heatmap(cells["pearson"]):
        figures["heatmap"] = {method: _parts(heatmap_figure(cells[method])) for method in METHODS}
    if shown.varying:
        figures["scatter"] = _scatter_parts(shown)
    return figures


def _has_heatmap(cells: Correlation) -> bool:
    """Whether there is any coefficient to show: an axis that varies, and enough trials."""
    return len(cells.names) > 1 and cells.n >= FEWEST


def _parts(figure: go.Figure) -> Any:
    return json.loads(figure.to_json())


def _curve_parts(drawn: Curves) -> list[Any]:
    groups = [(shared_axes(group), group) for _, group in drawn.groups]
    return [_parts(curve_figure(curve, axes)) for axes, group in groups for curve in group]


def _comparison_parts(compared: Sequence[Comparison]) -> dict[str, Any]:
    """Return both plots for each axis; the page's script leaves out the training curves unless asked for them."""
    plots = {"loss": "val_loss"} | ({"accuracy": "val_accuracy"} if _have_accuracy(compared) else {})
    return {
        one.axis: {name: _parts(comparison_figure(one, metric)) for name, metric in plots.items()} for one in compared
    }


def _have_accuracy(compared: Sequence[Comparison]) -> bool:
    """Whether there is a share of images to draw: without classes there is none."""
    return any(value is not None for one in compared for curve in one.curves for value in curve.val_accuracy)


def _confusion_parts(best: Scores) -> dict[str, Any]:
    """Return the plot of a confusion matrix; of many classes tables are shown in its place."""
    return {} if best.many or best.accuracy is None else {"confusion": _parts(confusion_figure(best))}


def _scatter_parts(points: Board) -> dict[str, Any]:
    """Return what the page's script joins into a figure for any choice of x axis and colour."""
    count = len(points.trials)
    axes = points.varying
    layouts = {axis.name: go.Figure(layout=layout_for(axis, points.objective, count)) for axis in axes}
    return {
        "scores": points.scores,
        "texts": hover_texts(points),
        "x": {axis.name: axis.drawn for axis in axes},
        "layouts": {name: _parts(figure)["layout"] for name, figure in layouts.items()},
        "colors": {axis.name: color_parts(axis, count) | {"group": axis.group} for axis in axes}
        | {"": color_parts(None, count) | {"group": [0] * count}},
    }


def _states(glance: Summary) -> list[tuple[str, int, float]]:
    """Return each state with its count and its share of the bar, in percent."""
    return [(state, count, 100 * count / glance.total) for state, count in glance.counts]


def _left_out(cells: Correlation) -> str:
    """Say which axes have no place in the heatmap, and why."""
    parts = []
    if cells.constant:
        parts.append(f"{', '.join(cells.constant)} (one value among the trials with a score)")
    if cells.text:
        parts.append(f"{', '.join(cells.text)} (not numbers)")
    return f"Left out: {'; '.join(parts)}." if parts else ""
