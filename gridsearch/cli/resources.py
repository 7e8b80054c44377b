"""What a launch may be told about how to train, the same for every command that trains, checked against the machine."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from gridsearch.cli.options import (
    DEFAULT_DASHBOARDS,
    DEFAULT_STORE,
    DashboardsOption,
    DataOption,
    StoreOption,
)
from gridsearch.config.byte_sizes import bytes_of
from gridsearch.config.durations import seconds_of
from gridsearch.config.events import EVERY_TRIAL
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.config.job import OwnTraining
    from gridsearch.config.own_training import Resources as TrialResources

_DEVICES = ("auto", "cpu", "cuda")


def largest_pack(asked: str) -> int | None:
    """Return how many trainings may be one: as many as is good (None), or at most so many."""
    if asked in ("auto", "off"):
        return None if asked == "auto" else 1
    if not asked.isdecimal() or not int(asked):
        raise GridsearchError(f"--pack {asked}: must be auto, off or a number from 1 on")
    return int(asked)


def kept(asked: str) -> int | None:
    """Return how many of the best trials' weights are to be kept; None where their size is to decide."""
    named = {"auto": None, "best": 1, "none": 0, "all": EVERY_TRIAL}
    word, colon, number = asked.partition(":")
    if asked in named:
        return named[asked]
    if word != "top" or not colon or not number.isdecimal() or not int(number):
        raise GridsearchError(f"--keep {asked}: must be auto, best, top:N (N from 1 on), all or none")
    return int(number)


def _checked_keep(asked: str) -> str:
    kept(asked)
    return asked


def _checked_pack(asked: str) -> str:
    largest_pack(asked)
    return asked


def _checked_duration(asked: str | None) -> str | None:
    try:
        if asked:
            seconds_of(asked)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return asked


def checked_size(asked: str | None) -> str | None:
    """Return a limit of bytes as it was written; one that is none is a mistake of the command line."""
    try:
        if asked is not None:
            bytes_of(asked)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return asked


WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", "-w", min=1, help="Worker processes that train in parallel. Default: one per core or GPU."
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", help="Device to compute on: auto, cpu or cuda.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="CPU threads per worker.")]
PackOption = Annotated[
    str,
    typer.Option(
        "--pack", callback=_checked_pack, help="How many models to train together as one: auto, off or a number."
    ),
]
KeepOption = Annotated[
    str,
    typer.Option(
        "--keep",
        callback=_checked_keep,
        help="Which trials' weights to keep in weights/: best, top:N, all or none; auto means top:5 if these take at"
        " most 64 MB, otherwise best.",
    ),
]
CheckpointsOption = Annotated[
    str | None,
    typer.Option(
        "--checkpoints",
        metavar="SIZE",
        callback=checked_size,
        help="Disk limit for the store's checkpoints, such as 5GB; all means no limit, none keeps only those of"
        " unfinished trainings. Above the limit, the least useful checkpoints of finished trainings are deleted"
        " first. Default: the job's checkpoints, or all.",
    ),
]


MODEL_TIMEOUT = "60s"
ModelTimeoutOption = Annotated[
    str,
    typer.Option(
        "--model-timeout",
        callback=_checked_duration,
        help="Time limit for building and trying out a model of your own; its trials fail when it takes longer.",
    ),
]
TrialTimeoutOption = Annotated[
    str | None,
    typer.Option(
        "--trial-timeout",
        callback=_checked_duration,
        help="Stop a worker when none of its trials has finished an epoch for this long, such as 30m. The trial that"
        " hangs fails; the others are trained by another worker. Default: the job's trial_timeout, or no limit.",
    ),
]


@dataclass(frozen=True)
class Training:
    """The options of the commands that train; `with_training` gives them to a command."""

    store: StoreOption = DEFAULT_STORE
    data_dir: DataOption = None
    workers: WorkersOption = None
    gpus_per_worker: Annotated[
        float | None,
        typer.Option("--gpus-per-worker", min=0.0, help="GPUs per worker; may be a fraction, such as 0.5."),
    ] = None
    address: Annotated[str | None, typer.Option("--address", help="Join the Ray cluster at this address.")] = None
    inline: Annotated[bool, typer.Option("--inline", help="Train in this process, without Ray.")] = False
    device: DeviceOption = "auto"
    threads: ThreadsOption = 1
    pack: PackOption = "auto"
    keep: KeepOption = "auto"
    checkpoints: CheckpointsOption = None
    trial_timeout: TrialTimeoutOption = None
    model_timeout: ModelTimeoutOption = MODEL_TIMEOUT
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train failed trials again.")] = False
    dashboard: Annotated[bool, typer.Option("--dashboard/--no-dashboard", help="Write the job's page at the end.")] = (
        True
    )
    output: DashboardsOption = DEFAULT_DASHBOARDS


