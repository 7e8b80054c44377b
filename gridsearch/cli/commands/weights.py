"""A command that launches give to a process of their own: see to it that a teacher's weights are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_STORE, DataOption, StoreOption
from gridsearch.cli.resources import (
    MODEL_TIMEOUT,
    DeviceOption,
    ModelTimeoutOption,
    ThreadsOption,
    TrialTimeoutOption,
)
from gridsearch.cli.streams import say
from gridsearch.config.durations import seconds_of

if TYPE_CHECKING:
    from gridsearch.cli.resources import Training

NAME = "weights"


def arguments(training: Training, teacher: str, patience: float | None) -> list[str]:
    """Return the command line for a teacher, `ID@EPOCH`, of a launch; `patience` are seconds for an epoch, if any."""
    options: dict[str, object] = {
        "store": training.store,
        "data-dir": training.data_dir,
        "device": training.device,
        "threads": training.threads,
        "model-timeout": training.model_timeout,
        "trial-timeout": None if patience is None else f"{patience}s",
    }
    return [NAME, teacher, *(f"--{name}={value}" for name, value in options.items() if value is not None)]


def weights(
    teacher: Annotated[str, typer.Argument(metavar="ID@EPOCH")],
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    model_timeout: ModelTimeoutOption = MODEL_TIMEOUT,
    trial_timeout: TrialTimeoutOption = None,
) -> None:
    """Keep the weights that a trial has after an epoch, training it again where they are not kept yet."""
    from gridsearch.engine.trained.load import ModelSource, teacher_file
    from gridsearch.store.opening import open_store

    with open_store(store, create=False, read_only=True) as opened:
        source = ModelSource(
            opened,
            store,
            paths.data_dir(data_dir),
            device,
            threads,
            note=say,
            building=seconds_of(model_timeout),
            patience=seconds_of(trial_timeout) if trial_timeout else None,
        )
        teacher_file(source, teacher)
