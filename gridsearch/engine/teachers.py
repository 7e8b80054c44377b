"""Whom a job's models learn from: the job to train before it, and which of that job's trials it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from gridsearch import paths
from gridsearch.analysis.winners import winners
from gridsearch.data.catalog import load_dataset
from gridsearch.errors import GridsearchError, JobError, nearest
from gridsearch.spec.job import JobSpec, job_from_text, load_job
from gridsearch.spec.outcomes import OPEN_STATES
from gridsearch.store.contract import Store

#: The teacher's id while there is none yet: what is planned with it is not launched.
UNTRAINED = "untrained"


def teacher_job(job: JobSpec, store: Store | None) -> JobSpec | None:
    """Return the job of a job's teacher, or None where it has none.

    It is the file of that name beside the job's file, else the store's job of that name; `JobError` when there is
    neither.
    """
    if job.teacher is None:
        return None
    folders = (job.base, Path.cwd(), Path.cwd() / paths.JOBS_NAME)
    for file in (folder / f"{job.teacher.job}{suffix}" for folder in folders for suffix in (".yaml", ".yml")):
        if file.is_file():
            return load_job(file)
    rows = {row.name: row for row in store.jobs()} if store else {}
    if job.teacher.job in rows:
        row = rows[job.teacher.job]
        return job_from_text(row.source, base=Path(str(row.spec.get("base", "."))), source=f"job {row.name!r}")
    beside = [path.stem for path in job.base.glob("*.y*ml")]
    raise JobError(
        f"{job.document.place(('teacher', 'job'))}: teacher: no job {job.teacher.job!r}, neither beside this file nor"
        f" in the store{nearest(job.teacher.job, [*beside, *rows])}"
    )


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
    """Return the id of the trial that a job's models learn from; empty where they learn from none.

    While that is not decided, as the teacher's job is not complete, it is `UNTRAINED`.
    """
    if job.teacher is None:
        return ""
    teacher = teacher_job(job, store)
    name = teacher.name if teacher else job.teacher.job
    if store is None or name not in {row.name for row in store.jobs()}:
        return UNTRAINED
    place = f"{job.document.place(('teacher',))}: teacher"
    if job.teacher.pick != "best":
        try:
            return store.trial(job.teacher.pick).trial_id
        except GridsearchError as error:
            raise JobError(f"{place}: pick: {error}") from None
    if any(store.counts(name).get(state) for state in OPEN_STATES):
        return UNTRAINED
    best = winners(store, name, 1)
    if not best:
        raise JobError(f"{place}: no trial of job {name!r} has a result to learn from; see: gridsearch status {name}")
    return best[0][0].trial_id


def check_teachers_fit(chain: Sequence[JobSpec], data_dir: Path) -> None:
    """Raise `JobError` unless each job has as many classes, and images of the same shape, as its teacher before it."""
    for teacher, job in pairwise(chain):
        theirs, ours = (load_dataset(one.dataset, folder=data_dir, base=one.base) for one in (teacher, job))
        for words, their, mine in (
            ("classes", theirs.num_classes, ours.num_classes),
            ("images of the shape", theirs.image_shape, ours.image_shape),
        ):
            if their != mine:
                raise JobError(
                    f"{job.document.place(('teacher',))}: teacher: job {teacher.name!r} has {words} {their}, this job"
                    f" {mine}; a teacher sees what its students see"
                )
