"""The grid as a good plain loop: a process per core, points dealt out longest first, results in memory.

Started by `peers.py` with a task file and a record file.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator

from peers_train import (
    Data,
    Metrics,
    Point,
    Record,
    Task,
    load_data,
    longest_first,
    read_task,
    train,
    warm_up,
    write_records,
)

Result = tuple[Record, list[Metrics]]

_kept: list[Data] = []


def keep_data(data: Data, device: str) -> None:
    """Start a worker: one thread, and the data at hand for every point."""
    warm_up()
    _kept.append(data.on(device))


def train_point(job: tuple[int, Point]) -> Result:
    """Train one point in a worker."""
    index, point = job
    started = time.time()
    history = list(train(point, _kept[0]))
    last = history[-1]
    return Record(index, started, time.time(), last["seconds"], last["validation_accuracy"]), history


def results_in_time(task: Task) -> Iterator[Result]:
    """Train the points on all workers; yield results as they come, and stop at the deadline."""
    jobs = [(index, task.points[index]) for index in longest_first(task.points)]
    given = (load_data(task.data), task.device)
    with multiprocessing.Pool(task.workers, initializer=keep_data, initargs=given) as pool:
        coming = pool.imap_unordered(train_point, jobs)
        for _ in jobs:
            try:
                yield coming.next(timeout=max(0.0, task.deadline - time.time()))
            except multiprocessing.TimeoutError:
                return


def main() -> None:
    warm_up()  # where processes are forked, the workers inherit it
    task, record_file = read_task()
    results = list(results_in_time(task))
    write_records([record for record, _ in results], record_file)


if __name__ == "__main__":
    main()
