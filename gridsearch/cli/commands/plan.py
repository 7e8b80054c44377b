"""`gridsearch plan`: what launching would train."""

from __future__ import annotations

from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_STORE,
    AsJson,
    DataOption,
    JobFile,
    OnlyOption,
    SetOption,
    StoreOption,
)
from gridsearch.cli.planning import plan_teachers, print_plan
from gridsearch.cli.resources import (
    MODEL_TIMEOUT,
    CheckpointsOption,
    DeviceOption,
    KeepOption,
    ModelTimeoutOption,
    PackOption,
    ThreadsOption,
    Training,
    WorkersOption,
)
from gridsearch.cli.supervising import require_own_process, supervisable

Explain = Annotated[
    bool, typer.Option("--explain", help="Explain each pack: what is in it, why, and how it is trained.")
]


@supervisable
def plan(
    job: JobFile,
    set_: SetOption = None,
    only: OnlyOption = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
    workers: WorkersOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    pack: PackOption = "auto",
    keep: KeepOption = "auto",
    checkpoints: CheckpointsOption = None,
    model_timeout: ModelTimeoutOption = MODEL_TIMEOUT,
    explain: Explain = False,
    as_json: AsJson = False,
) -> None:
    """Print what a launch would train, without writing anything."""
    training = Training(
        store,
        data_dir,
        workers=workers,
        device=device,
        threads=threads,
        pack=pack,
        keep=keep,
        checkpoints=checkpoints,
        model_timeout=model_timeout,
    )
    spec = jobs.load(job, set_, only)
    if explain:
        require_own_process(spec.models)  # its strategies are measured
    if not as_json:
        plan_teachers(spec, training)
    print_plan(spec, training, as_json=as_json, explained=explain)
