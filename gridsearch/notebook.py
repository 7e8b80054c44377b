"""What `import gridsearch` offers in a notebook: a store's jobs as DataFrames and figures.

import gridsearch
shallow = gridsearch.open("results.db").job("shallow")
shallow.top(5)
shallow.figures.scatter(x="learning_rate", color="neurons")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pandas as pd

from gridsearch.analysis.advice.advise import advise
from gridsearch.analysis.advice.piece import Advice
from gridsearch.analysis.cells import cells
from gridsearch.analysis.choices import By, Within
from gridsearch.analysis.comparing.jobs import JobComparison, compare
from gridsearch.analysis.comparing.sides import sides_of
from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.effects import Effects, effects
from gridsearch.analysis.evaluated_points import classified
from gridsearch.analysis.evaluated_trials import evaluated_frame
from gridsearch.analysis.factors import design
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData, load
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.ranking import TableOptions, table
from gridsearch.analysis.running import launches_frame
from gridsearch.analysis.summary import Summary, summary
from gridsearch.analysis.ties import Ties, ties
from gridsearch.analysis.timing import timing
from gridsearch.analysis.updated import updated_at
from gridsearch.notebook_figures import Figures
from gridsearch.paths import store_option
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store

if TYPE_CHECKING:
    import plotly.graph_objects as go


def open(path: str | os.PathLike[str]) -> Results:
    """Open a store for reading.

    Args:
        path: The store's SQLite file, such as `results.db`.

    Returns:
        The store's jobs. Use it in a `with` block, or call `close`, if the file must be free again.

    Raises:
        StoreError: The file does not exist, is not a store, or cannot be read; the message is one line.
    """
    place = Path(path)
    return Results(open_store(place, read_only=True), place)


class Results:
    """The jobs of a store; use it in a `with` block, or call `close`, if the file must be free again."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(row.name for row in self._store.jobs())
        return f"<gridsearch store {self._path.name}: {names or 'no jobs yet'}>"

    def close(self) -> None:
        """Release the store."""
        self._store.close()

    def jobs(self) -> pd.DataFrame:
        """Return one row per job, last updated first.

        Returns:
            Columns: `job`, `trials` and `results` (counts), `best` (the best score, NaN without one), `metric` (what
            the score is) and `updated` (UTC).
        """
        rows = []
        for row in self._store.jobs():
            data = load(self._store, row.name)
            glance = summary(data)
            rows.append(
                {
                    "job": row.name,
                    "trials": glance.total,
                    "results": glance.results,
                    "best": glance.best.score if glance.best else float("nan"),
                    "metric": data.objective.heading,
                    "updated": pd.Timestamp(updated_at(self._store, row)),
                }
            )
        return pd.DataFrame(rows, columns=["job", "trials", "results", "best", "metric", "updated"])

    def job(self, name: str) -> Job:
        """Read a job, as it is now.

        Raises:
            StoreError: There is no job of this name; the message names the nearest one.
        """
        return Job(load(self._store, name, with_epochs=True), self._path)

    def compare(self, *names: str, baseline: str | None = None, by: By = "best") -> Compared:
        """Hold jobs of this store against the first of them; for jobs of different stores see `Job.compare`.

        Args:
            names: The jobs, at least two.
            baseline: A trial of one of them, by the first digits of its id: leads are then over its score.
            by: What stands for a shared cell in which a job has several points: the `"best"` of them, or their
                `"mean"`.

        Raises:
            StoreError: There is no job of such a name; the message names the nearest one.
            TableError: There are fewer than two jobs, one is named twice, or `baseline` is no trial of them.
        """
        sides = sides_of([(load(self._store, name, with_epochs=True), str(self._path)) for name in names])
        return Compared(compare(sides, baseline=baseline, by=by), self._path)


