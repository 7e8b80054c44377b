"""What launches leave of checkpoints: what an extension of `epochs` goes on from, within a limit, and no more."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gridsearch import paths
from gridsearch.analysis.best import best
from gridsearch.config.events import LineageFailed
from gridsearch.engine.disk import checkpoint_limit
from gridsearch.engine.disk.usefulness import checkpoints_in
from gridsearch.engine.executors import inline
from gridsearch.engine.executors.inline import InlineExecutor
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.run.driver import Driver
from gridsearch.engine.run.launch import Launch, worker_settings
from gridsearch.engine.run.planning import LaunchOptions, plan_job
from gridsearch.store.opening import open_store
from gridsearch.training.checkpoints import CheckpointFolder
from tests.engine.launching import Notes, driver_of, launch, prepared, table


@pytest.fixture(autouse=True)
def _looking_at_every_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint_limit, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint_limit, "LOOKING_SHARE", math.inf)


def within(job: PreparedJob, store_path: Path, limit: float | None, notes: Notes | None = None) -> None:
    """Launch with a limit for checkpoints."""
    options = LaunchOptions(workers=1, device="cpu", keep=0, checkpoints=limit)
    with open_store(store_path) as store:
        Launch(job, store, store_path, options).run(
            lambda: InlineExecutor(worker_settings(job, store_path, options)),
            listener=notes or Notes(),
            stopping=lambda: False,
        )


def slots(store_path: Path) -> dict[str, list[str]]:
    """Return the names of what lies in each lineage's folder."""
    root = paths.checkpoint_dir(store_path)
    return {folder.name: sorted(path.name for path in folder.iterdir()) for folder in root.glob("*")}


