"""Finished grids of a training of the user's own, whose metrics have whatever names and sizes a test wants."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gridsearch.analysis.frames import JobData
from gridsearch.store.rows import EpochRow
from tests.analysis.grids import job_data, make_job, make_trial

#: What a point reports in an epoch, from 1 on.
Report = Callable[[Mapping[str, Any], int], dict[str, float | None]]


def own_grid(
    axes: Mapping[str, Sequence[Any]],
    report: Report,
    objective: Mapping[str, str],
    *,
    epochs: int = 6,
    seconds: float = 0.5,
    name: str = "own",
    **job: Any,
) -> JobData:
    """A grid whose trials reported `report(point, epoch)` in epochs of so many seconds, and no other."""
    rows, recorded = [], []
    for values in itertools.product(*axes.values()):
        point = dict(zip(axes, values, strict=True)) | {"epochs": epochs}
        curve = [{}, *(report(point, epoch) for epoch in range(1, epochs + 1))]
        standard = dict.fromkeys(("train_loss", "train_accuracy", "val_loss", "val_accuracy"))
        row = make_trial(point, **standard, more=curve[-1])
        rows.append(row)
        recorded += [
            EpochRow(row.lineage_id, epoch, None, None, None, None, None, seconds * bool(epoch), found)
            for epoch, found in enumerate(curve)
        ]
    spec = {"objective": objective, "training": "function", "dataset": "", "images": {}, "model": "my_training:train"}
    return job_data(make_job(axes, name=name, **(spec | job)), rows, recorded)
