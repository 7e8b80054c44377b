"""The figures of a job, as a notebook asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridsearch.analysis.cells import cells
from gridsearch.analysis.choices import Within
from gridsearch.analysis.comparison import comparison
from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.costs import costs
from gridsearch.analysis.curves import curves
from gridsearch.analysis.effects import effects
from gridsearch.analysis.evaluated_points import classified
from gridsearch.analysis.factors import design
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.scatter import board
from gridsearch.analysis.ties import ties

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Figures:
    """The figures of a job; each call returns a plotly figure to show, change or save."""

    def __init__(self, data: JobData) -> None:
        self._data = data

    def __repr__(self) -> str:
        axes = ", ".join(self._data.axis_columns) or "none"
        kinds = "effects(), axis(), pair(), cost(), correlation(), scatter(), curves(), together(), comparison()"
        return f"<figures of {self._data.job.name!r}: {kinds}, confusion(); axes: {axes}>"

    def correlation(self, method: str = "pearson") -> go.Figure:
        """Return the correlation heatmap."""
        from gridsearch.visualization.figures.heatmap import heatmap_figure

        return heatmap_figure(correlation(self._data, method))

    def scatter(self, x: str, color: str | None = None) -> go.Figure:
        """Plot the score of every trial against an axis.

        Args:
            x: The axis on the horizontal scale.
            color: The axis that colours the points; None for one colour.

        Raises:
            TableError: The job has no such axis.
        """
        from gridsearch.visualization.figures.scatter import scatter_figure

        return scatter_figure(board(self._data), x, color)

    def effects(self, within: Within = "all") -> go.Figure:
        """Plot the share of the variance that each axis and pair explains.

        Raises:
            TableError: `within` is none of `"all"`, `"half"` and `"quarter"`.
        """
        from gridsearch.visualization.figures.shares import shares_figure

        return shares_figure(effects(self._data, within))

    def axis(self, name: str) -> go.Figure:
        """Plot every trial along an axis, with the median and the best of each value, and what is tied with the best.

        Raises:
            TableError: The job has no such axis, or it has one value only.
        """
        from gridsearch.visualization.figures.panel import panel_figure

        design(self._data).factor(name)
        found = next(axis for axis in effects(self._data).axes if axis.name == name)
        tied = ties(self._data)
        band = None if tied is None else (min(tied.lowest, tied.best.score), max(tied.lowest, tied.best.score))
        return panel_figure(board(self._data), found, band)

    def pair(self, rows: str, columns: str, *, best: bool = False) -> go.Figure:
        """Plot the mean score, or the `best`, of each combination of two axes.

        Raises:
            TableError: An axis is not there, or has one value only.
        """
        from gridsearch.visualization.figures.cells import cells_figure

        found, objective = cells(design(self._data), rows, columns), self._data.objective
        return cells_figure(found, "bests" if best else "means", title=objective.title, highest=objective.highest)

    def cost(self, name: str = "parameters") -> go.Figure:
        """Plot the score of every trial against its `"parameters"`, `"macs"`, `"epochs"` or `"seconds"`.

        Raises:
            TableError: The trials do not differ in it, or it is not known.
        """
        from gridsearch.visualization.figures.cost import cost_figure

        points = board(self._data)
        found = {one.name: one for one in costs(self._data, points.trials)}
        if name not in found:
            known = f"; the trials differ in: {', '.join(found)}" if found else ""
            raise TableError(f"the trials with a score do not differ in {name!r}{known}")
        return cost_figure(points, found[name])

    def curves(self, metric: str | None = None, *, log: bool = True) -> go.Figure:
        """Plot a metric over the epochs of the best, the cheapest as good, median and worst trials, a panel each.

        Args:
            metric: Any metric that was recorded in two epochs or more, with that of the training where there is one; by
                default the loss, or where there is none the objective.
            log: Draw it on a logarithmic scale, if it is a loss or its values are far apart.

        Raises:
            TableError: There are no curves of this metric.
        """
        from gridsearch.visualization.figures.curves import curves_figure

        return curves_figure(curves(self._data, tied=ties(self._data)), metric, log=log)

    def together(self, metric: str | None = None, *, log: bool = True) -> go.Figure:
        """Lay the curves of the best, the runner-up, the cheapest as good, the median and the worst over each other.

        Where points are trained several times, a line is their mean, with a band from the lowest to the highest of
        the trainings, and these as thin lines, each with its seed and fold.

        Args:
            metric: As of `curves`.
            log: As of `curves`.

        Raises:
            TableError: There are no curves of this metric.
        """
        from gridsearch.visualization.figures.together import together_figure

        return together_figure(curves(self._data, tied=ties(self._data)), metric, log=log)

    def comparison(self, axis: str, metric: str | None = None, *, training: bool = True, log: bool = True) -> go.Figure:
        """Plot the curves of the best trial at each value of an axis.

        Args:
            axis: The axis to compare along.
            metric: Any metric that was recorded in two epochs or more, such as `"val_accuracy"`; by default the loss,
                or where there is none the objective.
            training: Draw the training curves too, dotted, where there are any.
            log: Draw it on a logarithmic scale, if it is a loss or its values are far apart.

        Raises:
            TableError: The axis or the metric is not one that can be compared.
        """
        from gridsearch.visualization.figures.comparison import comparison_figure

        return comparison_figure(comparison(self._data, axis), metric, training=training, log=log)

    def confusion(self, trial: str = "") -> go.Figure:
        """Plot the confusion matrix of a trial on the test images.

        Args:
            trial: An evaluated trial's id, or the first digits of it; by default the best ranked one, of a point that
                is trained several times all its evaluated trainings together.

        Raises:
            TableError: No trial was evaluated, `trial` does not match exactly one of those that were, or there are no
                classes.
        """
        from gridsearch.visualization.figures.confusion import confusion_figure

        return confusion_figure(classified(self._data, trial))
