"""Jobs against each other: their settings, shared cells, the best of each, curves, and differences from a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsearch.analysis.choices import By
from gridsearch.analysis.comparing.cautions import cautions
from gridsearch.analysis.comparing.contrast import Contrast, contrasts
from gridsearch.analysis.comparing.overlap import measured_anew
from gridsearch.analysis.comparing.paired import Interval, difference
from gridsearch.analysis.comparing.shared import Pairing, pairing
from gridsearch.analysis.comparing.sides import Side
from gridsearch.analysis.comparison import Comparison
from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import curves_of
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.plots import is_cross_entropy, plots_of
from gridsearch.analysis.standings import standings
from gridsearch.analysis.ties import Ties, ties
from gridsearch.errors import nearest

#: What a curve stands for, where those of a setting's values have its name.
JOB = "job"
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Baseline:
    """A trial that scores are held against.

    Attributes:
        trial: Its id.
        label: The job that it is of.
        score: Its score; of a point the mean.
        repeats: Of how many trials the score is.
        settings: Its values on the axes, as text.
    """

    trial: str
    label: str
    score: float
    repeats: int
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BestOfJob:
    """The best of a job, beside those of others.

    Attributes:
        label: The job.
        heading: What its score is.
        highest: Whether higher scores are better.
        trials: How many trials its grid has.
        scored: How many of its trials, or points, have a score and did not diverge.
        unit: What these are: `trial` or `point`.
        ties: The best, and what is tied with it; None where nothing may be the best.
        lead: The best minus the baseline's score, else minus the best of the first job; None where scores cannot be
            compared, as of other data, and of what is held against itself.
        interval: The 95 % interval of that; None where its error is not known.
        above: How many of those scored are better than the baseline; None without one.
        shared: Whether a result of the best is one of what it is held against, too.
        data: The data sets of the best, by their fingerprints.
    """

    label: str
    heading: str
    highest: bool
    trials: int
    scored: int
    unit: str
    ties: Ties | None
    lead: float | None
    interval: Interval | None
    above: int | None
    shared: bool
    data: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class JobComparison:
    """Jobs against each other; the first is the reference.

    Attributes:
        labels: What the jobs are called.
        by: What stands for a cell of several points.
        contrasts: What differs in their settings.
        bests: The best of each.
        pairings: Each job but the first, held against the first cell by cell.
        curves: The curves of the best of each; None where no job has any.
        baseline: What scores are held against; None without one.
        cautions: What keeps differences from being those of the settings alone, in words.
    """

    labels: tuple[str, ...]
    by: By
    contrasts: tuple[Contrast, ...]
    bests: tuple[BestOfJob, ...]
    pairings: tuple[Pairing, ...]
    curves: Comparison | None
    baseline: Baseline | None
    cautions: tuple[str, ...]

    def pairing(self, other: str = "") -> Pairing:
        """Return a job held against the first, by its label; by default the second job.

        Raises:
            TableError: No job of the comparison but the first is called so.
        """
        named = {pair.labels[1]: pair for pair in self.pairings}
        if other and other not in named:
            raise TableError(f"no job {other!r} is held against {self.labels[0]}{nearest(other, list(named))}")
        return named[other] if other else self.pairings[0]

    def settings_frame(self) -> pd.DataFrame:
        """Return what differs, a row each, a column for each job."""
        rows = {one.name: one.values for one in self.contrasts}
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(self.labels)).rename_axis("setting")

    def bests_frame(self) -> pd.DataFrame:
        """Return the best of each job: score with its interval, how many are tied, its lead, its settings."""
        rows = [
            {
                JOB: one.label,
                "metric": one.heading,
                "trial": one.ties.best.trial if one.ties else None,
                "score": one.ties.best.score if one.ties else None,
                "tied": one.ties.count if one.ties else None,
                "lead": one.lead,
                "low": one.interval[0] if one.interval else None,
                "high": one.interval[1] if one.interval else None,
                **dict(one.ties.best.settings if one.ties else ()),
            }
            for one in self.bests
        ]
        return pd.DataFrame(rows).set_index(JOB)


def compare(sides: Sequence[Side], *, baseline: str | None = None, by: By = "best") -> JobComparison:
    """Hold jobs against the first of them.

    Args:
        sides: The jobs; curves are drawn of those whose epochs were read.
        baseline: A trial of one of them, by the beginning of its id: differences are then from its score.
        by: What stands for a cell in which a job has several points: the best of them, or their mean.

    Raises:
        TableError: `by` is neither of the two, or the baseline is no trial of these jobs with a score.
    """
    if by not in ("best", "mean"):
        raise TableError(f"unknown way to tell a cell: {by!r}{nearest(by, ['best', 'mean'])}; best or mean")
    found = None if baseline is None else _baseline(sides, baseline)
    bests = tuple(_best(side, sides[0], found) for side in sides)
    pairings = tuple(pairing(sides[0], other, by) for other in sides[1:])
    return JobComparison(
        labels=tuple(side.label for side in sides),
        by=by,
        contrasts=contrasts(sides),
        bests=bests,
        pairings=pairings,
        curves=_curves(sides),
        baseline=found[2] if found else None,
        cautions=tuple(cautions(sides, bests, pairings)),
    )


#: A point: its job, and its row there.
_Row = tuple[Side, dict[Any, Any]]
#: A baseline with its job, and the row of its point there.
_Found = tuple[Side, dict[Any, Any], Baseline]


def _baseline(sides: Sequence[Side], beginning: str) -> _Found:
    ids = {row.trial_id: side for side in reversed(sides) for row in side.data.rows}
    named = [trial for trial in ids if trial.startswith(beginning)] if beginning else []
    if not named:
        names = ", ".join(side.label for side in sides)
        raise TableError(
            f"baseline {beginning!r}: no trial of {names} has an id that begins so; gridsearch top JOB prints ids"
        )
    if len(named) > 1:
        raise TableError(f"baseline {beginning!r}: {len(named)} trials have ids that begin so; write more digits")
    side = ids[named[0]]
    row = side.row_of(named[0])
    if pd.isna(row["score"]):
        raise TableError(
            f"baseline {beginning!r}: trial {named[0][:_DIGITS]} of {side.label} is {row['state']}, without a score"
        )
    members = side.members(named[0])
    return side, row, Baseline(named[0], side.label, float(row["score"]), len(members), side.points.settings_texts(row))


def _best(side: Side, first: Side, baseline: _Found | None) -> BestOfJob:
    found = ties(side.data)
    held = (baseline[0], baseline[1]) if baseline else _best_row(first)
    own = _best_row(side)
    lead, interval, shared = None, None, False
    if own and held and _comparable(own, held) and (baseline or side is not first):
        lead, interval, shared = _lead(own, held)
    above = None
    if baseline and (own is None or _comparable(own, baseline[:2])) and side.comparable(baseline[0]):
        scores = side.scored["score"]
        score = baseline[2].score
        above = int(((scores > score) if side.data.objective.highest else (scores < score)).sum())
    return BestOfJob(
        label=side.label,
        heading=side.data.objective.heading,
        highest=side.data.objective.highest,
        trials=len(side.data.rows),
        scored=len(side.scored),
        unit="point" if side.data.job.record.has_groups else "trial",
        ties=found,
        lead=lead,
        interval=interval,
        above=above,
        shared=shared,
        data=tuple(sorted(side.data_sets(_members(own)))) if own else (),
    )


def _comparable(own: _Row, held: _Row) -> bool:
    """Whether two points have scores of one objective on the same data."""
    return own[0].comparable(held[0]) and own[0].data_sets(_members(own)) == held[0].data_sets(_members(held))


def _lead(own: _Row, held: _Row) -> tuple[float, Interval | None, bool]:
    """Return one point's score minus another's, its interval, and whether a result of one is one of the other, too."""
    common = bool(_members(own) & _members(held))
    if common and not measured_anew(own[0], held[0]):
        # Of a result that is in both no interval is asked for.
        return float(own[1]["score"]) - float(held[1]["score"]), None, True
    zero, score, interval = difference(held, own, together=common)
    return score - zero, interval, False


def _members(point: _Row) -> frozenset[str]:
    return point[0].members(str(point[1]["trial"]))


def _best_row(side: Side) -> _Row | None:
    order = standings(side.data)
    return (side, side.row_of(order.trials[0])) if order.scored else None


def _curves(sides: Sequence[Side]) -> Comparison | None:
    """Return the curve of the best of each job that has a score and whose epochs are at hand."""
    drawn: list[Curve] = []
    labels: list[str] = []
    for side in sides:
        if side.data.curves is None:
            continue
        order = standings(side.data)
        if order.scored:
            drawn += curves_of(side.data, order, [0], side.label)
            labels.append(side.label)
    records = [side.data.job.record for side in sides]
    # The title of the axis is for all of them.
    record = next((one for one in records if not is_cross_entropy(one)), records[0])
    plots = plots_of(record, drawn)
    return Comparison(JOB, JOB, False, tuple(labels), tuple(drawn), plots) if plots else None
