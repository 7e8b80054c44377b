"""Whom a job's models learn from: the job to train before it, and which of that job's trials it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path

from gridsearch import paths
from gridsearch.analysis.best import best
from gridsearch.analysis.no_best import why_no_best
from gridsearch.config.events import OPEN_STATES
from gridsearch.config.job import JobSpec, job_from_text, load_job
from gridsearch.data.dataset import ImageDataset
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.preflight_recipe import check_features
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.errors import JobError, ModelError, nearest
from gridsearch.search.grid import GridTrial
from gridsearch.shell_words import quoted
from gridsearch.store.contract import Store
from gridsearch.store.rows import JobRow, TrialRow

#: The teacher's id while there is none yet: what is planned with it is not launched.
UNTRAINED = "untrained"


def teacher_job(job: JobSpec, store: Store | None) -> JobSpec | None:
    """Return the job of a job's teacher, or None where it has none.

    It is the store's job of that name where that is complete, else the file of that name beside the job's file, else
    the store's; `JobError` when there is neither.
    """
    if job.teacher is None:
        return None
    rows = {row.name: row for row in store.jobs()} if store else {}
    row = rows.get(job.teacher.job)
    if row is not None and store is not None and _is_complete(store, row.name):
        return _stored(row)
    folders = (job.base, Path.cwd(), Path.cwd() / paths.JOBS_NAME)
    for file in (folder / f"{job.teacher.job}{suffix}" for folder in folders for suffix in (".yaml", ".yml")):
        if file.is_file():
            return load_job(file)
    if row is not None:
        return _stored(row)
    beside = [path.stem for path in job.base.glob("*.y*ml") if path.stem != job.name]
    raise JobError(
        f"{job.document.place(('teacher', 'job'))}: teacher: no job {job.teacher.job!r}, neither beside this file nor"
        f" in the store{nearest(job.teacher.job, [*beside, *rows])}"
    )


def _is_complete(store: Store, name: str) -> bool:
    counts = store.counts(name)
    return bool(counts) and not any(counts.get(state) for state in OPEN_STATES)


def _stored(row: JobRow) -> JobSpec:
    return job_from_text(row.source, base=row.record.base, source=f"job {row.name!r}", accepted=True)


def in_order(job: JobSpec, store: Store | None) -> list[JobSpec]:
    """Return a job after its teacher's, and that one's teacher's; `JobError` when they teach each other in a circle."""
    chain = [job]
    while (teacher := teacher_job(chain[0], store)) is not None:
        if teacher.name in {known.name for known in chain}:
            raise JobError(
                f"{job.document.place(('teacher',))}: teacher: {teacher.name!r} would learn from itself, by way of"
                f" {', '.join(known.name for known in chain)}"
            )
        chain.insert(0, teacher)
    return chain


def chosen_teacher(job: JobSpec, store: Store | None) -> str:
    """Return whom a job's models learn from, as `ID@EPOCH`: a trial's id and the epoch its weights are of.

    Empty where they learn from none; `UNTRAINED` while that is not decided, as the teacher's job is not complete.
    """
    if job.teacher is None:
        return ""
    teacher = teacher_job(job, store)
    name = teacher.name if teacher else job.teacher.job
    if teacher and teacher.own:
        raise job.document.error(
            ("teacher", "job"), f"job {name!r} is trained by {teacher.models_text}, whose model nobody else knows"
        )
    if store is None or name not in {row.name for row in store.jobs()} or not _is_complete(store, name):
        return UNTRAINED
    place = f"{job.document.place(('teacher',))}: teacher"
    row = _picked(store, name, job.teacher.pick, place)
    from gridsearch.engine.trained.retention import trial_epoch  # torch: most jobs have no teacher

    epoch = trial_epoch(store.job(name).record.objective, row, store.epochs([row.lineage_id]))
    if epoch is None:
        raise JobError(
            f"{place}: pick: trial {row.trial_id[:8]} of job {name!r} is {row.state}: it has no result to learn from"
        )
    return f"{row.trial_id}@{epoch}"


def _picked(store: Store, name: str, pick: str, place: str) -> TrialRow:
    if pick == "best":
        first = best(store, name, 1)
        if not first:
            raise JobError(
                f"{place}: {why_no_best(store.job(name), store.trials(name))}, so there is none to learn from; see:"
                f" gridsearch top {quoted(name)}"
            )
        return first[0].row
    found = [row for row in store.trials(name) if row.trial_id.startswith(pick)]
    if len(found) != 1:
        many = "several ids of trials" if found else "no id of a trial"
        raise JobError(
            f"{place}: pick: {many} of job {name!r} may be meant by {pick!r}; see: gridsearch top {quoted(name)}"
        )
    return found[0]


def check_chain(chain: Sequence[JobSpec], store: Store | None, data_dir: Path, limits: Limits | None = None) -> None:
    """Prepare jobs that teach each other, in the order of `in_order`, so that mistakes show before any is trained.

    Models of users are tried within `limits`.

    Raises what `prepare` raises, and `JobError` or `ModelError` where a teacher does not suit its students.
    """
    prepared = [prepare(job, data_dir, teacher=chosen_teacher(job, store), limits=limits) for job in chain]
    for teacher, student in pairwise(prepared):
        chosen = {trial.config.dataset for trial in _candidates(teacher, student)}
        for theirs, ours in product([teacher.datasets[one] for one in sorted(chosen)], _learnt_from(student)):
            _check_same_examples(student.job, teacher.job.name, theirs, ours)
        if "hidden" in student.job.values("distillation"):
            _check_teachers_features(teacher, student)
    for one in prepared:
        one.models.rest()


def _candidates(teacher: PreparedJob, student: PreparedJob) -> list[GridTrial]:
    """Return the trial that teaches; while it is not chosen, one of each data set that it may be on."""
    chosen = student.teacher.partition("@")[0]
    known = [trial for trial in teacher.grid.trials if trial.trial_id == chosen]
    return known or list({trial.config.dataset: trial for trial in teacher.grid.trials}.values())


def _learnt_from(student: PreparedJob) -> list[ImageDataset]:
    """Return the data sets on which students learn from the teacher; of a job without any, all."""
    configs = [trial.config for trial in student.grid.trials]
    learning = {config.dataset for config in configs if config.teacher} or {config.dataset for config in configs}
    return [student.datasets[one] for one in sorted(learning)]


def _check_same_examples(job: JobSpec, name: str, theirs: ImageDataset, ours: ImageDataset) -> None:
    for words, their, mine in (
        ("classes", theirs.num_classes, ours.num_classes),
        ("images of the shape", theirs.image_shape, ours.image_shape),
        ("examples of", _values(theirs), _values(ours)),
    ):
        if their != mine:
            raise JobError(
                f"{job.document.place(('teacher',))}: teacher: job {name!r} has {words} {their}, this job {mine}; a"
                " teacher sees what its students see"
            )


def _values(dataset: ImageDataset) -> str:
    return "whole numbers" if dataset.whole else "floats"


def _check_teachers_features(teacher: PreparedJob, student: PreparedJob) -> None:
    """Raise `ModelError` where a teacher's features cannot be compared with; while it is not chosen, of all models."""
    chosen = student.teacher.partition("@")[0]
    trials = {trial.config.model: trial for trial in reversed(teacher.grid.trials)}
    known = [trial for trial in teacher.grid.trials if trial.trial_id == chosen] or list(trials.values())
    refused = []
    for trial in known:
        try:
            check_features(student.job, teacher.models.tried(trial.config.model, trial.config.dataset), [trial.config])
        except ModelError as error:
            refused.append(error)
    if len(refused) == len(known):
        raise refused[0]
