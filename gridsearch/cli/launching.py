"""The commands that train, or say what training would do: launch, plan, resume."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli import jobs, tables, weights
from gridsearch.cli.disk import lost_lines, room_for
from gridsearch.cli.ending import say_end
from gridsearch.cli.options import (
    DEFAULT_STORE,
    DataOption,
    JobFile,
    OnlyOption,
    OptionalJobName,
    SetOption,
    StoreOption,
)
from gridsearch.cli.outlet import broken_pipe_means, drop_stdout
from gridsearch.cli.pages import check_folder, write_pages
from gridsearch.cli.resources import (
    MODEL_TIMEOUT,
    CheckpointsOption,
    DeviceOption,
    KeepOption,
    ModelTimeoutOption,
    PackOption,
    Resources,
    ThreadsOption,
    Training,
    WorkersOption,
    kept,
    resources,
    with_training,
)
from gridsearch.cli.streams import columns, data, line_at_once, say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable, supervise, users_own
from gridsearch.cli.wording import STOPPED_EARLY, STOPPING, plural, quoted, store_option
from gridsearch.config.byte_sizes import bytes_of
from gridsearch.config.durations import seconds_of
from gridsearch.engine.run.interruption import Interruption
from gridsearch.errors import (
    EXIT_COMPLETE,
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    EngineError,
    GridsearchError,
    StopNowError,
    StoreLockedError,
)
from gridsearch.store.waiting import Patience, ordinarily

if TYPE_CHECKING:
    from gridsearch.cli.preparing import Preparing
    from gridsearch.config.events import FormMeasured
    from gridsearch.config.job import JobSpec
    from gridsearch.engine.prepare.model_process import Limits
    from gridsearch.engine.prepare.preparation import PreparedJob
    from gridsearch.engine.run.explaining import ExplainedPack
    from gridsearch.engine.run.launch import LaunchOptions
    from gridsearch.search.plan import Plan
    from gridsearch.store.contract import Store
    from gridsearch.training.distillation import TeacherFile

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the plan, as the command plan does.")]
Explain = Annotated[bool, typer.Option("--explain", help="Say of each pack what is in it, why, and how it trains.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@with_training
def launch(
    job: JobFile, set_: SetOption = None, only: OnlyOption = None, dry_run: DryRun = False, *, training: Training
) -> None:
    """Train what has no result yet, then write the job's page.

    Launching again goes on. The grid of the job is what its file says now: trials of an earlier grid stay in the store.
    """
    spec = jobs.load(job, set_, only)
    if dry_run:
        _plan_teachers(spec, training)
        _plan(spec, training, as_json=False)
        return
    with ordinarily(endless=True):
        raise typer.Exit(_train([spec], training))


@with_training
def resume(job: OptionalJobName = None, only: OnlyOption = None, *, training: Training) -> None:
    """Go on with what was interrupted, as it was launched; also with what --only has left.

    Failed trials are trained again with --retry-failed only.
    """
    from gridsearch.config.selection import selecting

    if only and job is None:
        raise GridsearchError("--only selects trials of one job: name it, gridsearch resume JOB --only EXPRESSION")
    with ordinarily(endless=True):
        stored = _stored_jobs(training.store, job, retry_failed=training.retry_failed)
        raise typer.Exit(_train([selecting(spec, only or ()) for spec in stored], training))


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
    """Print what launching would train; writes nothing."""
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
        require_own_process(spec.models)  # its forms are measured
    if not as_json:
        _plan_teachers(spec, training)
    _plan(spec, training, as_json=as_json, explained=explain)


def _plan_teachers(spec: JobSpec, training: Training) -> None:
    """Print the plans of the jobs that would be trained before a job, as its models learn from theirs."""
    for teacher in _teachers_first([spec], training, read_only=True)[:-1]:
        _plan(teacher, training, as_json=False)
        data("")


def _plan(spec: JobSpec, training: Training, *, as_json: bool, explained: bool = False) -> None:
    from gridsearch.cli.packs import packs_grid, packs_json
    from gridsearch.cli.plans import Left, doom_lines, leaving, plan_json, plan_text, remark_lines
    from gridsearch.engine.executors.descriptors import stdout_to_stderr
    from gridsearch.engine.executors.worker_context import choose_device
    from gridsearch.engine.prepare.leaks import leaks_of
    from gridsearch.engine.prepare.preparation import prepare
    from gridsearch.engine.prepare.teachers import chosen_teacher
    from gridsearch.engine.run.explaining import explain_now
    from gridsearch.engine.run.launch import check_same_job, plan_job, plan_packs
    from gridsearch.store.nearby import nearby_text
    from gridsearch.store.opening import open_store
    from gridsearch.training.strategies.compiled import why_not_compiled

    options = _options(training, resources(training))
    limits = _limits(training)
    left = Left()
    measured: list[FormMeasured] = []
    if training.store.exists():
        with open_store(training.store, create=False, read_only=True) as store:
            teacher = chosen_teacher(spec, store)
            prepared = prepare(spec, paths.data_dir(training.data_dir), teacher=teacher, limits=limits)
            measured = store.measured()
            check_same_job(prepared, store)
            made = plan_job(prepared, store, retry_failed=training.retry_failed)
            left = leaving(prepared, store, _places(training))
            odd = remark_lines(prepared, store, made)
            leaks = leaks_of(prepared, store, paths.data_dir(training.data_dir))
    else:
        if there := nearby_text(training.store, spec.base):
            say(f"{spec.name}: no store {training.store} yet, so all is new{there}")
        teacher = chosen_teacher(spec, None)
        prepared = prepare(spec, paths.data_dir(training.data_dir), teacher=teacher, limits=limits)
        made = plan_job(prepared, None)
        odd = remark_lines(prepared, None, made)
        leaks = leaks_of(prepared, None, paths.data_dir(training.data_dir))
    for line in [*odd, *doom_lines(prepared, made), *lost_lines(spec.name, made, training.store)]:
        say(line)
    sizes: dict[str, int] = {}
    packs = plan_packs(
        prepared,
        made.lineages,
        options,
        lambda found: sizes.update({name: size.parameters for name, size in found.items()}),
    )
    room = room_for(spec, training.store, options, packs, sizes)
    details: list[ExplainedPack] = []
    if explained:
        with stdout_to_stderr():  # what models print
            details = explain_now(prepared, packs, measured, device=options.device, threads=options.threads)
    if as_json:
        found = plan_json(prepared, made, packs, left, leaks, room)
        data(json.dumps(found | ({"explained": packs_json(details)} if explained else {}), indent=2))
        return
    data(plan_text(prepared, made, packs, left, leaks, room, width=columns(sys.stdout)))
    if details:
        data("")
        tables.show(packs_grid(details, why_not_compiled(choose_device(options.device))))


def _train(specs: list[JobSpec], training: Training) -> int:
    """Train jobs one after another, each with its page; return the worst of their exit codes."""
    if training.dashboard and specs:
        check_folder(training.output)
    codes = [EXIT_COMPLETE]
    asked = {spec.name for spec in specs}
    for spec in _teachers_first(specs, training, read_only=False):
        # A teacher that is trained on the way keeps the weights that it teaches with, whatever else was asked for.
        own = training if spec.name in asked else replace(training, keep="best")
        # Before anything imports torch, which takes seconds.
        with (
            Interruption(line_at_once(STOPPING)) as stop,
            broken_pipe_means(stop.request),
            ordinarily(endless=True, stop=lambda: stop.requested),
        ):
            codes.append(_launch_or_stop(spec, own, stop))
        interrupted = codes[-1] == EXIT_INTERRUPTED
        if training.dashboard and training.store.exists():
            _write_page(spec.name, training, interrupted=interrupted)
        if interrupted:
            break
    return max(codes)


def _write_page(name: str, training: Training, *, interrupted: bool) -> None:
    from gridsearch.store.opening import open_store

    # Who has asked to stop does not wait for a locked store.
    patience = Patience(0.0 if interrupted else None, note=say)
    with (
        suppress(*([StoreLockedError] if interrupted else [])),
        open_store(training.store, create=False, read_only=True, patience=patience) as store,
    ):
        if name not in {row.name for row in store.jobs()}:
            return  # it was stopped before it was stored
        try:
            write_pages(store, training.output, name)
            sys.stdout.flush()
        except BrokenPipeError:
            drop_stdout()  # who does not want to know where the page is changes nothing in how the training ended


def _teachers_first(specs: list[JobSpec], training: Training, *, read_only: bool) -> list[JobSpec]:
    """Return jobs in an order in which teachers come before their students, theirs included."""
    if all(spec.teacher is None for spec in specs):
        return specs
    from gridsearch.engine.prepare.teachers import check_chain, in_order
    from gridsearch.store.opening import open_store

    with ExitStack() as stack:
        exists = training.store.exists()
        store = stack.enter_context(open_store(training.store, create=False, read_only=read_only)) if exists else None
        chains = [in_order(spec, store) for spec in specs]
        for chain in chains:
            check_chain(chain, store, paths.data_dir(training.data_dir), _limits(training))
    # A job that is asked for itself is trained as it was asked for, with its overrides.
    asked = {spec.name: spec for spec in specs}
    return list({spec.name: asked.get(spec.name, spec) for chain in chains for spec in chain}.values())


def _launch_or_stop(spec: JobSpec, training: Training, stop: Interruption) -> int:
    """Launch a job; where a stop was wanted while the store was locked, say so."""
    try:
        return _launch(spec, training, stop)
    except StoreLockedError as error:
        if not stop.requested:
            raise
        say(f"{spec.name}: interrupted, nothing is lost; go on with the same command ({error})")
        return EXIT_INTERRUPTED


def _launch(spec: JobSpec, training: Training, stop: Interruption) -> int:
    from gridsearch.cli.preparing import Preparing

    with ExitStack() as stack:
        preparing = stack.enter_context(Preparing(spec.name))
        stop.notice = preparing.interrupted
        return _launch_in(stack, spec, training, stop, preparing)


def _launch_in(stack: ExitStack, spec: JobSpec, training: Training, stop: Interruption, preparing: Preparing) -> int:
    from gridsearch.cli.executors import Executors
    from gridsearch.cli.progress import make_progress
    from gridsearch.cli.tracking import Tracker
    from gridsearch.engine.prepare.preparation import prepare
    from gridsearch.engine.run.launch import Launch, check_same_job, plan_job, worker_settings

    started = time.monotonic()
    chosen = resources(training)
    data_dir = paths.data_dir(training.data_dir)
    executors = stack.enter_context(Executors(chosen, training.store))

    def start_early(prepared: PreparedJob) -> None:
        preparing.at("trying models" if chosen.inline else "trying models, starting Ray")
        if not stop.requested:  # it would only have to be waited for
            executors.start_early(prepared)

    # Before there is a store: a mistake in the job leaves nothing behind.
    preparing.at("loading data")
    limits = _limits(training, stop)
    checked = None
    with suppress(StopNowError):
        checked = None if spec.teacher else prepare(spec, data_dir, once_sound=start_early, limits=limits)
    if stop.requested:
        say(f"{spec.name}: {STOPPED_EARLY}")
        return EXIT_INTERRUPTED
    store, new = _open_or_make(stack, training.store, spec)
    options = _options(training, chosen)
    teacher = _teacher(spec, store)
    prepared = checked or prepare(spec, data_dir, teacher=teacher, once_sound=start_early, limits=limits)
    preparing.at("planning")
    check_same_job(prepared, store)
    made = plan_job(prepared, store, retry_failed=training.retry_failed)
    preparing.end()
    stop.notice = line_at_once(STOPPING)
    _say_plan(prepared, made, store, training)
    if new:
        say(f"{spec.name}: {new}")
    patience = options.trial_timeout or spec.trial_timeout
    if chosen.inline and patience:
        say(f"{spec.name}: nobody keeps the time of trials with --inline: one that hangs, hangs the launch")
    teachers: dict[str, TeacherFile] | int = {}
    if teacher and any(lineage.config.teacher for lineage in made.lineages):
        teachers = _teacher_files(store, training, teacher, patience, stop)
        if stop.requested:
            say(f"{spec.name}: {STOPPED_EARLY}")
            return EXIT_INTERRUPTED
    if isinstance(teachers, int):
        return teachers
    tracker = Tracker(store, spec, made, train_images=prepared.train_images)
    with make_progress(tracker, started) as progress, ordinarily(note=progress.note):
        stop.notice = progress.interrupted
        settings = worker_settings(prepared, training.store, options, teachers)
        launched = Launch(prepared, store, training.store, options)
        end = launched.run(lambda: executors.make(settings), listener=progress, stopping=lambda: stop.requested)
    seconds = time.monotonic() - started if made.lineages else None
    say_end(store, prepared.job, training.store, end, seconds=seconds)
    return EXIT_INTERRUPTED if end.interrupted else EXIT_SOME_FAILED if end.failed else EXIT_COMPLETE


def _open_or_make(stack: ExitStack, path: Path, spec: JobSpec) -> tuple[Store, str]:
    """Return the store, and where it is made what to say of it: also which other may have been meant."""
    from gridsearch.store.nearby import nearby_text
    from gridsearch.store.opening import open_store, refuse_unsound

    new = f"{path} is a new store{nearby_text(path, spec.base)}" if not path.exists() else ""
    store = stack.enter_context(open_store(path))
    refuse_unsound(store, path)
    return store, new


def _places(training: Training) -> str:
    """Return the options with which a command to copy finds the store and the data that this one was given."""
    data_dir = f" --data-dir {quoted(str(training.data_dir))}" if training.data_dir else ""
    return store_option(training.store) + data_dir


def _say_plan(prepared: PreparedJob, made: Plan, store: Store, training: Training) -> None:
    """Say what will be trained, and what a person may not expect of it."""
    from gridsearch.cli.plans import doom_lines, leak_lines, leaving, plan_line, remark_lines
    from gridsearch.engine.prepare.leaks import leaks_of

    name = prepared.job.name
    say(plan_line(prepared, made))
    for line in leaving(prepared, store, _places(training)).lines:
        say(f"{name}: {line}")
    for line in [*remark_lines(prepared, store, made), *doom_lines(prepared, made)]:
        say(line)
    for note in prepared.dataset.notes if made.lineages else ():
        say(f"{name}: {note}")
    for line in leak_lines(leaks_of(prepared, store, paths.data_dir(training.data_dir))) if made.lineages else []:
        say(f"{name}: {line}")


def _options(training: Training, chosen: Resources) -> LaunchOptions:
    from gridsearch.engine.run.launch import LaunchOptions

    return LaunchOptions(
        chosen.workers,
        chosen.device,
        chosen.threads,
        training.retry_failed,
        chosen.largest_pack,
        kept(training.keep),
        seconds_of(training.trial_timeout) if training.trial_timeout else None,
        None if training.checkpoints is None else bytes_of(training.checkpoints),
    )


def _limits(training: Training, stop: Interruption | None = None) -> Limits:
    from gridsearch.engine.prepare.model_process import Limits

    return Limits(seconds_of(training.model_timeout), (lambda: stop.requested) if stop else lambda: False)


def _teacher(spec: JobSpec, store: Store) -> str:
    """Return the id of the trial that a job's models learn from, by now trained; empty where they learn from none."""
    if spec.teacher is None:
        return ""
    from gridsearch.engine.prepare.teachers import UNTRAINED, chosen_teacher

    chosen = chosen_teacher(spec, store)
    if chosen == UNTRAINED:
        raise EngineError(f"{spec.name}: its teacher, job {spec.teacher.job!r}, is not trained to the end")
    return chosen


