"""The grid on Optuna: its GridSampler in several processes on one storage, a report per epoch.

The storage is a `JournalStorage` on a file: Optuna advises against SQLite for several processes (locks,
slow), and the journal file is its alternative that needs no server. Every process has the sampler with the
same seed, as the documentation of `GridSampler` recommends; near the end two processes may still train one
point, as it warns.

Started by `peers.py` with a task file and a record file.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from peers_train import Data, Record, Task, due, load_data, read_task, train, warm_up, write_records

STUDY = "digits"
Space = dict[str, list[float]]


def open_storage(folder: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(folder / "journal.log")))


def space_of(task: Task) -> Space:
    """Return the four axes, or the positions of the points when these are not a whole product."""
    return task.axes or {"index": list(range(len(task.points)))}


def objective(trial: optuna.Trial, task: Task, data: Data) -> float:
    """Train the point Optuna suggests, report as it goes, keep the curves with the trial."""
    chosen = {name: trial.suggest_categorical(name, values) for name, values in space_of(task).items()}
    point = task.points[index_of(chosen, task)]
    history = []
    for metrics in train(point, data):
        history.append(metrics)
        if due(len(history), point, task.report_every):
            trial.report(metrics["validation_accuracy"], len(history))
    trial.set_user_attr("history", history)
    return history[-1]["validation_accuracy"]


def index_of(chosen: dict[str, float], task: Task) -> int:
    """Return the position of the point with these parameters."""
    return int(chosen["index"]) if "index" in chosen else positions(task.axes)[tuple(chosen.values())]


def positions(axes: Space) -> dict[tuple[float, ...], int]:
    """Return the position of every combination of the axes' values, in the order of `itertools.product`."""
    return {values: index for index, values in enumerate(itertools.product(*axes.values()))}


def work(task: Task) -> None:
    """Take and train points until the sampler says that the grid is exhausted."""
    warm_up()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.GridSampler(space_of(task), seed=0)
    study = optuna.load_study(study_name=STUDY, storage=open_storage(task.folder), sampler=sampler)
    study.optimize(partial(objective, task=task, data=load_data(task.data).on(task.device)))


def record_of(trial: FrozenTrial, task: Task) -> Record:
    chosen = {name: trial.params[name] for name in space_of(task)}
    last = trial.user_attrs["history"][-1]
    started, ended = _seconds(trial.datetime_start), _seconds(trial.datetime_complete)
    return Record(index_of(chosen, task), started, ended, last["seconds"], last["validation_accuracy"])


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0


def main() -> None:
    warm_up()  # where processes are forked, the workers inherit it
    task, record_file = read_task()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=STUDY, storage=open_storage(task.folder), direction="maximize")
    workers = [multiprocessing.Process(target=work, args=(task,)) for _ in range(task.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=max(0.0, task.deadline - time.time()))
        if worker.is_alive():
            worker.kill()
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    write_records([record_of(trial, task) for trial in finished], record_file)


if __name__ == "__main__":
    main()
