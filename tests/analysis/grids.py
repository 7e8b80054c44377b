"""Small grids whose every number is known, as rows of the store."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gridsearch.analysis import frames
from gridsearch.analysis.frames import JobData
from gridsearch.config.axes import scale_of
from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.config.identity import canonical, lineage_id, trial_id
from gridsearch.config.trial import RECIPE_KEYS, TrialConfig
from gridsearch.store.rows import EpochRow, JobRow, TrainingCost, TrialRow

START = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
ACCURACY = {"metric": "val_accuracy", "at": "last", "mode": "max"}
SOURCE = "name: sample\n"


def job_data(job: JobRow, rows: Sequence[TrialRow], epochs: Sequence[EpochRow] | None = None) -> JobData:
    """Rows as a store would give them, with what their training took, counted epoch by epoch."""
    limits: dict[str, int] = {}
    for row in rows:
        limits[row.lineage_id] = max(row.epochs, limits.get(row.lineage_id, 0))
    own = [epoch for epoch in epochs or () if epoch.epoch <= limits.get(epoch.lineage_id, -1)]
    cost = TrainingCost(sum(epoch.epoch >= 1 for epoch in own), sum(epoch.seconds for epoch in own))
    return frames.job_data(job, rows, epochs, cost)


def make_job(
    axes: Mapping[str, Sequence[Any]], *, name: str = "sample", objective: Mapping[str, str] = ACCURACY, **more: Any
) -> JobRow:
    written = [{"name": key, "values": list(v), "scale": scale_of(list(v))} for key, v in axes.items()]
    spec = {
        "dataset": "digits",
        "model": "shallow",
        "axes": written,
        "objective": dict(objective),
        "images": {"train": 1294, "validation": 323, "test": 180},
    } | more
    return JobRow(name, 1, spec, SOURCE, START, START + timedelta(minutes=5))


def make_config(settings: Mapping[str, Any]) -> TrialConfig:
    recipe = {"batch_size": 8, "epochs": 3, "learning_rate": 0.1}
    recipe |= {key: value for key, value in settings.items() if key in RECIPE_KEYS}
    of_fold = {key: settings[key] for key in ("split", "fold") if key in settings}
    hyper = {key: value for key, value in settings.items() if key not in RECIPE_KEYS and key not in of_fold}
    return TrialConfig(dataset="fingerprint", model="shallow", hyper=hyper, **recipe, **of_fold)


def make_trial(
    settings: Mapping[str, Any],
    accuracy: float | None = None,
    *,
    state: TrialState = TrialState.COMPLETED,
    **changes: Any,
) -> TrialRow:
    config = make_config(settings)
    done = state in RESULT_STATES
    known: dict[str, Any] = {
        "trial_id": trial_id(config),
        "lineage_id": lineage_id(config),
        "epochs": config.epochs,
        "config": canonical(config),
        "state": state,
        "attempt": 1,
        "train_loss": None if accuracy is None else 2 - 2 * accuracy,
        "train_accuracy": accuracy,
        "val_loss": None if accuracy is None else 2.1 - 2 * accuracy,
        "val_accuracy": accuracy,
        "diverged_epoch": 2 if state == TrialState.DIVERGED else None,
        "error": None,
        "log": None,
        "seconds": 1.5 if done else None,
        "finished_at": START + timedelta(minutes=4) if done else None,
    }
    return TrialRow(**(known | changes))


def make_epochs(rows: Sequence[TrialRow]) -> list[EpochRow]:
    """Epochs of each lineage up to its longest trial: losses fall as 1 / (1 + epoch), one second each."""
    longest: dict[str, TrialRow] = {}
    for row in rows:
        if row.lineage_id not in longest or longest[row.lineage_id].epochs < row.epochs:
            longest[row.lineage_id] = row
    return [
        EpochRow(lineage, epoch, *_measured(row, epoch), learning_rate=0.1, seconds=1.0)
        for lineage, row in longest.items()
        for epoch in range((row.epochs if row.diverged_epoch is None else row.diverged_epoch) + 1)
    ]


def _measured(row: TrialRow, epoch: int) -> tuple[float | None, float, float | None, float]:
    if row.diverged_epoch == epoch:
        return None, 0.1, None, 0.1
    final = row.val_accuracy or 0.1
    accuracy = 0.1 + (final - 0.1) * epoch / max(1, row.epochs)
    return 2.3 / (1 + epoch), accuracy, 2.4 / (1 + epoch), accuracy


def grid(axes: Mapping[str, Sequence[Any]], score: Any, *, name: str = "sample", **job: Any) -> JobData:
    """A finished grid: the score of a point is `score(point)`, None for a diverged trial."""
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    rows = []
    for point in points:
        value = score(point)
        state = TrialState.DIVERGED if value is None else TrialState.COMPLETED
        rows.append(make_trial(point, value, state=state))
    return job_data(make_job(axes, name=name, **job), rows, make_epochs(rows))


#: The axes of the report's main grid.
SHALLOW = {
    "batch_size": [4, 8, 16, 32, 64, 128],
    "epochs": [2, 4],
    "learning_rate": [0.1, 0.01, 0.001, 0.0001],
    "neurons": [10, 25, 50, 100],
}


def shallow_score(point: Mapping[str, Any]) -> float:
    """A score without ties that grows with the learning rate and falls with the batch size."""
    order = [SHALLOW[key].index(point[key]) for key in SHALLOW]
    return 0.95 - 0.1 * order[2] - 0.03 * order[0] + 0.004 * order[1] + 0.001 * order[3]
