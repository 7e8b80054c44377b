"""Training a recorded trial again, as it was trained: in the same formations, where the store and the machine allow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from gridsearch.analysis.spans import Span, spans, trained_as
from gridsearch.config.events import EpochRecord
from gridsearch.config.identity import parse
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.worker_context import WorkerContexts, choose_device
from gridsearch.engine.trained import supervised
from gridsearch.engine.trained.weights import made_validation
from gridsearch.errors import EngineError, ModelError, StorageError
from gridsearch.store.contract import Store
from gridsearch.store.rows import EpochRow, TrialRow
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.repeating import Neighbour, repeat
from gridsearch.training.stacking.autotune import ALONE
from gridsearch.training.stacking.formations import device_kind
from gridsearch.training.weight_snapshots import Reading, weights_of
from gridsearch.user_code import told


class Repetition:
    """The training of a trial's lineage up to an epoch, to be done once more.

    Without a record of what trained it, or on a machine of another kind, it is trained alone.
    """

    def __init__(self, store: Store, row: TrialRow, config: TrialConfig, epoch: int, device: str) -> None:
        self.row, self.config, self.epoch = row, config, epoch
        self.left_at: int | None = None
        known = spans(store.trainings(row.lineage_id), epoch)
        here = (device_kind(choose_device(device)), str(torch.__version__))
        same = all((span.formation.device, span.formation.torch) == here for span in known)
        steps = [(span, _neighbours(store, span)) for span in known] if same else []
        self.steps = [(span, neighbours) for span, neighbours in steps if neighbours is not None]
        if len(self.steps) < len(steps):
            self.steps = []
        self.how = trained_as(known) if self.steps else "alone"
        if not self.steps and any(len(span.formation.places) > 1 for span in known):
            self.how = f"alone, as the machine or torch is another than when it was {trained_as(known)}"

    def reading(self, settings: WorkerSettings, recorded: Sequence[EpochRow]) -> Reading:
        """Train in a folder of its own, and return the weights after the epoch, with what was measured of them.

        `left_at` is then the first epoch whose numbers are not those `recorded` (epoch e at place e), but for noise,
        if there is one. Torch's threads may be others afterwards. Raises `ModelError` when the training raises, and
        `EngineError` when it does not come to the epoch.
        """
        name = f"trial {self.row.trial_id[:8]}"
        with tempfile.TemporaryDirectory(prefix="gridsearch-") as folder:
            context = WorkerContexts(replace(settings, checkpoints=Path(folder))).at(self.config)
            member = Member(LineageTask(self.row.lineage_id, 0, self.config, -1), context)
            try:
                for record in _in_time(self._epochs(member, context), settings.patience):
                    own = made_validation(record.val_loss, record.val_accuracy)
                    if self.left_at is None and not own.is_of(recorded[record.epoch]):
                        self.left_at = record.epoch
            except (StorageError, MemoryError):
                raise
            except Exception as error:
                raise ModelError(f"{name} cannot be trained again: {told(error)}") from error
            if member.next_epoch != self.epoch + 1:
                raise EngineError(f"{name} did not reach epoch {self.epoch} again; run: gridsearch verify")
            last = member.history[-1]
            return Reading(weights_of(member.state()), last.val_loss, last.val_accuracy)

    def _epochs(self, member: Member, context: WorkerContext) -> Iterator[EpochRecord]:
        if not self.steps:
            own = Neighbour(self.row.lineage_id, self.config, 0, self.epoch)
            yield from repeat(member, ALONE, [own], context, self.epoch)
        for span, neighbours in self.steps:
            torch.set_num_threads(span.formation.threads)
            own = Neighbour(self.row.lineage_id, self.config, span.first, span.last)
            yield from repeat(member, span.formation.strategy, neighbours or [own], context, span.last)


def _in_time(records: Iterator[EpochRecord], patience: float | None) -> Iterator[EpochRecord]:
    """Yield the records; a `supervised` process is ended where one takes longer."""
    while True:
        with supervised.within(patience):
            record = next(records, None)
        if record is None:
            return
        yield record


def _neighbours(store: Store, span: Span) -> list[Neighbour] | None:
    """Return who was in a formation, itself included, with the epochs that each was there; nobody where it was alone.

    None where the store does not have all of them.
    """
    names = [one.lineage_id for one in span.formation.places]
    configs, rows = store.configs(names), store.lineages(names)
    if not configs.keys() >= set(names):
        return None
    found = []
    for one in span.formation.places:
        ends = (one.epochs, rows[one.lineage_id].stopped_epoch, rows[one.lineage_id].diverged_epoch)
        last = min(end for end in ends if end is not None)
        found.append(Neighbour(one.lineage_id, parse(configs[one.lineage_id]), one.epoch, last))
    return found
