"""The best trials of a job: the one ranking that tables, pages, weights, evaluation, teachers and progress go by.

It is the order of `ranked`, of trials or, where each is trained several times, of points (`grouped`), as far as
`may_win` allows. Where the numbers that decide are columns of the store, the store ranks, without reading every trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsearch.config.events import SCORED_STATES
from gridsearch.config.identity import point_of
from gridsearch.config.metrics import metric_of
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrialRow

if TYPE_CHECKING:
    from gridsearch.analysis.labels import Spread


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the ranking: a trial, or a point with several trials.

    Attributes:
        row: The trial; of a point the first one with a score.
        score: Its score; of a point the mean.
        members: The trials of the point that have a score, in the order of the grid.
        of: How many trials the point has.
        spread: How the scores of a point spread; None for a single trial.
    """

    row: TrialRow
    score: float
    members: tuple[TrialRow, ...]
    of: int = 1
    spread: Spread | None = None


def best(store: Store, name: str, n: int | None = None) -> list[Place]:
    """Return the best places of a job, the best first.

    Only what has a score and keeps the job's constraints has a place. Ties keep the order of the grid.

    Args:
        store: The store.
        name: The job.
        n: How many places; None for all.

    Raises:
        StoreError: There is no such job.
    """
    record = store.job(name).record
    asked = record.objective
    if asked.at == "last" and not record.limits and not record.has_groups and n is not None:
        rows = store.ranking(name, asked.metric, n, highest=asked.highest)
        scores = ((row, metric_of(row, asked.metric)) for row in rows)
        return [Place(row, score, (row,)) for row, score in scores if score is not None]
    # Means, constraints and the best of all epochs are no columns of the store.
    from gridsearch.analysis.frames import load, may_win
    from gridsearch.analysis.groups import grouped
    from gridsearch.analysis.ranking import ranked, spread_of

    data = load(store, name, with_cost=False)
    rows_by_id = {row.trial_id: row for row in data.rows}
    points: dict[str, list[TrialRow]] = {}
    for row in data.rows:
        key = point_of(row.config, record.repeated_seeds) if record.has_groups else row.trial_id
        points.setdefault(key, []).append(row)
    members_of = {row.trial_id: members for members in points.values() for row in members}
    frame = ranked(grouped(data) if record.has_groups else data)
    found = []
    for place in frame[may_win(frame)].head(len(frame) if n is None else max(n, 0)).to_dict("records"):
        members = members_of[place["trial"]]
        scored = tuple(row for row in members if row.state in SCORED_STATES)
        found.append(Place(rows_by_id[place["trial"]], place["score"], scored, len(members), spread_of(place)))
    return found
