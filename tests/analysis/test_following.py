"""A job is followed: what each look tells is what stands in the store."""

from __future__ import annotations

import itertools
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridsearch.analysis.advice.advise import advise
from gridsearch.analysis.best import best
from gridsearch.analysis.following import Follower
from gridsearch.analysis.frames import load_to_show
from gridsearch.analysis.measures import TIMES
from gridsearch.analysis.pace import Pace
from gridsearch.analysis.sparing import Sparing
from gridsearch.analysis.sweep import Sweep
from gridsearch.analysis.work import Work
from gridsearch.cli.render.status import job_status, status_text
from gridsearch.cli.render.sweep import sweep_lines
from gridsearch.config.events import EpochRecord, LineageFailed, LineageFinished
from gridsearch.config.identity import canonical, lineage_id, trial_id
from gridsearch.errors import StoreError
from gridsearch.serve.state import state_of
from gridsearch.serve.telling import row_json, sweep_json
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.processes import process_start, process_table, this_host
from gridsearch.store.rows import Claim, NewTrial, TrialRow
from gridsearch.visualization.page import Stamp, job_page
from tests.analysis.grids import make_config, make_job
from tests.visualization.stores import filled_store

AXES = {"epochs": [1, 2], "learning_rate": [0.1, 0.01], "neurons": [5, 10, 20]}


def begun(store: Store, name: str = "small") -> tuple[int, list[Claim]]:
    """Put a job of twelve trials in six lineages, and claim all of them."""
    configs = [make_config(dict(zip(AXES, values, strict=True))) for values in itertools.product(*AXES.values())]
    new = [NewTrial(trial_id(c), lineage_id(c), c.epochs, canonical(c)) for c in configs]
    store.put_job(name, make_job(AXES, name=name).spec, "", new)
    launch = store.open_launch(name, "host", 1, 1.0, 2)
    return launch, store.claim(launch, {trial.lineage_id: 2 for trial in new})


def epoch(claim: Claim, number: int, score: float) -> EpochRecord:
    return EpochRecord(claim.lineage_id, claim.attempt, number, 1.0, 0.1, 1.0, score, 0.1, 1.0)


def looked(follower: Follower) -> Sweep:
    """Return a look that tells all: what takes long is not read at every one."""
    end = time.monotonic() + 20
    sweep = follower.look()
    while not follower.settled:
        assert time.monotonic() < end
        time.sleep(0.05)
        sweep = follower.look()
    return sweep


def agrees(store: Store, sweep: Sweep) -> None:
    """Assert that a look tells what the store's own queries do."""
    assert dict(sweep.counts) == {str(state): count for state, count in store.counts(sweep.job).items()}
    rows = {row.trial_id: row for row in store.trials(sweep.job)}
    ended = [row for row in rows.values() if row.finished_at]
    assert {one.trial for one in sweep.newest} <= {row.trial_id for row in ended}
    assert [one.at for one in sweep.newest] == sorted((one.at for one in sweep.newest if one.at), reverse=True)
    places = best(store, sweep.job, 1)
    assert (sweep.best.trial if sweep.best else None) == (places[0].row.trial_id if places else None)
    lineages = store.lineages({row.lineage_id for row in rows.values()})
    assert sweep.epochs[0] == sum(max(0, row.epoch) for row in lineages.values())


def test_each_look_tells_what_stands_in_the_store(tmp_path: Path) -> None:
    with open_store(tmp_path / "results.db") as store, open_store(tmp_path / "results.db", read_only=True) as reader:
        launch, claims = begun(store)
        follower = Follower(reader, "small")
        first = follower.look()
        agrees(store, first)
        assert (first.total, first.ended, first.best, first.newest, first.epochs) == (12, 0, None, (), (0, 12))
        assert first.launches[0].launch.launch_id == launch and first.launches[0].workers
        for place, claim in enumerate(claims[:4]):
            # An epoch is no event: it is seen all the same.
            store.record(launch, [epoch(claim, n, 0.5 + place / 100 + n / 1000) for n in (0, 1)], {})
            sweep = looked(follower)
            agrees(store, sweep)
            store.record(
                launch, [epoch(claim, 2, 0.6 - place / 100), LineageFinished(claim.lineage_id, claim.attempt)], {}
            )
            sweep = looked(follower)
            agrees(store, sweep)
            assert len(sweep.history) == 2 * (place + 1)
            assert {line.of for line in sweep.lines} <= {"best", "new", "running"} and sweep.lines
        failed = LineageFailed(claims[4].lineage_id, claims[4].attempt, "RuntimeError: no memory", "Traceback ...")
        store.record(launch, [failed], {})
        sweep = looked(follower)
        agrees(store, sweep)
        assert sweep.causes == (("RuntimeError: no memory", 2),) and sweep.epochs[1] == 10
        store.close_launch(launch, "interrupted")
        sweep = looked(follower)
        agrees(store, sweep)
        assert not sweep.trains and sweep.seconds_left is None
        bests = [best_so_far for _, _, best_so_far in sweep.history]
        assert bests == sorted(bests) and bests[-1] == max(score for _, score, _ in sweep.history)


def test_who_comes_late_is_told_the_same(tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "small", failing=True) as store:
        early = Follower(store, "small")
        early.look()
        looks = [looked(follower) for follower in (early, Follower(store, "small"))]
        assert looks[0].newest == looks[1].newest and looks[0].history == looks[1].history
        agrees(store, looks[1])
        with pytest.raises(StoreError, match="no job"):
            Follower(store, "other").look()