class Compared:
    """Jobs against each other; the first is the reference.

    Attributes:
        found: All numbers, as frozen records (`gridsearch.analysis.comparing.jobs.JobComparison`).
    """

    def __init__(self, found: JobComparison, path: Path) -> None:
        self.found = found
        self._path = path

    def __repr__(self) -> str:
        from gridsearch.analysis.comparing.telling import answer_text

        return f"<gridsearch comparison: {answer_text(self.found)}>"

    def settings(self) -> pd.DataFrame:
        """Return what differs in the settings: a row for each setting, a column for each job."""
        return self.found.settings_frame()

    def bests(self) -> pd.DataFrame:
        """Return the best of each job: its score, how many are tied with it, its lead with the 95 % interval."""
        return self.found.bests_frame()

    def cells(self, other: str = "") -> pd.DataFrame:
        """Return the cells that a job shares with the first, each with the difference of its scores.

        Args:
            other: The job, as the comparison calls it; by default the second.

        Raises:
            TableError: There is no such job in the comparison.
        """
        return self.found.pairing(other).frame()

    def differences(self, other: str = "") -> go.Figure:
        """Plot the difference of each shared cell; `other` and errors as for `cells`."""
        from gridsearch.visualization.figures.paired import differences_figure

        return differences_figure(self.found.pairing(other))

    def scores(self, other: str = "") -> go.Figure:
        """Plot the scores of each shared cell against each other; `other` and errors as for `cells`."""
        from gridsearch.visualization.figures.paired import scores_figure

        zero = self.found.baseline.score if self.found.baseline else None
        return scores_figure(self.found.pairing(other), zero)

    def curves(self, metric: str | None = None, *, training: bool = True, log: bool = True) -> go.Figure:
        """Plot the curves of the best of each job; arguments as for `Figures.comparison`.

        Raises:
            TableError: There are no curves, or none of this metric.
        """
        from gridsearch.visualization.figures.comparison import comparison_figure

        if self.found.curves is None:
            raise TableError("none of these jobs has a trial with curves")
        return comparison_figure(self.found.curves, metric, training=training, log=log)

    def dashboard(self, path: str | os.PathLike[str]) -> Path:
        """Write the page of the comparison to a file and return its path."""
        from gridsearch.visualization.dashboards import write_compared_page

        return write_compared_page(self.found, Path(path), source=self._path.name)