def _teacher_files(
    store: Store, training: Training, teacher: str, patience: float | None, stop: Interruption
) -> dict[str, TeacherFile] | int:
    """Return where the teacher's weights are, which may have to be trained again for it; nothing when stopped.

    Where that fails in another process, which has said why, it returns that one's exit code.
    A model of the user's is built in a process of its own, within the launch's limits.
    """
    from gridsearch.engine.trained.load import ModelSource, kept_teacher, teacher_file

    source = ModelSource(
        store, training.store, paths.data_dir(training.data_dir), training.device, training.threads, note=say
    )
    own = users_own(models_behind(store, [teacher.partition("@")[0]]))
    if not own:
        return {teacher: teacher_file(source, teacher)}
    code = supervise(weights.arguments(training, teacher, patience), own, lambda: stop.requested)
    if stop.requested:
        return {}
    if code:
        return code
    return {teacher: kept_teacher(source, teacher)}


def _stored_jobs(store_path: Path, name: str | None, *, retry_failed: bool) -> list[JobSpec]:
    """Return the jobs of the store that have something left to train; say so when none has."""
    from gridsearch.config.events import OPEN_STATES, TrialState
    from gridsearch.config.job import job_from_text
    from gridsearch.store.opening import open_store

    failures = {TrialState.FAILED, TrialState.CANCELLED}
    wanted = OPEN_STATES | (failures if retry_failed else set())
    specs, failed = [], 0
    jobs.require_store(store_path, name)
    with open_store(store_path, create=False) as store:
        for row in [store.job(jobs.stored_name(store, name))] if name else store.jobs():
            counts = store.counts(row.name)
            failed += sum(counts.get(state, 0) for state in failures)
            if wanted & set(counts):
                place = f"{store_path}, the file of job {row.name!r}"
                specs.append(job_from_text(row.source, base=row.record.base, source=place, accepted=True))
    if not specs:
        more = f"; {plural(failed, 'trial')} failed, train again with: --retry-failed" if failed else ""
        say(f"nothing to resume: every trial has ended{more}")
    return specs
