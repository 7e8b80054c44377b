"""Launching jobs one after another: prepare, train, write the page, say how it ended."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch import paths
from gridsearch.cli.commands import weights
from gridsearch.cli.launch_options import launch_options, model_limits, places, teachers_first
from gridsearch.cli.notifying import Notifier
from gridsearch.cli.outlet import broken_pipe_means, drop_stdout
from gridsearch.cli.pages import check_folder, write_pages
from gridsearch.cli.render.ending import say_end
from gridsearch.cli.render.wording import STOPPED_EARLY, STOPPING
from gridsearch.cli.resources import (
    Training,
    resources,
)
from gridsearch.cli.streams import line_at_once, say
from gridsearch.cli.supervising import models_behind, supervise, users_own
from gridsearch.engine.run.interruption import Interruption
from gridsearch.errors import (
    EXIT_COMPLETE,
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    EngineError,
    StopNowError,
    StoreLockedError,
)
from gridsearch.store.waiting import Patience, ordinarily

if TYPE_CHECKING:
    from gridsearch.cli.render.preparing import Preparing
    from gridsearch.config.job import JobSpec
    from gridsearch.engine.prepare.prepared import Prepared
    from gridsearch.search.plan import Plan
    from gridsearch.store.contract import Store
    from gridsearch.training.distillation import TeacherFile


def train(specs: list[JobSpec], training: Training, notify: str | None = None) -> int:
    """Train jobs one after another, each with its page; return the worst of their exit codes.

    The webhook `notify` is told how each ended.
    """
    if training.dashboard and specs:
        check_folder(training.output)
    codes = [EXIT_COMPLETE]
    asked = {spec.name for spec in specs}
    for spec in teachers_first(specs, training, read_only=False):
        # A teacher that is trained on the way keeps the weights that it teaches with, whatever else was asked for.
        own = training if spec.name in asked else replace(training, keep="best")
        notifier = Notifier(notify, spec, training.store)
        try:
            # Before anything imports torch, which takes seconds.
            with (
                Interruption(line_at_once(STOPPING)) as stop,
                broken_pipe_means(stop.request),
                ordinarily(endless=True, stop=lambda: stop.requested),
            ):
                codes.append(_launch_or_stop(spec, own, stop))
        except BaseException as error:
            notifier.failed(error)
            raise
        notifier.ended(codes[-1])
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


def _launch_or_stop(spec: JobSpec, training: Training, stop: Interruption) -> int:
    """Launch a job; where a stop was wanted while the store was locked, say so."""
    try:
        return _launch(spec, training, stop)
    except StoreLockedError as error:
        if not stop.requested:
            raise
        say(f"{spec.name}: interrupted, nothing is lost; run the same command to continue ({error})")
        return EXIT_INTERRUPTED


def _launch(spec: JobSpec, training: Training, stop: Interruption) -> int:
    from gridsearch.cli.render.preparing import Preparing

    with ExitStack() as stack:
        preparing = stack.enter_context(Preparing(spec.name))
        stop.notice = preparing.interrupted
        return _launch_in(stack, spec, training, stop, preparing)


def _launch_in(stack: ExitStack, spec: JobSpec, training: Training, stop: Interruption, preparing: Preparing) -> int:
    from gridsearch.cli.executors import Executors
    from gridsearch.cli.render.progress import make_progress
    from gridsearch.cli.tracking import Tracker
    from gridsearch.engine.prepare.jobs import load, tried
    from gridsearch.engine.run.launch import Launch, worker_settings
    from gridsearch.engine.run.planning import check_same_job, needed_datasets, plan_job

    started = time.monotonic()
    chosen = resources(training, spec.own)
    executors = stack.enter_context(Executors(chosen, training.store))

    limits = model_limits(training, stop)

    def prepared_for(teacher: str) -> Prepared:
        preparing.at("loading data")
        loaded = load(spec, paths.data_dir(training.data_dir), teacher=teacher, limits=limits)
        trying = _trying(spec)
        preparing.at(trying if chosen.inline else f"{trying}, starting Ray")
        if not stop.requested:  # it would only have to be waited for
            executors.start_early(loaded)
        return tried(loaded, limits)

    # Before there is a store: a mistake in the job leaves nothing behind.
    checked = None
    with suppress(StopNowError):
        checked = None if spec.teacher else prepared_for("")
    if stop.requested:
        say(f"{spec.name}: {STOPPED_EARLY}")
        return EXIT_INTERRUPTED
    store, new = _open_or_make(stack, training.store, spec)
    options, teacher = launch_options(training, chosen), _teacher(spec, store)
    prepared = checked or prepared_for(teacher)
    preparing.at("planning")
    check_same_job(prepared, store)
    made = plan_job(prepared, store, retry_failed=training.retry_failed)
    preparing.end()
    stop.notice = line_at_once(STOPPING)
    _say_plan(prepared, made, store, training)
    if new:
        say(f"{spec.name}: {new}")
    patience = options.trial_timeout or spec.trial_timeout
    if chosen.inline and patience and not (spec.own and spec.own.command):
        say(f"{spec.name}: trial_timeout has no effect with --inline: a trial that hangs blocks the launch")
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
        settings = worker_settings(prepared, training.store, options, teachers, needed_datasets(prepared, store))
        launched = Launch(prepared, store, training.store, options)
        end = launched.run(lambda: executors.make(settings), listener=progress, stopping=lambda: stop.requested)
    seconds = time.monotonic() - started if made.lineages else None
    say_end(store, prepared.job, training.store, end, seconds=seconds, before=made.done)
    return EXIT_INTERRUPTED if end.interrupted else EXIT_SOME_FAILED if end.failed else EXIT_COMPLETE


def _trying(spec: JobSpec) -> str:
    """Say what is done with a job's models, or with the user's code."""
    if not spec.own:
        return "trying models"
    return "reading the command's code" if spec.own.command else f"importing {spec.models_text}"


def _open_or_make(stack: ExitStack, path: Path, spec: JobSpec) -> tuple[Store, str]:
    """Return the store, and where it is made what to say of it: also which other may have been meant."""
    from gridsearch.store.nearby import nearby_text
    from gridsearch.store.opening import open_store, refuse_unsound

    new = f"{path} is a new store{nearby_text(path, spec.base)}" if not path.exists() else ""
    store = stack.enter_context(open_store(path))
    refuse_unsound(store, path)
    return store, new


def _say_plan(prepared: Prepared, made: Plan, store: Store, training: Training) -> None:
    """Say what will be trained, and what a person may not expect of it."""
    from gridsearch.cli.render.plans import doom_lines, leak_lines, leaving, plan_line, remark_lines
    from gridsearch.engine.prepare.leaks import leaks_of
    from gridsearch.engine.prepare.preparation import PreparedJob

    name = prepared.job.name
    say(plan_line(prepared, made))
    for line in leaving(prepared, store, places(training)).lines:
        say(f"{name}: {line}")
    for line in [*remark_lines(prepared, store, made), *doom_lines(prepared, made)]:
        say(line)
    if not made.lineages:
        return
    for note in prepared.data_notes if isinstance(prepared, PreparedJob) else ():
        say(f"{name}: {note}")
    if leaks := leaks_of(prepared, store, paths.data_dir(training.data_dir)):
        for line in leak_lines(leaks):
            say(f"{name}: {line}")


def _teacher(spec: JobSpec, store: Store) -> str:
    """Return the id of the trial that a job's models learn from, by now trained; empty where they learn from none."""
    if spec.teacher is None:
        return ""
    from gridsearch.engine.prepare.teachers import UNTRAINED, chosen_teacher

    chosen = chosen_teacher(spec, store)
    if chosen == UNTRAINED:
        raise EngineError(f"{spec.name}: its teacher, job {spec.teacher.job!r}, is not fully trained")
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
