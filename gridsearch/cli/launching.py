"""The commands that train, or say what training would do: launch, plan, resume."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_DASHBOARDS,
    DEFAULT_STORE,
    DataOption,
    JobFile,
    OptionalJobName,
    SetOption,
    StoreOption,
)
from gridsearch.cli.streams import data, line_at_once, say
from gridsearch.cli.wording import STOPPING, duration, plural
from gridsearch.engine.interruption import Interruption
from gridsearch.errors import EXIT_COMPLETE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, EngineError, GridsearchError, JobError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridsearch.engine.executor import Executor
    from gridsearch.engine.launch import LaunchEnd
    from gridsearch.engine.preparation import PreparedJob
    from gridsearch.spec.job import JobSpec

Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", min=1, help="Processes that train at once; default: one per core or GPU."),
]
Gpus = Annotated[
    float | None, typer.Option("--gpus-per-worker", min=0.0, help="GPUs for each worker; may be a part, 0.5.")
]
Address = Annotated[str | None, typer.Option("--address", help="Join the Ray cluster at this address.")]
Inline = Annotated[bool, typer.Option("--inline", help="Train in this process, without Ray.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads of each worker.")]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Train failed trials again.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the plan, as the command plan does.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Dashboard = Annotated[bool, typer.Option("--dashboard/--no-dashboard", help="Write the job's page at the end.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder of the pages.", show_default=True)]


class Resources:
    """What a launch may use, as asked for on the command line and completed from what the machine has."""

    def __init__(
        self,
        *,
        workers: int | None,
        gpus: float | None,
        address: str | None,
        inline: bool,
        device: str,
        threads: int,
    ) -> None:
        if device not in ("auto", "cpu", "cuda"):
            raise GridsearchError(f"--device {device}: must be auto, cpu or cuda")
        if inline and (address or gpus is not None or (workers or 1) > 1):
            raise JobError(
                "--inline trains in this process alone: leave out --workers, --gpus-per-worker and --address"
            )
        self.address, self.inline, self.device, self.threads = address, inline, device, threads
        found = 0 if device == "cpu" else _gpus()
        if device == "cuda" and not found and not address:
            raise GridsearchError(
                "--device cuda: torch sees no GPU here; use --device cpu, or look with: gridsearch doctor"
            )
        self.workers = 1 if inline else workers or found or _cores()
        self.gpus_per_worker = 0.0 if device == "cpu" else gpus if gpus is not None else found / self.workers


def launch(
    job: JobFile,
    set_: SetOption = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
    workers: Workers = None,
    gpus_per_worker: Gpus = None,
    address: Address = None,
    inline: Inline = False,
    device: Device = "auto",
    threads: Threads = 1,
    retry_failed: Retry = False,
    dry_run: DryRun = False,
    dashboard: Dashboard = True,
    output: Output = DEFAULT_DASHBOARDS,
) -> None:
    """Train every trial of a job that has no result yet, then write its page. Launching again goes on."""
    spec = jobs.load(job, set_)
    if dry_run:
        _plan(spec, store, data_dir, as_json=False)
        return
    with Interruption(line_at_once(STOPPING)) as stop:
        resources = Resources(
            workers=workers, gpus=gpus_per_worker, address=address, inline=inline, device=device, threads=threads
        )
        code = _launch(spec, store, data_dir, resources, stop, retry_failed=retry_failed)
    if dashboard:
        _write_page(store, output, spec.name)
    raise typer.Exit(code)


def resume(
    job: OptionalJobName = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
    workers: Workers = None,
    gpus_per_worker: Gpus = None,
    address: Address = None,
    inline: Inline = False,
    device: Device = "auto",
    threads: Threads = 1,
    retry_failed: Retry = False,
    dashboard: Dashboard = True,
    output: Output = DEFAULT_DASHBOARDS,
) -> None:
    """Go on with what was interrupted, exactly as it was launched; --retry-failed trains failed trials again."""
    specs = _stored_jobs(store, job, retry_failed=retry_failed)
    if not specs:
        say("nothing to resume: every trial has ended" + ("" if retry_failed else " (failed ones: --retry-failed)"))
    codes = [EXIT_COMPLETE]
    for spec in specs:
        with Interruption(line_at_once(STOPPING)) as stop:
            resources = Resources(
                workers=workers, gpus=gpus_per_worker, address=address, inline=inline, device=device, threads=threads
            )
            codes.append(_launch(spec, store, data_dir, resources, stop, retry_failed=retry_failed))
        if dashboard:
            _write_page(store, output, spec.name)
        if codes[-1] == EXIT_INTERRUPTED:
            break
    raise typer.Exit(max(codes))


def plan(
    job: JobFile,
    set_: SetOption = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
    as_json: AsJson = False,
) -> None:
    """Print what launching would do: what is new, done, to resume. Writes nothing."""
    _plan(jobs.load(job, set_), store, data_dir, as_json=as_json)


def _plan(spec: JobSpec, store_path: Path, data_dir: Path | None, *, as_json: bool) -> None:
    from gridsearch.cli.plans import plan_json, plan_text
    from gridsearch.engine.launch import check_same_job, plan_job
    from gridsearch.engine.preparation import prepare
    from gridsearch.store.opening import open_store

    prepared = prepare(spec, paths.data_dir(data_dir))
    if store_path.exists():
        with open_store(store_path, create=False, read_only=True) as store:
            check_same_job(prepared, store)
            made = plan_job(prepared, store)
    else:
        made = plan_job(prepared, None)
    data(json.dumps(plan_json(prepared, made), indent=2) if as_json else plan_text(prepared, made))


def _launch(
    spec: JobSpec,
    store_path: Path,
    data_dir: Path | None,
    resources: Resources,
    stop: Interruption,
    *,
    retry_failed: bool,
) -> int:
    from gridsearch.cli.plans import plan_line
    from gridsearch.cli.progress import Tracker, make_progress
    from gridsearch.engine.launch import Launch, LaunchOptions, check_same_job, plan_job
    from gridsearch.engine.preparation import prepare
    from gridsearch.store.opening import open_store

    started = time.monotonic()
    options = LaunchOptions(resources.workers, resources.device, resources.threads, retry_failed)
    prepared = prepare(spec, paths.data_dir(data_dir))
    if stop.requested:
        raise KeyboardInterrupt
    with open_store(store_path) as store:
        check_same_job(prepared, store)
        made = plan_job(prepared, store, retry_failed=retry_failed)
        say(plan_line(prepared, made))
        tracker = Tracker(spec, made, train_images=prepared.train_images)
        with make_progress(tracker) as progress:
            stop.notice = progress.interrupted
            end = Launch(prepared, store, store_path, options).run(
                _executor_maker(prepared, store_path, options, resources),
                listener=progress,
                stopping=lambda: stop.requested,
            )
        _say_end(spec, store_path, end, seconds=time.monotonic() - started)
        if end.counts.get("failed"):  # type: ignore[call-overload]
            _say_failures(store.trials(spec.name))
    return EXIT_INTERRUPTED if end.interrupted else EXIT_SOME_FAILED if end.failed else EXIT_COMPLETE


def _executor_maker(prepared: PreparedJob, store_path: Path, options, resources: Resources) -> Callable[[], Executor]:  # type: ignore[no-untyped-def]
    from gridsearch.engine.launch import worker_settings

    settings = worker_settings(prepared, store_path, options)

    def make() -> Executor:
        if resources.inline:
            from gridsearch.engine.inline import InlineExecutor

            return InlineExecutor(settings)
        try:
            from gridsearch.engine.ray_tune import RayOptions, RayTuneExecutor
        except ImportError as error:
            raise EngineError(f"Ray Tune cannot be imported ({error}); install ray[tune], or use --inline") from None
        scratch = paths.scratch_dir(store_path)
        return RayTuneExecutor(
            settings, RayOptions(resources.workers, resources.gpus_per_worker, scratch, resources.address)
        )

    return make


def _say_end(spec: JobSpec, store_path: Path, end: LaunchEnd, *, seconds: float) -> None:
    states = ", ".join(f"{count:,} {state}" for state, count in end.counts.items())
    say(f"{spec.name}: {states} in {duration(seconds)}")
    if end.interrupted:
        option = "" if store_path == DEFAULT_STORE else f" --store {store_path}"
        say(f"interrupted, nothing is lost; go on with: gridsearch resume {spec.name!r}{option}")


def _say_failures(trials: list) -> None:  # type: ignore[type-arg]
    failed = [trial for trial in trials if trial.state == "failed"]
    causes = {trial.error: trial for trial in failed}
    for error, trial in list(causes.items())[:3]:
        count = sum(other.error == error for other in failed)
        say(f"{plural(count, 'trial')} failed: {error}\n  traceback: {trial.log}")


def _write_page(store_path: Path, folder: Path, name: str) -> None:
    from gridsearch.report.dashboards import write_dashboards
    from gridsearch.store.opening import open_store

    with open_store(store_path, create=False, read_only=True) as store:
        for page in write_dashboards(store, folder, name):
            data(str(page))


def _stored_jobs(store_path: Path, name: str | None, *, retry_failed: bool) -> list[JobSpec]:
    from gridsearch.spec.job import job_from_text
    from gridsearch.spec.outcomes import OPEN_STATES, TrialState
    from gridsearch.store.opening import open_store

    wanted = OPEN_STATES | ({TrialState.FAILED, TrialState.CANCELLED} if retry_failed else set())
    specs = []
    with open_store(store_path, create=False) as store:
        rows = [store.job(jobs.stored_name(store, name))] if name else store.jobs()
        for row in rows:
            if wanted & set(store.counts(row.name)):
                base = Path(str(row.spec.get("base", ".")))
                specs.append(job_from_text(row.source, base=base, source=f"job {row.name!r} in {store_path}"))
    return specs


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
