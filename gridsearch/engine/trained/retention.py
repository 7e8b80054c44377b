"""Keeping the weights of a job's best trials: while it is trained the best so far, at its end the winners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path

from gridsearch import paths
from gridsearch.analysis.best import best
from gridsearch.analysis.limits import exceeded
from gridsearch.config.events import EVERY_TRIAL, RESULT_STATES, SCORED_STATES, EpochRecord
from gridsearch.config.identity import parse
from gridsearch.config.metrics import metric_of
from gridsearch.config.sections import Objective
from gridsearch.config.trial import TrialConfig
from gridsearch.config.trial_epoch import reading_epoch
from gridsearch.engine.trained.weights import Kept, Validation, has_weights, made_validation, write_weights
from gridsearch.store.contract import Store
from gridsearch.store.rows import EpochRow, TrialRow
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.recipe.normalization import Normalizer
from gridsearch.training.weight_snapshots import Reading, ReadingFolder, weights_of

#: By default so many trials' weights are kept where they take at most so many bytes together, else the best's.
KEPT_IF_SMALL, SMALL_BYTES = 5, 64 * 10**6


def keep_by_size(store: Store, job: str) -> int:
    """Return of how many trials of a job weights are kept, by the size of its largest model; one where that is unknown.

    Only parameters are counted, not buffers, nor what a file has beside them.
    """
    rows = store.trials(job)
    sizes = [None if row.parameters is None else row.parameters * _bytes_of_a_number(row.config) for row in rows]
    largest = max((size for size in sizes if size is not None), default=None)
    if largest is None or None in sizes:
        return 1
    return number_to_keep(largest)


def number_to_keep(largest: int) -> int:
    """Return of how many trials weights are kept by default, where those of one take at most so many bytes."""
    return KEPT_IF_SMALL if KEPT_IF_SMALL * largest <= SMALL_BYTES else 1


def _bytes_of_a_number(config: str) -> int:
    # Parsing every configuration of a large grid would take seconds.
    return 8 if '"precision":"float64"' in config else 4


def trial_epoch(objective: Objective, row: TrialRow, history: Sequence[EpochRow]) -> int | None:
    """Return the epoch whose weights are a trial's, given its lineage's epochs; None where it has none yet."""
    return reading_epoch(parse(row.config), objective, history) if row.state in SCORED_STATES else None


@dataclass(frozen=True, order=True)
class _Kept:
    """A trial among the best so far; the worst is the least."""

    score: float
    place: int
    lineage_id: str
    epoch: int


class BestSoFar:
    """Follows a job's trials as they complete, and removes the weights of those that are not among the best `keep`.

    A lineage that is being trained keeps the weights of all its readings until it has ended. Where each point is
    trained several times, means decide, and nothing is removed before the launch ends. Those that go on `later`, in
    another launch, keep theirs too.
    """

    def __init__(
        self,
        store: Store,
        store_path: Path,
        job: str,
        grid: Iterable[str],
        keep: int,
        later: Collection[str] = (),
    ) -> None:
        row = store.job(job)
        self.store, self.keep, self.bounds = (
            store,
            keep if not row.record.has_groups else EVERY_TRIAL,
            row.record.limits,
        )
        self.objective, self.later = row.record.objective, frozenset(later)
        self.root = paths.reading_dir(store_path, job)
        # Of equal scores the first in the grid is the best.
        self.places = {trial_id: -place for place, trial_id in enumerate(grid)}
        self.best: list[_Kept] = []
        known = [row for row in best_trials(store, job, self.keep) if row.trial_id in self.places]
        ours = [row for row in known if not exceeded(row, self.bounds)]
        self._add(ours, self._curves(ours))

    def take(self, finished: Collection[TrialRow], ended: Collection[str], training: Collection[str]) -> None:
        """Learn which trials are finished and which lineages ended just now, and which are still to be trained.

        What another launch of the job has claimed since is its own to remove.
        """
        # All that is read comes first: a lock may end this, and it is then done once more from its start.
        ours = [row for row in finished if row.trial_id in self.places and not exceeded(row, self.bounds)]
        curves = self._curves(ours)
        concerned = set(ended)
        if len(self.best) + len(ours) > self.keep:
            concerned |= {row.lineage_id for row in ours} | {kept.lineage_id for kept in self.best}
        idle = concerned - set(training) - self.later
        rows = self.store.lineages(idle) if idle else {}
        touched = self._add(ours, curves) | set(ended)
        touched = {one for one in touched if one in rows and rows[one].launch_id is None}
        wanted = defaultdict(set)
        for kept in self.best:
            wanted[kept.lineage_id].add(kept.epoch)
        for lineage_id in touched:
            ReadingFolder(self.root, lineage_id).keep_only(wanted[lineage_id])

    def _add(self, rows: Collection[TrialRow], curves: Mapping[str, Sequence[EpochRow]]) -> set[str]:
        """Let trials compete; return the lineages of those that are no longer among the best."""
        displaced = set()
        for row in rows:
            epoch = trial_epoch(self.objective, row, curves[row.lineage_id])
            if epoch is None:
                continue
            score = self.objective.rank(metric_of(curves[row.lineage_id][epoch], self.objective.metric))
            heappush(self.best, _Kept(score, self.places[row.trial_id], row.lineage_id, epoch))
            if len(self.best) > self.keep:
                displaced.add(heappop(self.best).lineage_id)
        return displaced

    def _curves(self, rows: Iterable[TrialRow]) -> dict[str, list[EpochRow]]:
        curves: defaultdict[str, list[EpochRow]] = defaultdict(list)
        for epoch in self.store.epochs({row.lineage_id for row in rows}):
            curves[epoch.lineage_id].append(epoch)
        return curves


def weights_at_hand(store_path: Path, job: str, row: TrialRow, epoch: int) -> Reading | None:
    """Return a trial's weights, with what was measured of them, or None.

    They are there where a launch of its job or a checkpoint has just that epoch.
    """
    found = ReadingFolder(paths.reading_dir(store_path, job), row.lineage_id).load(epoch)
    if found is None:
        checkpoint = CheckpointFolder(paths.checkpoint_dir(store_path), row.lineage_id).load()
        if checkpoint and checkpoint.epoch == epoch:
            last = checkpoint.history[-1]
            assert isinstance(last, EpochRecord)  # of a model of ours: a user's own training keeps no weights
            found = Reading(weights_of(checkpoint.tensors), last.val_loss, last.val_accuracy)
    return found


def validation_of(reading: Reading) -> Validation | None:
    """Return what was measured of weights when they were made, as far as it is known."""
    return None if reading.val_loss is None else made_validation(reading.val_loss, reading.val_accuracy)


def write_winners(
    store: Store, store_path: Path, name: str, keep: int, normalizer: Callable[[TrialConfig], Normalizer | None]
) -> list[TrialRow]:
    """Write the weights of a job's best trials that are not written yet; return those whose weights are gone.

    `normalizer` tells what is done to the images of a configuration, for whoever uses the weights.
    """
    job = store.job(name)
    objective = job.record.objective
    lost = []
    for row in best_trials(store, name, keep):
        curve = store.epochs([row.lineage_id])
        epoch, file = trial_epoch(objective, row, curve), paths.weights_file(store_path, row.trial_id)
        if has_weights(file, row.trial_id, epoch):
            continue
        found = None if epoch is None else weights_at_hand(store_path, name, row, epoch)
        if epoch is not None and found is not None:
            normal = normalizer(parse(row.config))
            write_weights(file, Kept(job, row, curve[epoch], found.weights, normal, validation_of(found)))
        elif not has_weights(file, row.trial_id, epoch):  # another launch of the job may have just written them
            lost.append(row)
    return lost


def best_trials(store: Store, name: str, keep: int) -> list[TrialRow]:
    """Return the best of a job's trials, or all that have a score: repeats and folds too, that stand for no point."""
    if keep == EVERY_TRIAL:
        return [row for row in store.trials(name) if row.state in SCORED_STATES]
    return [place.row for place in best(store, name, keep)]


def clear_readings(store: Store, store_path: Path, name: str) -> None:
    """Remove what launches of a job have gathered, but for lineages that may still be trained, or just are."""
    root = paths.reading_dir(store_path, name)
    if not root.exists():
        return
    unfinished = {row.lineage_id for row in store.trials(name) if row.state not in RESULT_STATES}
    found = {folder.name for folder in root.iterdir()} - unfinished
    claimed = {lineage_id for lineage_id, row in store.lineages(found).items() if row.launch_id is not None}
    for lineage_id in found - claimed:
        ReadingFolder(root, lineage_id).keep_only(())