def test_a_grid_that_grows_is_read_anew(tmp_path: Path) -> None:
    with open_store(tmp_path / "results.db") as store:
        _, claims = begun(store)
        follower = Follower(store, "small")
        assert follower.look().total == 12 and claims
        store.put_job("small", make_job(AXES | {"neurons": [5]}, name="small").spec, "", [])
        assert follower.look().total == 0


def test_the_time_left_is_that_of_the_pace() -> None:
    pace = Pace()
    assert (pace.epochs_per_second, pace.seconds_left(10)) == (None, None)
    now = time.monotonic()
    pace.note(0, 0, at=now - 10)
    pace.note(100, 20, at=now)
    assert pace.epochs_per_second == pytest.approx(2, rel=0.05)
    assert pace.seconds_left(50) == pytest.approx(5, rel=0.05)
    assert pace.seconds_left(0) is None


def test_work_is_counted_once_for_each_training() -> None:
    work = Work()
    work.put("a", 10, 3)
    work.put("b", 5, 2, reached=9)
    assert (work.steps, work.steps_done, work.epochs, work.epochs_done) == (40, 10, 15, 5)
    work.reach("a", 4)
    work.reach("a", 4)
    assert (work.steps_done, work.epochs_done, work.reached("a")) == (22, 9, 4)
    work.reach("a", 6, ended=True)
    assert (work.steps, work.steps_done, work.epochs, work.epochs_done) == (28, 28, 11, 11)


def test_what_takes_long_is_done_seldom() -> None:
    calls: list[float] = []
    ticks = iter(range(0, 1000, 2))
    sparing = Sparing(lambda: calls.append(1.0) or len(calls), 0.5, clock=lambda: next(ticks))
    assert [sparing.sometimes(), sparing.sometimes()] == [1, 1] and not sparing.due
    eager = Sparing(lambda: calls.append(1.0) or len(calls), 0.5, clock=lambda: 0.0)
    assert [eager.sometimes(), eager.sometimes()] == [2, 3]


def test_of_a_launch_whose_process_is_gone_nothing_runs(tmp_path: Path) -> None:
    with open_store(tmp_path / "results.db") as store:
        launch, claims = begun(store)
        store.record(launch, [epoch(claims[0], n, 0.5) for n in (0, 1)], {})
        follower = Follower(store, "small")
        alive = looked(follower)
        assert alive.trains and not alive.interrupted and alive.training == len(claims)
        assert [line.of for line in alive.lines] == ["best", "running"]  # the trial of one epoch has ended
        assert not advise(load_to_show(store, "small", []))
        assert "still training" in page_of(store)
        before = state_of(store, "small")
        store.close_launch(launch, "complete")
    ended = subprocess.Popen(["true"])
    started = process_start(ended.pid) or 1.0
    ended.wait()
    with open_store(tmp_path / "other.db") as store:
        new = [NewTrial(one.trial_id, one.lineage_id, one.epochs, one.config) for one in _rows(tmp_path / "results.db")]
        store.put_job("small", make_job(AXES, name="small").spec, "", new)
        gone = store.open_launch("small", this_host(), ended.pid, started, 2, process_table())
        claims = store.claim(gone, {trial.lineage_id: 2 for trial in new})
        store.record(gone, [epoch(claims[0], n, 0.5) for n in (0, 1)], {})
        sweep = looked(Follower(store, "small"))
        assert not sweep.trains and sweep.interrupted and sweep.training == 0
        assert (sweep.epochs_per_second, sweep.seconds_left) == (None, None)
        assert not any(line.of == "running" for line in sweep.lines)
        told = "\n".join([*sweep_lines(sweep, width=80), status_text(job_status(store, "small"), width=80)])
        assert " running" not in told and told.count("interrupted") == told.count("gridsearch resume") == 2
        assert sweep_json(sweep)["resume"] == "gridsearch resume small" and not sweep_json(sweep)["trains"]
        assert "interrupted" in row_json(sweep)["words"] and "gridsearch resume small" in row_json(sweep)["words"]
        assert [one.run for one in advise(load_to_show(store, "small", []))][:1] == ["gridsearch resume small"]
        text = page_of(store)
        assert "lost, silent since" in text and "interrupted</li>" in text and "running</li>" not in text
        # The page is made anew though nothing was written.
        assert state_of(store, "small")[-1] != before[-1] and state_of(store, "small")[-1][0][1] == "lost"


def _rows(path: Path) -> list[TrialRow]:
    with open_store(path, read_only=True) as store:
        return store.trials("small")


def page_of(store: Store) -> str:
    return job_page(load_to_show(store, "small", TIMES), Stamp(datetime.now(UTC), "results.db"))


def test_trials_that_share_a_training_have_each_a_curve_of_its_own_epochs(tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "small") as store:
        sweep = looked(Follower(store, "small"))
        rows = {row.trial_id: row for row in store.trials("small")}
        lines = {line.trial: line for line in sweep.lines}
        assert {one.trial for one in sweep.newest} <= set(lines)
        assert all(line.epochs[-1] == rows[trial].epochs for trial, line in lines.items())
        assert {line.epochs[-1] for line in lines.values()} == {1, 2}
        told = sweep_lines(sweep, width=120)
        newest = told[told.index("  newest") + 1 :]
        assert len({line.index("learning_rate") if "learning_rate" in line else -1 for line in newest}) == 1
