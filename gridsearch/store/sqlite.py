"""The store in one SQLite file: each method of the contract is one transaction."""

# What the methods do is written once, in the contract.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridsearch.config.events import LineageEvent, ModelSize, StrategyMeasured, TrialState
from gridsearch.store.connection import Database
from gridsearch.store.contract import Store
from gridsearch.store.queries import answers, changed, costs, epoch_times, epochs, silence, trials
from gridsearch.store.rows import (
    AtWork,
    Changes,
    Claim,
    EpochRow,
    Evaluation,
    EvaluationRow,
    EventRow,
    JobRow,
    Latency,
    LatencyRow,
    LaunchRow,
    LineageCurve,
    LineageRow,
    NewTrial,
    Origin,
    Problem,
    Recorded,
    TrainingCost,
    TrainingRow,
    TrialRow,
)
from gridsearch.store.write import claims, evaluations, jobs, launches, measurements, recording, trainings


class SqliteStore(Store):
    """A store over an open database; `open_store` makes one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def path(self) -> Path:
        """The store's file."""
        return self._database.path

    def close(self) -> None:
        self._database.close()

    def check_in_place(self) -> None:
        self._database.check_in_place()

    def waiting_at_most(self, seconds: float) -> AbstractContextManager[None]:
        return self._database.waiting_at_most(seconds)

    def put_job(self, name: str, spec: Mapping[str, Any], source: str, trials: Sequence[NewTrial]) -> JobRow:
        with self._database.write() as connection:
            return jobs.put_job(connection, jobs.JobText(name, spec, source), trials, _now())

    def jobs(self) -> list[JobRow]:
        with self._database.read() as connection:
            return jobs.all_jobs(connection)

    def job(self, name: str) -> JobRow:
        with self._database.read() as connection:
            return jobs.job_row(connection, name)

    def open_launch(  # noqa: PLR0913 - what is known of a process
        self,
        job: str,
        host: str,
        pid: int,
        pid_started: float,
        workers: int,
        process_table: str | None = None,
        origin: Origin | None = None,
    ) -> int:
        process = launches.Process(host, pid, pid_started, workers, process_table)
        with self._database.write() as connection:
            return launches.open_launch(connection, job, process, origin or Origin(), _now())

    def beat(self, launch_id: int) -> None:
        with self._database.write() as connection:
            cause = launches.launch_cause(connection, launch_id, _now(), still_open=True)
            launches.beat(connection, launch_id, cause.at)

    def give_up_launch(self, launch_id: int, beat: int) -> bool:
        with self._database.write() as connection:
            return launches.give_up_launch(connection, launches.launch_cause(connection, launch_id, _now()), beat)

    def close_launch(self, launch_id: int, outcome: str) -> None:
        with self._database.write() as connection:
            launches.close_launch(connection, launches.launch_cause(connection, launch_id, _now()), outcome)

    def open_launches(self) -> list[LaunchRow]:
        with self._database.read() as connection:
            return launches.open_launches(connection)

    def launches(self, job: str) -> list[LaunchRow]:
        with self._database.read() as connection:
            return launches.launches_of(connection, job)

    def at_work(self, job: str) -> list[AtWork]:
        with self._database.read() as connection:
            return silence.at_work(connection, job)

    def claim(self, launch_id: int, targets: Mapping[str, int]) -> list[Claim]:
        with self._database.write() as connection:
            cause = launches.launch_cause(connection, launch_id, _now(), still_open=True)
            return claims.claim(connection, targets, cause)

    def record(self, launch_id: int, events: Sequence[LineageEvent], logs: Mapping[str, str]) -> Recorded:
        with self._database.write() as connection:
            cause = launches.launch_cause(connection, launch_id, _now())
            return recording.record(connection, cause, events, logs)

    def release(self, launch_id: int, lineage_ids: Collection[str] | None = None) -> int:
        with self._database.write() as connection:
            return claims.release(connection, launches.launch_cause(connection, launch_id, _now()), lineage_ids)

    @contextmanager
    def unclaimed(self, lineage_ids: Collection[str]) -> Iterator[dict[str, LineageRow | None]]:
        with self._database.write() as connection:
            rows = trials.lineage_rows(connection, lineage_ids)
            found = {name: rows.get(name) for name in lineage_ids}
            yield {name: row for name, row in found.items() if row is None or row.launch_id is None}

    def reopen(self, job: str, states: Collection[TrialState], among: Collection[str] | None = None) -> int:
        with self._database.write() as connection:
            return claims.reopen(connection, job, states, among, _now())

    def remember(self, measured: Collection[StrategyMeasured]) -> None:
        with self._database.write() as connection:
            measurements.remember(connection, measured)

    def note_sizes(self, sizes: Mapping[str, ModelSize]) -> None:
        with self._database.write() as connection:
            measurements.note_sizes(connection, sizes)

    def measured(self) -> list[StrategyMeasured]:
        with self._database.read() as connection:
            return measurements.measured(connection)

    def put_evaluation(self, evaluation: Evaluation) -> EvaluationRow:
        with self._database.write() as connection:
            return evaluations.put_evaluation(connection, evaluation, _now())

    def put_latencies(self, measured: Collection[Latency]) -> None:
        with self._database.write() as connection:
            evaluations.put_latencies(connection, measured, _now())

    def evaluations(self, job: str | None = None) -> list[EvaluationRow]:
        with self._database.read() as connection:
            return evaluations.evaluations_of(connection, job)

    def latencies(self, job: str | None = None) -> list[LatencyRow]:
        with self._database.read() as connection:
            return evaluations.latencies_of(connection, job)

    def states(self, trial_ids: Collection[str]) -> dict[str, TrialState]:
        with self._database.read() as connection:
            return trials.states(connection, trial_ids)

    def lineages(self, lineage_ids: Collection[str]) -> dict[str, LineageRow]:
        with self._database.read() as connection:
            return trials.lineage_rows(connection, lineage_ids)

    def counts(self, job: str) -> dict[TrialState, int]:
        with self._database.read() as connection:
            return trials.counts(connection, job)

    def trials(self, job: str | None = None) -> list[TrialRow]:
        with self._database.read() as connection:
            return trials.trials_of(connection, job)

    def number_of_trials(self) -> int:
        with self._database.read() as connection:
            return trials.number_of_trials(connection)

    def ranking(self, job: str, metric: str, n: int, *, highest: bool) -> list[TrialRow]:
        with self._database.read() as connection:
            return trials.ranking(connection, job, metric, n, highest=highest)

    def trial(self, prefix: str) -> TrialRow:
        with self._database.read() as connection:
            return trials.trial(connection, prefix)

    def answers(self, lineage_ids: Collection[str]) -> dict[str, Mapping[int, bytes]]:
        with self._database.read() as connection:
            return answers.answers_of(connection, lineage_ids)

    def curves(self, lineage_ids: Collection[str]) -> dict[str, LineageCurve]:
        with self._database.read() as connection:
            return epochs.curves_of(connection, lineage_ids)

    def seconds_of(self, totals: Mapping[str, tuple[int, float]]) -> dict[str, tuple[float, ...]]:
        with self._database.read() as connection:
            return epoch_times.seconds_of(connection, totals)

    def trainings(self, lineage_id: str) -> list[TrainingRow]:
        with self._database.read() as connection:
            return trainings.trainings_of(connection, lineage_id)

    def job_trainings(self, job: str) -> list[TrainingRow]:
        with self._database.read() as connection:
            return trainings.job_trainings(connection, job)

    def configs(self, lineage_ids: Collection[str]) -> dict[str, str]:
        with self._database.read() as connection:
            return trainings.configs_of(connection, lineage_ids)

    def training_cost(self, job: str) -> TrainingCost:
        with self._database.read() as connection:
            return costs.training_cost(connection, job)

    def job_epochs(self, job: str) -> list[EpochRow]:
        with self._database.read() as connection:
            return epochs.job_epochs(connection, job)

    def metric_names(self, job: str) -> tuple[str, ...]:
        with self._database.read() as connection:
            return epochs.metric_names(connection, job)

    def events(self, *, job: str | None = None, trial_id: str | None = None, limit: int = 1000) -> list[EventRow]:
        with self._database.read() as connection:
            return epochs.events_of(connection, job, trial_id, limit)

    def changes(self, job: str, after: int | None, *, most: int = 2000) -> Changes:
        with self._database.read() as connection:
            return changed.changes(connection, job, after, most)

    def verify(self) -> list[Problem]:
        # Only `gridsearch verify` needs the checks, and they bring pydantic's validation with them.
        from gridsearch.store.verify.verification import verify

        with self._database.snapshot() as connection:
            return verify(connection)


def _now() -> datetime:
    return datetime.now(UTC)
