"""Jobs of trainings of the user's own: one, four and thirty metrics, no epochs, scores of all signs and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridsearch.analysis.frames import JobData
from tests.analysis.own_grids import own_grid

AXES = {"learning_rate": [0.001, 0.01, 0.1], "depth": [3, 6, 9], "width": [8, 16]}
F1 = {"metric": "val_f1", "at": "last", "mode": "max"}

Point = Mapping[str, Any]
Metrics = dict[str, float | None]


def error(point: Point, epoch: int) -> float:
    """What falls over the epochs of a point, from about 5 to 0.5."""
    return float(10 * point["learning_rate"] + point["depth"] / (1 + epoch) + 1 / point["width"])


def one(point: Point, epoch: int) -> Metrics:
    return {"val_rmse": error(point, epoch)}


def four(point: Point, epoch: int) -> Metrics:
    loss = error(point, epoch)
    return {"train_loss": 0.9 * loss, "val_loss": loss, "train_f1": 1 / (1 + loss), "val_f1": 0.9 / (1 + loss)}


def thirty(point: Point, epoch: int) -> Metrics:
    others = {
        f"{part}_m{number:02}": (number - 7) * error(point, epoch) for number in range(13) for part in ("train", "val")
    }
    return four(point, epoch) | others


def negative(point: Point, epoch: int) -> Metrics:
    return {"val_loss": -3 * error(point, epoch), "reward": -100 + 3 * error(point, epoch)}


def extreme(point: Point, epoch: int) -> Metrics:
    return {
        "val_loss": 1e-9 * error(point, epoch),
        "cost": 1e9 * error(point, epoch),
        "val_wide": 10.0 ** (-9 + 2 * point["depth"] - epoch),
    }


def _falling(metric: str) -> dict[str, str]:
    return {"metric": metric, "at": "last", "mode": "min"}


OWN_JOBS: dict[str, JobData] = {
    "one": own_grid(AXES, one, _falling("val_rmse"), name="one"),
    "four": own_grid(AXES, four, F1, name="four"),
    "thirty": own_grid(AXES, thirty, F1, name="thirty"),
    "without-epochs": own_grid(AXES, four, F1, name="without-epochs", epochs=1),
    "negative": own_grid(AXES, negative, {"metric": "reward", "at": "last", "mode": "max"}, name="negative"),
    "tiny": own_grid(AXES, extreme, _falling("val_loss"), name="tiny"),
    "huge": own_grid(AXES, extreme, _falling("cost"), name="huge"),
    "wide": own_grid(AXES, extreme, _falling("val_wide"), name="wide"),
}