def test_a_lineage_that_has_ended_leaves_one_checkpoint(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db", keep=0)
    left = slots(tmp_path / "r.db")
    assert len(left) == 4
    assert set(map(tuple, left.values())) == {("synced",)}
    for name in left:
        found = CheckpointFolder(paths.checkpoint_dir(tmp_path / "r.db"), name).load()
        assert found is not None and found.epoch == 3


@pytest.mark.parametrize("after", [1, 3, 6, 10, 15])
def test_stopped_anywhere_what_is_begun_can_be_gone_on_with(tmp_path: Path, after: int) -> None:
    stop: list[bool] = []
    job = prepared(tmp_path, "learning_rate=[0.1]")
    launch(job, tmp_path / "r.db", notes=Notes(after, lambda: stop.append(True)), stopping=lambda: bool(stop), keep=0)
    rest = Notes()
    launch(job, tmp_path / "r.db", notes=rest, keep=0)
    assert not [note for note in rest.notes if "trained again" in note]
    launch(job, tmp_path / "whole.db", keep=0)
    assert table(tmp_path / "r.db") == table(tmp_path / "whole.db")
    assert set(map(tuple, slots(tmp_path / "r.db").values())) == {("synced",)}


@pytest.mark.parametrize(
    ("overrides", "states"),
    [
        (("learning_rate=[1e30]",), {"diverged"}),
        (("early_stopping=1", "learning_rate=[3.0]", "epochs=[40]"), {"stopped"}),
        (("schedule=cosine",), {"completed"}),
    ],
    ids=["diverged", "stopped early", "a schedule that needs the total"],
)
def test_what_nothing_goes_on_from_is_not_left(tmp_path: Path, overrides: tuple[str, ...], states: set[str]) -> None:
    launch(prepared(tmp_path, *overrides), tmp_path / "r.db", keep=0)
    assert {state for state, *_ in table(tmp_path / "r.db").values()} == states
    assert slots(tmp_path / "r.db") == {}


def test_a_failed_trial_keeps_what_it_has_to_go_on_from(tmp_path: Path) -> None:
    job, path = prepared(tmp_path, "learning_rate=[0.1]", "batch_size=[64]", "epochs=[2]"), tmp_path / "r.db"
    stop: list[bool] = []
    launch(job, path, notes=Notes(2, lambda: stop.append(True)), stopping=lambda: bool(stop), keep=0)
    (name,) = slots(path)
    with open_store(path) as store:
        driver, _ = driver_of(job, store, path)
        assert isinstance(driver, Driver)
        driver.enqueue([[list(plan_job(job, store).lineages)]])
        pack = driver.next_pack()
        assert pack is not None
        driver.record([LineageFailed(name, pack.tasks[0].attempt, "the disk was full", "")])
        store.close_launch(driver.launch_id, "some_failed")
    assert slots(path)[name]
    again = Notes()
    launch(job, path, notes=again, retry_failed=True, keep=0)
    assert {record.epoch for record in again.epochs} == {2}


def test_a_limit_keeps_the_best(tmp_path: Path) -> None:
    job, path = prepared(tmp_path), tmp_path / "r.db"
    within(job, path, None)
    one = max(found.size for found in checkpoints_in(paths.checkpoint_dir(path)).values())
    for count in (3, 2, 1):
        within(job, path, count * one)  # nothing is left to train
        with open_store(path) as store:
            order = [place.row.lineage_id for place in best(store, "small", 8)]
        assert set(slots(path)) == set(list(dict.fromkeys(order))[:count])
    notes = Notes()
    within(job, path, 0, notes)
    assert slots(path) == {}
    assert ["to stay within the limit (1): training" in note for note in notes.notes] == [True]


def test_while_trials_are_trained_the_limit_is_kept_but_for_what_is_begun(tmp_path: Path) -> None:
    job, path = prepared(tmp_path), tmp_path / "r.db"
    most: list[int] = []

    class Watching(Notes):
        def recorded(self, events: object, outcome: object) -> None:
            super().recorded(events, outcome)  # type: ignore[arg-type]
            most.append(len(slots(path)))

    options = LaunchOptions(workers=1, device="cpu", keep=0, checkpoints=0, largest_pack=1)
    with open_store(path) as store:
        Launch(job, store, path, options).run(
            lambda: InlineExecutor(worker_settings(job, path, options)), listener=Watching(), stopping=lambda: False
        )
    assert max(most) <= 2 and slots(path) == {}


def test_what_is_begun_stays_whatever_the_limit(tmp_path: Path) -> None:
    stop: list[bool] = []
    job, path = prepared(tmp_path), tmp_path / "r.db"
    launch(job, path, notes=Notes(6, lambda: stop.append(True)), stopping=lambda: bool(stop), keep=0)
    with open_store(path) as store:
        begun = {row.lineage_id for row in store.trials("small") if row.state == "pending"} & set(slots(path))
        assert begun
        checkpoint_limit.CheckpointRoom(store, path, 0).make()
    assert set(slots(path)) == begun


def test_the_job_says_the_limit_and_the_launch_another(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    within(prepared(tmp_path, "checkpoints=none"), path, None)
    assert slots(path) == {}
    within(prepared(tmp_path, "checkpoints=none", "neurons=[11]"), path, math.inf)
    assert len(slots(path)) == 4


def test_what_left_every_grid_goes_before_what_is_in_one(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    within(prepared(tmp_path, "learning_rate=[0.1]", "batch_size=[64]"), path, None)
    (left,) = slots(path)
    within(prepared(tmp_path, "learning_rate=[0.0001]", "batch_size=[64]"), path, None)
    one = max(found.size for found in checkpoints_in(paths.checkpoint_dir(path)).values())
    with open_store(path) as store:
        checkpoint_limit.CheckpointRoom(store, path, one).make()
    assert len(slots(path)) == 1 and left not in slots(path)


def test_an_extension_whose_checkpoints_were_not_kept_is_trained_from_the_start(tmp_path: Path) -> None:
    path, notes = tmp_path / "r.db", Notes()
    within(prepared(tmp_path), path, 0)
    longer = prepared(tmp_path, "epochs=[1,3,5]")
    within(longer, path, None, notes)
    assert any("trained again from the start" in note for note in notes.notes)
    within(longer, tmp_path / "whole.db", None)
    assert table(path) == table(tmp_path / "whole.db")
