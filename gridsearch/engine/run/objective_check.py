"""Whether trainings of the user's report what ranks them: said after the first that ends, not after the last."""

from __future__ import annotations

from collections.abc import Iterable

from gridsearch.config.events import EpochMetrics, LineageEvent, LineageFinished, LineageStopped
from gridsearch.config.job import JobSpec
from gridsearch.errors import EngineError


class ObjectiveCheck:
    """Ends a launch whose first training has ended without the objective's metric; a later one may lack it.

    `seen` says that a trial of the job has had it before.
    """

    def __init__(self, job: JobSpec, *, seen: bool) -> None:
        self._job, self._seen = job, seen
        self._reported: dict[str, dict[str, None]] = {}

    def note(self, events: Iterable[LineageEvent]) -> None:
        """Take in what has been recorded; `EngineError` for a training that nothing can rank."""
        metric = self._job.objective.metric
        for event in events:
            if self._seen:
                return
            if isinstance(event, EpochMetrics):
                names = self._reported.setdefault(event.lineage_id, {})
                names |= dict.fromkeys(event.metrics)
                self._seen = metric in names
            elif isinstance(event, (LineageFinished, LineageStopped)):
                self._refuse(metric, self._reported.get(event.lineage_id, {}))

    def _refuse(self, metric: str, reported: Iterable[str]) -> None:
        raise _error(self._job, f"the first training to end did not report {metric!r}", reported)


def nobody_ranked(job: JobSpec, reported: Iterable[str]) -> EngineError:
    """Return the error of a job whose trials have all been trained, and of which none has the objective's metric."""
    return _error(job, f"no trial has reported {job.objective.metric!r}", reported)


def _error(job: JobSpec, what: str, reported: Iterable[str]) -> EngineError:
    place = job.document.place(("objective", "metric"))
    return EngineError(
        f"{place}: objective: {what}; it reported {', '.join(reported) or 'nothing'}. Name one of these, or report it,"
        " and launch again: what was trained stays"
    )
