"""Which grids a connection has checked, and how their trials stood then: no trial is checked twice for nothing.

Other programs write to the store every few seconds, if only that they are alive, and each time SQLite reads the file
anew. What decides how a job stands is short; where it is what it was when its row was checked, that row need not be
taken out and checked again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, select

from gridsearch.config.metrics import METRICS
from gridsearch.store.checked_tables import TRIALS
from gridsearch.store.queries.lookup import AnySelect, Values, batches_in
from gridsearch.store.schema.tables import trials

#: Under this name a connection has what it knows.
_KNOWN = "known grids"
#: What of a trial decides how its job stands, the row's number first; and the checksum.
_STANDING = ("id", "lineage", "state", *METRICS, "seal")
#: The same of a row of `TRIALS.columns`.
standing = itemgetter(*map((*TRIALS.names, "seal").index, _STANDING))
_TRIALS: AnySelect = select(*TRIALS.columns)
#: Trials with what decides how their job stands.
STANDINGS: AnySelect = select(*(TRIALS.columns[(*TRIALS.names, "seal").index(name)] for name in _STANDING))


@dataclass(slots=True)
class KnownGrids:
    """What a connection has checked: jobs by their row numbers, `sound` as long as the file has one version.

    `standings` has a job's trials as they were when they were last checked; None until that is needed, which it is for
    whoever looks again and again.
    """

    version: Any = None
    sound: set[int] = field(default_factory=set)
    standings: dict[int, list[Values] | None] = field(default_factory=dict)

    def keep(self, job: int, standings: list[Values]) -> None:
        """Take note that a grid is sound, and of how its trials stand, if that was gathered."""
        self.standings[job] = standings or None
        self.sound.add(job)

    def is_as_it_was(self, connection: Connection, job: int, now: list[Values]) -> bool:
        """Whether a grid has the trials that it had, rows of `STANDINGS`; those that changed meanwhile are checked."""
        before = self.standings.get(job)
        if before is None or [row[0] for row in before] != [row[0] for row in now]:
            return False
        changed = [row[0] for row, old in zip(now, before, strict=True) if row != old]
        for batch in batches_in(connection, _TRIALS, trials.c.id, changed):
            TRIALS.check_batch(batch)
        self.standings[job] = now
        self.sound.add(job)
        return True


def known_grids(connection: Connection) -> KnownGrids:
    """Return what a connection has checked; its own changes begin with a check of what they change."""
    known: KnownGrids = connection.info.setdefault(_KNOWN, KnownGrids())
    version = connection.exec_driver_sql("PRAGMA data_version").scalar()
    if known.version != version:
        known.version = version
        known.sound.clear()
    return known
