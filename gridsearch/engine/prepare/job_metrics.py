"""The metrics of a job: whether they are for its task, and those of the user's own: found, and tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gridsearch.config.extra_metrics import is_own_metric, too_few_classes, unsuited
from gridsearch.config.job import JobSpec
from gridsearch.config.tasks import Task
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError
from gridsearch.errors import ModelError


def check_metrics(job: JobSpec, task: Task, classes: int) -> None:
    """Raise `JobError`, with its place, for a metric that is not for the task of a job or says nothing of it."""
    for key, index, name in _listed(job):
        if said := unsuited(name, task) or too_few_classes(name, classes):
            raise job.document.error((key, index), said)


def metric_codes(job: JobSpec, models: JobModels) -> Mapping[str, str]:
    """Return the fingerprint of the code of each of the user's metrics, by its name; `JobError` where one is not found.

    They are looked at in the process that tries users' models.
    """
    codes: dict[str, str] = {}
    for key, index, name in _listed(job):
        if is_own_metric(name) and name not in codes:
            try:
                codes[name] = models.process_of(name).metric_code()
            except ModelError as error:
                raise job.document.error((key, index), str(error)) from None
    return codes


def check_work(job: JobSpec, models: JobModels, targets: str) -> None:
    """Raise `JobError` where a metric of the user's does not give a number for made-up outputs and targets."""
    tried: set[str] = set()
    for key, index, name in _listed(job):
        if not is_own_metric(name) or name in tried:
            continue
        tried.add(name)
        try:
            said = models.process_of(name).metric_problem(targets)
        except ModelEndedError as error:
            said = f"metric {name!r} {error} when it was tried"
        except NotTriedError:
            continue
        if said:
            raise job.document.error((key, index), said)


def _listed(job: JobSpec) -> Iterator[tuple[str, int, str]]:
    """Yield the key, the place in its list, and the name of each metric as the file lists them."""
    for key in ("metrics", "train_metrics"):
        written = job.document.data.get(key)
        names = getattr(job, key)
        for name in names:
            listed = [str(one) for one in written] if isinstance(written, list) else []
            index = next((place for place, one in enumerate(listed) if one.endswith(name.rpartition(":")[2])), 0)
            yield key, index, name
