"""Following a job while it is trained: each look reads what has changed, and holds no lock for long."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import accumulate

from gridsearch.analysis.best import Place, best
from gridsearch.analysis.labels import brief_text, label, mean_text
from gridsearch.analysis.pace import Pace
from gridsearch.analysis.rounding import rounded
from gridsearch.analysis.sparing import Sparing
from gridsearch.analysis.sweep import AtWork, Line, Result, Sweep, Worker
from gridsearch.analysis.work import Work
from gridsearch.config.events import SCORED_STATES, TrialState
from gridsearch.config.metrics import metric_of
from gridsearch.config.record import JobRecord
from gridsearch.config.trial_epoch import scored_epoch
from gridsearch.store.contract import Store
from gridsearch.store.rows import LaunchRow, LineageCurve, LineageRow, TrialRow
from gridsearch.store.signs_of_life import Life, all_lost, holders, life

#: Trials that are named as the newest, and trainings at work of which curves are drawn.
NEWEST, RUNNING = 8, 4
#: Scores of the history, and failures' causes, that are kept.
_HISTORY, _CAUSES = 500, 5
#: What takes long for jobs of very many trials takes at most this share of the time.
_SHARE = 0.05
#: Seconds after which everything is read once more: another job's launch may have trained the same trials.
_AGAIN_SECONDS = 30.0
#: So many trainings at work are asked how far they are, at most: no machine has more workers.
_MOST_RUNNING = 1000


class Follower:
    """Looks at a job of a store again and again.

    The first look reads all of its trials, later ones those that changed. `StoreError` where there is no such job, or
    the store cannot be read; the next look then goes on from where the last one stood.
    """

    def __init__(self, store: Store, job: str) -> None:
        self._store, self._name = store, job
        self._record: JobRecord | None = None
        self._what = ""
        self._revision, self._last = 0, 0
        self._trials: dict[str, TrialRow] = {}
        self._order: dict[str, int] = {}
        self._scores: dict[str, float] = {}
        #: Trials that have ended with when they did, the latest last; and those that are trained, or failed.
        self._ended: list[tuple[datetime, str]] = []
        self._running: set[str] = set()
        self._failed: set[str] = set()
        self._counts: Counter[TrialState] = Counter()
        self._behind: set[str] = set()
        self._work = Work()
        self._pace = Pace()
        self._again = Sparing(self._read_all, _SHARE, least=_AGAIN_SECONDS)
        self._workers = Sparing(lambda: store.at_work(job), _SHARE)
        self._best = Sparing(lambda: best(store, job, 1), _SHARE)
        self._best_of = -1

    def look(self) -> Sweep:
        """Return how the job goes now."""
        if self._record is None or self._again.due:
            self._again.now()
        found = self._store.changes(self._name, self._last)
        while found.revision == self._revision:
            self._take(found.trials)
            self._last = found.last
            if found.whole:
                break
            found = self._store.changes(self._name, self._last)
        else:
            self._again.now()
        self._reach()
        return self._tell()

    @property
    def settled(self) -> bool:
        """Whether the last look told all there is; else another is to follow, though nothing changes."""
        return self._best_of == len(self._scores)

    def _read_all(self) -> None:
        start = self._store.changes(self._name, None)
        job, rows = self._store.job(self._name), self._store.trials(self._name)
        record = self._record = job.record
        models = record.models_text
        self._what = f"{models} on {record.dataset_text}" if record.dataset_text else models
        self._order = {row.trial_id: place for place, row in enumerate(rows)}
        self._trials, self._scores, self._ended, self._counts = {}, {}, [], Counter()
        self._running, self._failed, self._behind = set(), set(), set()
        longest = dict[str, TrialRow]()
        for row in rows:
            if row.lineage_id not in longest or longest[row.lineage_id].epochs < row.epochs:
                longest[row.lineage_id] = row
        known, self._work = self._work, Work()
        for name, row in longest.items():
            steps = known.steps_of(name) if name in known else _steps(record, row.config)
            self._work.put(name, row.epochs, steps)
        self._take(rows)
        self._note(self._store.lineages(longest))
        self._revision, self._last = start.revision, start.last
        if not self._pace.started:
            self._begin_pace()

    def _begin_pace(self) -> None:
        """Begin with the pace of the launch at work: whoever has just come is told the time left too."""
        work = self._work
        own = [one for one in self._store.open_launches() if one.job == self._name]
        began = [one.started_at for one in own if life(one) is not Life.LOST]
        if began:
            since = min(began)
            fresh = {self._trials[trial].lineage_id for at, trial in self._ended if at >= since}
            fresh |= {self._trials[trial].lineage_id for trial in self._running}
            at = time.monotonic() - max(0.0, (datetime.now(UTC) - since).total_seconds())
            steps, epochs = sum(map(work.steps_reached, fresh)), sum(map(work.reached, fresh))
            self._pace.note(work.steps_done - steps, work.epochs_done - epochs, at=at)
        self._pace.note(work.steps_done, work.epochs_done)

    def _take(self, rows: Iterable[TrialRow]) -> None:
        """Take in trials as they are now."""
        changed = [row for row in rows if row.trial_id in self._order]
        for row in changed:
            trial, before = row.trial_id, self._trials.get(row.trial_id)
            if before is not None:
                self._counts[before.state] -= 1
                if before.finished_at is not None:
                    self._ended.remove((before.finished_at, trial))
            self._trials[trial] = row
            self._counts[row.state] += 1
            self._scores.pop(trial, None)
            for group, state in ((self._running, TrialState.RUNNING), (self._failed, TrialState.FAILED)):
                (group.add if row.state == state else group.discard)(trial)
            if row.finished_at is not None:
                self._ended.append((row.finished_at, trial))
                self._behind.add(row.lineage_id)
        self._ended.sort()
        self._score([row for row in changed if row.state in SCORED_STATES])

    def _score(self, rows: list[TrialRow]) -> None:
        assert self._record is not None
        asked = self._record.objective
        curves: Mapping[str, LineageCurve] = {}
        if asked.at == "best":
            # Of very many trials the last ones: the history has no more.
            rows = sorted(rows, key=lambda row: row.finished_at or row.trial_id)[-_HISTORY:]
            curves = self._store.curves({row.lineage_id for row in rows})
        for row in rows:
            own = row if asked.at == "last" else None
            if own is None and row.lineage_id in curves:
                own = scored_epoch(asked, curves[row.lineage_id].up_to(row.epochs).rows)
            if own is not None and (score := metric_of(own, asked.metric)) is not None:
                self._scores[row.trial_id] = score

    def _reach(self) -> None:
        """Take in how far trainings are; epochs are no events."""
        running = [self._trials[trial].lineage_id for trial in sorted(self._running, key=self._order.__getitem__)]
        self._note(self._store.lineages(dict.fromkeys([*running[:_MOST_RUNNING], *self._behind])))
        self._pace.note(self._work.steps_done, self._work.epochs_done)

    def _note(self, rows: Mapping[str, LineageRow]) -> None:
        lost = {self._trials[trial].lineage_id for trial in self._failed}
        for name, row in rows.items():
            self._work.reach(name, row.epoch, ended=row.answered or name in lost)
        self._behind.clear()

    def _tell(self) -> Sweep:
        assert self._record is not None
        newest = [trial for _, trial in reversed(self._ended[-NEWEST:])]
        open_ones = self._store.open_launches()
        launches, first, work = self._launches(open_ones), self._first(), self._work
        interrupted = all_lost(holders(open_ones, self._name))
        running = [] if interrupted else self._running_rows()
        works = any(one.life is Life.AT_WORK for one in launches)
        asked = self._record.objective
        errors = Counter(self._trials[trial].error or "no cause recorded" for trial in self._failed)
        return Sweep(
            job=self._name,
            what=self._what,
            counts=tuple((state.value, self._counts[state]) for state in TrialState if self._counts[state]),
            interrupted=interrupted,
            training=len({row.lineage_id for row in running}),
            epochs=(work.epochs_done, work.epochs),
            work=work.steps_done / work.steps if work.steps else None,
            epochs_per_second=self._pace.epochs_per_second if works else None,
            seconds_left=self._pace.seconds_left(work.steps - work.steps_done) if works else None,
            heading=asked.heading,
            highest=asked.highest,
            best=self._result(first.row, _score_text(first), first.score) if first else None,
            newest=tuple(self._result(self._trials[trial]) for trial in newest),
            history=self._history(highest=asked.highest),
            lines=self._lines(newest, first, running),
            metric=asked.metric,
            launches=launches,
            causes=tuple(errors.most_common(_CAUSES)),
            last=(self._revision, self._last),
        )

    def _first(self) -> Place | None:
        """Return the best; looked for again where more trials have a score than when it last was."""
        if self._best_of != len(self._scores) and self._best.due:
            self._best_of = len(self._scores)
            self._best.now()
        return next(iter(self._best.last()), None)

    def _running_rows(self) -> list[TrialRow]:
        """Return the trials that the store has as running, in the order of the grid."""
        return [self._trials[trial] for trial in sorted(self._running, key=self._order.__getitem__)]

    def _launches(self, found_open: list[LaunchRow]) -> tuple[AtWork, ...]:
        open_ones = [(one, life(one)) for one in found_open if one.job == self._name]
        if not open_ones:
            return ()
        found = self._workers.sometimes()
        return tuple(
            AtWork(
                one,
                tuple(
                    Worker(len(group.lineage_ids), group.lineage_ids[0], group.heard_at)
                    for group in found
                    if group.launch_id == one.launch_id and state is not Life.LOST
                ),
                state,
            )
            for one, state in open_ones
        )

    def _history(self, *, highest: bool) -> tuple[tuple[float, float, float], ...]:
        order = [(at, self._scores[trial]) for at, trial in self._ended if trial in self._scores]
        if not order:
            return ()
        better = max if highest else min
        leading = accumulate((score for _, score in order), better)
        told = [
            ((at - order[0][0]).total_seconds(), score, best) for (at, score), best in zip(order, leading, strict=True)
        ]
        return tuple(told[-_HISTORY:])

    def _lines(self, newest: list[str], first: Place | None, running: list[TrialRow]) -> tuple[Line, ...]:
        """Return curves of the best, the newest and those that are trained: of each trial, cut at its own epochs."""
        assert self._record is not None
        asked = {first.row.trial_id: ("best", first.row)} if first else {}
        for row in map(self._trials.__getitem__, newest):
            asked.setdefault(row.trial_id, ("new", row))
        longest: dict[str, TrialRow] = {}
        for row in running:
            if self._work.reached(row.lineage_id) and (
                row.lineage_id not in longest or longest[row.lineage_id].epochs < row.epochs
            ):
                longest[row.lineage_id] = row
        for row in list(longest.values())[:RUNNING]:
            asked[row.trial_id] = ("running", row)
        curves = self._store.curves(dict.fromkeys(row.lineage_id for _, row in asked.values()))
        metric, lines = self._record.objective.metric, []
        for why, row in asked.values():
            curve = curves.get(row.lineage_id, LineageCurve(row.lineage_id)).up_to(row.epochs)
            values = curve.metric(metric)
            if len(curve.epoch) > 1 and any(value is not None for value in values):
                words = ", ".join(f"{name} {value}" for name, value in self._settings(row) if value)
                lines.append(Line(row.trial_id, why, words, curve.epoch, values))
        return tuple(lines)

    def _result(self, row: TrialRow, text: str = "", score: float | None = None) -> Result:
        score = self._scores.get(row.trial_id) if score is None else score
        return Result(
            trial=row.trial_id,
            state=row.state.value,
            score=score,
            text=text or (row.state.value if score is None else brief_text(score)),
            settings=self._settings(row),
            at=row.finished_at,
            error=row.error or "",
        )

    def _settings(self, row: TrialRow) -> tuple[tuple[str, str], ...]:
        assert self._record is not None
        own = self._record.settings_of(row.config)
        return tuple(
            (axis.name, rounded([*axis.values, own[axis.name]])[label(own[axis.name])] if axis.name in own else "")
            for axis in self._record.axes
        )


def _score_text(place: Place) -> str:
    return mean_text(place.score, place.spread) if place.spread else brief_text(place.score)


def _steps(record: JobRecord, config: str) -> int:
    """Return how many steps an epoch of a training has; 1 where nobody knows."""
    images = record.images_of(config).get("train")
    if record.training or not images:
        return 1
    batch = record.settings_of(config).get("batch_size")
    return max(1, -(-images // batch)) if isinstance(batch, int) and batch > 0 else 1