class Job:
    """A job as it was when it was read; ask the store again for newer results."""

    def __init__(self, data: JobData, path: Path) -> None:
        self._data = data
        self._path = path

    @property
    def name(self) -> str:
        """The job's name."""
        return self._data.job.name

    @cached_property
    def summary(self) -> Summary:
        """The job at a glance: counts, the best trial, times, epochs saved."""
        return summary(self._data)

    def __repr__(self) -> str:
        glance = self.summary
        best = ""
        if glance.best:
            settings = ", ".join(f"{name}={value}" for name, value in glance.best.settings if value)
            best = f", best {self._data.objective.heading} {glance.best.text} ({settings})"
        return f"<gridsearch job {self.name!r}: {glance.results} of {glance.total} trials have a result{best}>"

    def trials(self) -> pd.DataFrame:
        """Return one row per trial, in the order of the grid: id, state, settings, last metrics and score.

        The columns are those of `gridsearch.analysis.frames.trials_frame`.
        """
        return self._data.trials.copy()

    def epochs(self) -> pd.DataFrame:
        """Return one row per trial and epoch; epoch 0 is the untrained model."""
        return self._data.epochs

    def points(self) -> pd.DataFrame:
        """Return one row per point: the mean and the spread of its trials' scores over repeats and folds."""
        return grouped(self._data).trials

    def top(
        self, n: int = 5, *, filter: str | None = None, columns: Sequence[str] = (), each: bool = False
    ) -> pd.DataFrame:
        """Return the best trials, best first.

        Args:
            n: How many rows.
            filter: Keep only rows for which this expression holds, such as `"neurons == 50"`.
            columns: The columns to return; by default rank, id, score and the axes.
            each: In a job with repeats or folds, return single trials instead of points with mean and spread.

        Returns:
            One row per trial or point, with the rank as index.

        Raises:
            TableError: The filter or a column is not valid for this job.
        """
        options = TableOptions(top=n, bottom=0, filter=filter, columns=columns, each=each, apart=True)
        return table(self._data, options).frame(ids=not columns)

    def bottom(
        self, n: int = 5, *, filter: str | None = None, columns: Sequence[str] = (), each: bool = False
    ) -> pd.DataFrame:
        """Return the worst trials, worst last; arguments, columns and errors as for `top`."""
        options = TableOptions(top=0, bottom=n, filter=filter, columns=columns, each=each, apart=True)
        return table(self._data, options).frame(ids=not columns)

    def correlation(self, method: str = "pearson") -> pd.DataFrame:
        """Return the correlation coefficients of the numeric axes and the score, as a square table.

        Args:
            method: `"pearson"` compares the values, `"spearman"` their ranks.

        Returns:
            NaN where no coefficient exists: fewer than three trials, or a column that does not vary.

        Raises:
            TableError: The method is neither of the two.
        """
        return correlation(self._data, method).frame()

    def effects(self, within: Within = "all") -> Effects:
        """Return what each axis, each value and each pair of axes does to the score.

        `effects().frame()` and `effects().values_frame()` are the tables of axes and of values.

        Args:
            within: All trials with a score, or the better `"half"` or `"quarter"` of them.

        Raises:
            TableError: `within` is none of these.
        """
        return effects(self._data, within)

    def pair(self, rows: str, columns: str, within: Within = "all") -> pd.DataFrame:
        """Return the mean score of each combination of two axes; NaN where no trial has a score.

        Raises:
            TableError: An axis is not there, or has one value only.
        """
        return cells(design(self._data, within), rows, columns).frame()

    def ties(self) -> Ties | None:
        """Return the best trials, or points, that cannot be told apart; None where nothing may be the best."""
        return ties(self._data)

    def advice(self) -> tuple[Advice, ...]:
        """Return what to do next, each with what was seen, why it matters, the command, and what that takes."""
        return advise(self._data, store=store_option(self._path))

    def launches(self) -> pd.DataFrame:
        """Return one row per launch, oldest first: when, how it ended, on which machine, and where it came from.

        Returns:
            Columns: `started`, `ended` and `outcome` (missing until it ends), `workers`, `machine`, `command`,
            `git_commit` and `git_clean`, the last three missing where they are not known.
        """
        return launches_frame(self._data)

    def compare(self, *others: Job | str, baseline: str | None = None, by: By = "best") -> Compared:
        """Hold other jobs against this one; the rest of the arguments and errors as for `Results.compare`.

        Args:
            others: Jobs of any store, or names of jobs of this one's.
        """
        named = [one for one in others if isinstance(one, str)]
        found: dict[str, JobData] = {}
        if named:
            with open_store(self._path, read_only=True) as store:
                found = {name: load(store, name, with_epochs=True) for name in named}
        jobs = [(found[one], self._path) if isinstance(one, str) else (one._data, one._path) for one in others]
        sides = sides_of([(data, str(path)) for data, path in [(self._data, self._path), *jobs]])
        return Compared(compare(sides, baseline=baseline, by=by), self._path)

    def timing(self, axis: str) -> pd.DataFrame:
        """Return the median time of a step (ms) and of an epoch (s), evaluation included, for each value of an axis.

        Raises:
            TableError: The job has no such axis.
        """
        return timing(self._data, axis).frame()

    def evaluated(self) -> pd.DataFrame:
        """Return the trials that were evaluated on the test images (`gridsearch evaluate`), the best ranked first."""
        return evaluated_frame(self._data)

    def classes(self, trial: str = "") -> pd.DataFrame:
        """Return precision, recall, F1 and number of test images for each class, and their mean in the last row.

        Args:
            trial: An evaluated trial's id, or the first digits of it; by default the best ranked one, of a point that
                is trained several times all its evaluated trainings together.

        Raises:
            TableError: No trial was evaluated, `trial` does not match exactly one of those that were, or there are no
                classes.
        """
        found = classified(self._data, trial)
        return pd.DataFrame([asdict(one) for one in (*found.classes, found.mean)]).set_index("name")

    @property
    def figures(self) -> Figures:
        """The job's figures, as plotly figures."""
        return Figures(self._data)

    def report(self, folder: str | os.PathLike[str], format: str = "md", *, figures: bool = True) -> Path:
        """Write the job as one document to hand in and return its path.

        Args:
            folder: Where it is written, with the job's name; its figures go into `figures/` there.
            format: `"md"`, `"tex"` (figures as PDF) or `"html"` (a single file).
            figures: Whether it has figures, which take kaleido and a Chromium or Chrome on this machine.

        Raises:
            GridsearchError: There is no such format, a program that draws is missing, or a file cannot be written.
        """
        from gridsearch.visualization.document.write import write_report

        return write_report(self._data, Path(folder), format, figures=figures, source=str(self._path))[0]

    def dashboard(self, path: str | os.PathLike[str]) -> Path:
        """Write the job's page to a file and return its path."""
        from gridsearch.visualization.dashboards import write_page

        return write_page(self._data, Path(path), source=self._path.name)
