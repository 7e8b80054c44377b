"""Random histories against a model that is simple enough to be right at sight."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from gridsearch.config.events import LineageDiverged, LineageFailed, LineageFinished, LineageStopped, TrialState
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Claim
from tests.store.grids import JOB, SOURCE, SPEC, epoch, new_trial

RATES = (0.1, 0.2, 0.3)
LENGTHS = (1, 2, 3, 5)
TRIALS = {new_trial(rate, length).trial_id: (rate, length) for rate in RATES for length in LENGTHS}
LINEAGES = {new_trial(rate).lineage_id: rate for rate in RATES}
PENDING, RUNNING = TrialState.PENDING, TrialState.RUNNING

points = st.lists(st.tuples(st.sampled_from(RATES), st.sampled_from(LENGTHS)), max_size=8)
some_rates = st.lists(st.sampled_from(RATES), unique=True, max_size=3)


@dataclass
class Lineage:
    """What the model knows of a lineage: its curve is the list of losses recorded."""

    curve: list[float | None] = field(default_factory=list)
    attempt: int = 0
    holder: int | None = None
    diverged: int | None = None
    stopped: int | None = None
    states: dict[int, TrialState] = field(default_factory=dict)

    def finalize(self) -> None:
        for length, state in self.states.items():
            if state in (PENDING, RUNNING):
                recorded = length < len(self.curve)
                if recorded and self.curve[length] is not None:
                    self.states[length] = TrialState.COMPLETED
                elif self.stopped is not None and length > self.stopped:
                    self.states[length] = TrialState.STOPPED
                elif self.diverged is not None and length >= self.diverged:
                    self.states[length] = TrialState.DIVERGED

    def turn(self, old: TrialState, new: TrialState) -> int:
        changed = [length for length, state in self.states.items() if state == old]
        self.states.update(dict.fromkeys(changed, new))
        return len(changed)

    def end(self) -> int:
        self.holder = None
        return self.turn(RUNNING, PENDING)


class StoreMachine(RuleBasedStateMachine):
    """Jobs are put, launches come and go, claims are taken, reported on, given up, reported on too late."""

    launches = Bundle("launches")
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "results.db"
        self.store = open_store(self.path)
        self.model = {rate: Lineage() for rate in RATES}
        self.grid: list[tuple[float, int]] = []
        self.closed: set[int] = set()
        self.store.put_job(JOB, SPEC, SOURCE, [])

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert self.store.verify() == []
            self.store.close()
            self.folder.cleanup()

    @rule(grid=points)
    def put_job(self, grid: list[tuple[float, int]]) -> None:
        self.store.put_job(JOB, SPEC, SOURCE, [new_trial(*point) for point in grid])
        self.grid = list(dict.fromkeys(grid))
        for rate, length in self.grid:
            self.model[rate].states.setdefault(length, PENDING)
            self.model[rate].finalize()

    @rule(target=launches)
    def open_launch(self) -> int:
        return self.store.open_launch(JOB, "host", 1, 1.0, 1)

    @rule(launch=consumes(launches), outcome=st.sampled_from(["complete", "some_failed", "interrupted", "lost"]))
    def close_launch(self, launch: int, outcome: str) -> None:
        self.store.close_launch(launch, outcome)
        for lineage in self.model.values():
            if lineage.holder == launch:
                lineage.end()

    @rule(target=claims, launch=launches, rates=some_rates, reach=st.sampled_from(LENGTHS))
    def claim(self, launch: int, rates: list[float], reach: int) -> Any:
        targets = {new_trial(rate).lineage_id: reach for rate in rates}
        obtained = self.store.claim(launch, targets)
        expected = []
        for rate in rates:
            lineage = self.model[rate]
            within = [n for n, state in lineage.states.items() if state == PENDING and n <= reach]
            if lineage.holder is None and within:
                lineage.holder, lineage.attempt = launch, lineage.attempt + 1
                lineage.states.update(dict.fromkeys(within, RUNNING))
                recorded = len(lineage.curve) - 1
                expected.append(Claim(new_trial(rate).lineage_id, lineage.attempt, recorded, reach))
        assert obtained == expected
        return multiple(*((launch, claim) for claim in obtained))

    @rule(
        held=claims,
        number=st.integers(0, 6),
        count=st.integers(1, 4),
        loss=st.sampled_from([0.5, 2.0, float("nan")]),
    )
    def record_epochs(self, held: tuple[int, Claim], number: int, count: int, loss: float) -> None:
        launch, claim = held
        lineage = self.model[LINEAGES[claim.lineage_id]]
        # Mostly where the training stands, sometimes before it.
        first = max(min(number, len(lineage.curve)), len(lineage.curve) - 2)
        reports = [epoch(claim, first + step, loss=loss) for step in range(count)]
        outcome = self.store.record(launch, reports, {})
        if (lineage.holder, lineage.attempt) != (launch, claim.attempt):
            assert (outcome.accepted, outcome.refused) == (0, count)
            return
        assert (outcome.accepted, outcome.refused) == (count, 0)
        for report in reports:
            if report.epoch == len(lineage.curve):
                lineage.curve.append(report.val_loss if loss == loss else None)
                if loss != loss:
                    known = lineage.diverged
                    lineage.diverged = report.epoch if known is None else min(report.epoch, known)
        lineage.finalize()

    @rule(held=claims, kind=st.sampled_from(["finished", "stopped", "diverged", "failed"]), number=st.integers(1, 5))
    def record_end(self, held: tuple[int, Claim], kind: str, number: int) -> None:
        launch, claim = held
        lineage = self.model[LINEAGES[claim.lineage_id]]
        last = len(lineage.curve) - 1
        event = {
            "stopped": LineageStopped(claim.lineage_id, claim.attempt, last),
            "finished": LineageFinished(claim.lineage_id, claim.attempt),
            "diverged": LineageDiverged(claim.lineage_id, claim.attempt, number),
            "failed": LineageFailed(claim.lineage_id, claim.attempt, "error", "traceback"),
        }[kind]
        outcome = self.store.record(launch, [event], {claim.lineage_id: "log"})
        if (lineage.holder, lineage.attempt) != (launch, claim.attempt):
            assert outcome.refused == 1
            return
        if kind == "diverged":
            lineage.diverged = number if lineage.diverged is None else min(number, lineage.diverged)
            lineage.finalize()
        if kind == "stopped" and last >= 1 and lineage.diverged is None:
            lineage.stopped = last
            lineage.finalize()
        elif kind in ("failed", "stopped"):
            lineage.turn(RUNNING, TrialState.FAILED)
        lineage.end()

    @rule(launch=launches, rates=some_rates)
    def release(self, launch: int, rates: list[float]) -> None:
        held = [self.model[rate] for rate in rates if self.model[rate].holder == launch]
        released = self.store.release(launch, [new_trial(rate).lineage_id for rate in rates])
        assert released == sum(lineage.end() for lineage in held)

    @rule()
    def reopen(self) -> None:
        members = [
            (self.model[rate], length)
            for rate, length in self.grid
            if self.model[rate].states[length] == TrialState.FAILED
        ]
        assert self.store.reopen(JOB, [TrialState.FAILED]) == len(members)
        for lineage, length in members:
            lineage.states[length] = PENDING
            lineage.finalize()

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = open_store(self.path, create=False)

    @invariant()
    def the_store_agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        rows = {TRIALS[row.trial_id]: row.state for row in self.store.trials()}
        assert rows == {
            (rate, length): state for rate, lineage in self.model.items() for length, state in lineage.states.items()
        }
        assert [TRIALS[row.trial_id] for row in self.store.trials(JOB)] == self.grid
        for lineage_id, row in self.store.lineages(LINEAGES).items():
            lineage = self.model[LINEAGES[lineage_id]]
            found = (row.attempt, row.launch_id, row.diverged_epoch, row.stopped_epoch, row.epoch)
            ended = (lineage.diverged, lineage.stopped)
            assert found == (lineage.attempt, lineage.holder, *ended, len(lineage.curve) - 1)
            assert [e.val_loss for e in self.store.epochs([lineage_id])] == lineage.curve


TestStoreMachine = pytest.mark.slow(StoreMachine.TestCase)
TestStoreMachine.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
