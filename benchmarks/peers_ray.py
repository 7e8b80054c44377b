"""The grid on Ray Tune: a class Trainable, actors reused, the data put once, a CPU a worker, a report an
epoch.

Points are given longest first, as to the loop, and Ray's own loggers (CSV, JSON, TensorBoard) are off: both
are choices in Ray's favour.

Started by `peers.py` with a task file and a record file.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

os.environ.update(
    RAY_ENABLE_UV_RUN_RUNTIME_ENV="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
    RAY_AIR_NEW_OUTPUT="0",
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
)

import ray
from peers_train import (
    Data,
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
from ray import tune

LONGEST_SOCKET_FOLDER = 30  # Ray's sockets lie some 60 characters deeper, and a socket's path may have about 100


class PointTrainable(tune.Trainable):
    """One trial after another in one process; a step is the epochs between two reports."""

    def setup(self, config: dict[str, Any], data: Data, task: Task) -> None:  # type: ignore[override]
        """Start the process with its first point."""
        warm_up()
        self.data, self.report_every = data.on(task.device), task.report_every
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Go on with the next point."""
        self.point = Point(**new_config["point"])
        self.begun_at = time.time()
        self.epochs = train(self.point, self.data)
        return True

    def step(self) -> dict[str, Any]:
        """Train until the next report is due."""
        for _ in range(self.report_every):
            metrics = next(self.epochs)
            if metrics["epoch"] == self.point.epochs:
                break
        done = metrics["epoch"] == self.point.epochs
        return {**metrics, "done": done, "begun_at": self.begun_at, "reported_at": time.time()}


def fit(task: Task) -> tune.ResultGrid:
    """Run the points on a local Ray until they or the time are over."""
    data = load_data(task.data)
    trainable = tune.with_parameters(PointTrainable, data=data, task=task)
    gpus = 1 if task.device == "cuda" else 0
    points = [{**vars(task.points[index])} for index in longest_first(task.points)]
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1, "gpu": gpus / task.workers}),
        param_space={"point": tune.grid_search(points)},
        tune_config=tune.TuneConfig(reuse_actors=True, time_budget_s=max(1.0, task.deadline - time.time())),
        run_config=tune.RunConfig(
            name="digits",
            storage_path=str(task.folder / "tune"),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    )
    return tuner.fit()


def records_of(results: tune.ResultGrid, task: Task) -> list[Record]:
    """Return the trials that reached their last epoch."""
    positions = {point: index for index, point in enumerate(task.points)}
    records = []
    for position in range(len(results)):
        last = results[position].metrics or {}
        if last.get("done") and "epoch" in last:
            point = Point(**last["config"]["point"])
            times = last["begun_at"], last["reported_at"], last["seconds"]
            records.append(Record(positions[point], *times, last["validation_accuracy"]))
    return records


def temp_folder(folder: Path) -> dict[str, Any]:
    """Keep Ray's own files in the task's folder too, where its path is short enough for sockets."""
    return {"_temp_dir": str(folder / "ray")} if len(str(folder)) <= LONGEST_SOCKET_FOLDER else {}


def main() -> None:
    task, record_file = read_task()
    ray.init(
        num_cpus=task.workers,
        num_gpus=1 if task.device == "cuda" else 0,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        **temp_folder(task.folder),
    )
    try:
        write_records(records_of(fit(task), task), record_file)
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