def with_training(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `Training`; it takes them as one parameter, `training`."""
    own = inspect.signature(command, eval_str=True)
    kinds = get_type_hints(Training, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kinds[field.name]
        )
        for field in fields(Training)
    ]
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in own.parameters.items()
        if name != "training"
    ] + shared

    @functools.wraps(command)
    def run(**options: Any) -> None:
        training = Training(**{field.name: options.pop(field.name) for field in fields(Training)})
        command(**options, training=training)

    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
    return run


@dataclass(frozen=True)
class Resources:
    """What a launch uses: as asked for, and completed from what the machine has."""

    workers: int
    gpus_per_worker: float
    device: str
    threads: int
    inline: bool
    address: str | None
    largest_pack: int | None
    #: How many CPU cores of a cluster's machine each worker needs at least.
    cpus: int = 1


def resources(asked: Training, own: OwnTraining | None = None) -> Resources:
    """Return what a launch may use; `GridsearchError` when the machine does not have it or the options contradict.

    `own` says what a trial of a training of the user's needs.
    """
    if own:
        asked = _for_own(asked, own.resources)
    gpus, device = asked.gpus_per_worker, checked_device(asked.device)
    if asked.inline and (asked.address or gpus is not None or (asked.workers or 1) > 1):
        raise GridsearchError(
            "--inline trains in this process alone: leave out --workers, --gpus-per-worker and --address"
        )
    if device == "cpu" and gpus:
        raise GridsearchError(f"--gpus-per-worker {gpus:g}: --device cpu uses none; use only one of them")
    found = 0 if device == "cpu" else _gpus()
    if not asked.address:  # the machines of a cluster may have what this one has not
        if device == "cuda" and not found:
            raise GridsearchError(
                "--device cuda: torch sees no GPU here; use --device cpu, or look with: gridsearch doctor"
            )
        if gpus and gpus > found:
            has = f"only {found} here" if found else "no GPU here"
            raise GridsearchError(f"--gpus-per-worker {gpus:g}: torch sees {has}; look with: gridsearch doctor")
    workers = 1 if asked.inline else asked.workers or found or cores()
    share = 0.0 if device == "cpu" else gpus if gpus is not None else found / workers
    packs, cpus = largest_pack(asked.pack), own.resources.cpus if own else 1
    return Resources(workers, share, device, asked.threads, asked.inline, asked.address, packs, cpus)


def _for_own(asked: Training, needs: TrialResources) -> Training:
    """Return the options with what trials need; `GridsearchError` where one needs more than this machine has."""
    if asked.pack not in ("auto", "off"):
        raise GridsearchError(f"--pack {asked.pack}: a training of your own gets one trial at a time")
    if asked.threads == 1:
        asked = replace(asked, threads=needs.cpus)
    if asked.gpus_per_worker is None and needs.gpus is not None and asked.device != "cpu" and not asked.inline:
        asked = replace(asked, gpus_per_worker=needs.gpus)
    if asked.address:
        return asked
    if needs.cpus > cores():
        raise GridsearchError(
            f"resources: a trial needs {needs.cpus} CPU cores, and this machine has {cores()} for it; lower cpus, or"
            " join a cluster with --address"
        )
    if needs.gpus and asked.device != "cpu" and (found := _gpus()) < needs.gpus:
        raise GridsearchError(
            f"resources: a trial needs {needs.gpus:g} GPUs, and torch sees {found or 'none'} here; train without with"
            " --device cpu, or join a cluster with --address"
        )
    if asked.inline:
        return asked
    if asked.workers is None:
        by_gpus = int(_gpus() / needs.gpus) if needs.gpus else cores()
        asked = replace(asked, workers=max(1, min(cores() // needs.cpus, by_gpus)))
    return asked


def checked_device(asked: str) -> str:
    """Return the device if there is such a word; whether the machine has it shows later."""
    if asked not in _DEVICES:
        meant = " (did you mean cuda?)" if asked.lower() in ("gpu", "nvidia") else ""
        raise GridsearchError(f"--device {asked}: must be auto, cpu or cuda{meant}")
    return asked


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
