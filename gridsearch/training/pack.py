"""Training a pack: its lineages' events as one stream, in which no lineage's misfortune touches another."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

from gridsearch.errors import GridsearchError, StorageError
from gridsearch.models.registry import one_line
from gridsearch.spec.outcomes import LineageDiverged, LineageFailed, LineageFinished, WorkerEvent
from gridsearch.training.lineage import LineageTraining, is_finite
from gridsearch.training.task import LineageTask, Pack, StopRequestedError, Workplace


def train_pack(pack: Pack, workplace: Callable[[int], Workplace]) -> Iterator[WorkerEvent]:
    """Yield what happens to each lineage of the pack, one lineage after another, until all are done or a stop.

    Raises `StorageError` when checkpoints cannot be written.
    `workplace` gives the place to train for a data seed.
    """
    for task in pack.tasks:
        place = workplace(task.config.data_seed)
        if place.stop():
            return
        try:
            yield from _train(task, place)
        except StopRequestedError:
            return
        except StorageError:
            raise  # of no lineage's making: it ends the launch
        except Exception as error:
            text = str(error) if isinstance(error, GridsearchError) else one_line(error)
            yield LineageFailed(task.lineage_id, task.attempt, text, traceback.format_exc())


def _train(task: LineageTask, place: Workplace) -> Iterator[WorkerEvent]:
    training = LineageTraining(task, place)
    for record in training.run():
        yield record
        if not is_finite(record):
            yield LineageDiverged(task.lineage_id, task.attempt, record.epoch)
            return
    yield LineageFinished(task.lineage_id, task.attempt)
