"""The weights of the winners, whatever happens to the launch."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pytest
import torch

from gridsearch import paths
from gridsearch.analysis.best import best
from gridsearch.engine.executors import inline
from gridsearch.engine.trained import retention
from gridsearch.errors import StoreLockedError
from gridsearch.store.opening import open_store
from gridsearch.store.rows import LineageRow
from tests.engine.launching import Notes, launch, prepared

AT_LAST = "objective={metric: val_accuracy}"
#: The lowest accuracy of all epochs is an early one, and the best so far changes on the way there.
AT_BEST = "objective={metric: train_accuracy, at: best, mode: min}"
LONG = "epochs=[1,3,6]"


@pytest.fixture(autouse=True)
def _report_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)


def kept(folder: Path) -> dict[str, tuple[int, dict[str, torch.Tensor]]]:
    """Return epoch and weights by trial."""
    found = {}
    for file in (folder / "weights").glob("*.pt"):
        said = json.loads(file.with_suffix(".json").read_text())
        found[said["trial"]] = (said["epoch"], torch.load(file, weights_only=True))
    return found


def assert_same(one: dict[str, tuple[int, dict[str, torch.Tensor]]], other: object) -> None:
    assert isinstance(other, dict) and one.keys() == other.keys()
    for trial, (epoch, weights) in one.items():
        assert other[trial][0] == epoch
        assert all(torch.equal(weights[name], other[trial][1][name]) for name in weights)


@pytest.mark.parametrize("objective", [AT_LAST, AT_BEST])
@pytest.mark.parametrize("keep", [1, 5])
def test_the_winners_are_those_of_the_ranking_however_often_the_launch_is_stopped(
    tmp_path: Path, objective: str, keep: int
) -> None:
    (tmp_path / "whole").mkdir()
    job = prepared(tmp_path, objective, LONG)
    launch(job, tmp_path / "whole" / "r.db", keep=keep)
    whole = kept(tmp_path / "whole")
    with open_store(tmp_path / "whole" / "r.db") as store:
        assert whole.keys() == {place.row.trial_id for place in best(store, "small", keep)}
    for after in (1, 4, 3, 5):
        stop: list[bool] = []
        notes = Notes(after, lambda stop=stop: stop.append(True))  # type: ignore[misc]
        launch(job, tmp_path / "r.db", notes=notes, stopping=lambda stop=stop: bool(stop), keep=keep)  # type: ignore[misc]
        assert kept(tmp_path) == {}
    launch(job, tmp_path / "r.db", keep=keep)
    assert_same(kept(tmp_path), whole)
    assert not list(paths.reading_dir(tmp_path / "r.db", "small").iterdir())


@pytest.mark.parametrize("objective", [AT_LAST, AT_BEST])
def test_all_weights_are_those_that_each_trial_has_alone(tmp_path: Path, objective: str) -> None:
    (tmp_path / "alone").mkdir()
    launch(prepared(tmp_path, objective, LONG), tmp_path / "r.db", keep=100)
    everything = kept(tmp_path)
    assert len(everything) == 12
    for epochs in (1, 3, 6):
        launch(
            prepared(tmp_path, objective, f"epochs={epochs}", f"name=e{epochs}"),
            tmp_path / f"alone/{epochs}.db",
            keep=100,
        )
    assert_same(everything, kept(tmp_path / "alone"))


@pytest.mark.parametrize("objective", [AT_LAST, AT_BEST])
def test_no_more_is_on_the_disk_than_may_win(tmp_path: Path, objective: str) -> None:
    root, most = paths.reading_dir(tmp_path / "r.db", "small"), [0]

    def look() -> None:
        most[0] = max(most[0], sum(file.is_file() for file in root.rglob("*")))

    launch(
        prepared(tmp_path, objective, LONG, "learning_rate={logspace: [0.001, 0.1], num: 4}", "batch_size=[32,64,128]"),
        tmp_path / "r.db",
        notes=Notes(0, look),
    )
    # One winner, and the readings of the four lineages of the pack that is being trained.
    assert 1 <= most[0] <= 1 + 4 * 3


def test_none_are_kept_if_none_are_wanted_and_later_launches_say_what_they_lack(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db", keep=0)
    assert not (tmp_path / "weights").exists()
    notes = Notes()
    launch(prepared(tmp_path, "learning_rate=[0.1,0.01,1e-5]"), tmp_path / "r.db", notes=notes, keep=100)
    # Four are new, four in checkpoints; four were readings of a training that nobody kept.
    assert len(kept(tmp_path)) == 8
    assert [note[:26] for note in notes.notes] == ["the weights of 4 of the be"]


def test_what_exceeds_a_constraint_takes_no_place_among_the_best(tmp_path: Path) -> None:
    rule = "rules=[{skip: neurons == 10 and learning_rate < 0.1 or neurons == 90 and learning_rate > 0.01}]"
    changes = ("neurons=[10,90]", "learning_rate=[0.1,0.0001]", "epochs=4", "batch_size=64", AT_BEST, rule)
    notes = Notes()
    launch(prepared(tmp_path, *changes, "constraints.parameters=1000"), tmp_path / "r.db", notes=notes)
    with open_store(tmp_path / "r.db") as store:
        small, large = store.trials("small")
        assert (small.parameters, large.parameters) == (760, 6760)
        # The lowest accuracy is wanted: the large one has it, and that of the small one is not in its last checkpoint.
        assert (small.train_accuracy or 0) > (large.train_accuracy or 0)
    assert (kept(tmp_path).keys(), notes.notes) == ({small.trial_id}, [])


def test_winners_of_a_launch_that_died_before_it_wrote_them_are_written_by_the_next(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    before = kept(tmp_path)
    (file,) = (tmp_path / "weights").glob("*.json")
    file.unlink()
    notes = Notes()
    launch(prepared(tmp_path), tmp_path / "r.db", notes=notes)
    assert (notes.epochs, notes.notes) == ([], [])
    assert_same(kept(tmp_path), before)


def test_by_default_size_decides_whether_it_is_the_best_or_the_best_five(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "double").mkdir()
    job = prepared(tmp_path)
    largest = 5 * 4 * 760  # 64 * 10 + 10 + 10 * 10 + 10 numbers of four bytes
    monkeypatch.setattr(retention, "SMALL_BYTES", largest)
    launch(job, tmp_path / "r.db", keep=None)
    with open_store(tmp_path / "r.db") as store:
        assert kept(tmp_path).keys() == {place.row.trial_id for place in best(store, "small", 5)}
    launch(prepared(tmp_path, "precision=float64"), tmp_path / "double" / "r.db", keep=None)
    assert len(kept(tmp_path / "double")) == 1
    monkeypatch.setattr(retention, "SMALL_BYTES", largest - 1)
    launch(job, tmp_path / "large" / "r.db", keep=None)
    assert len(kept(tmp_path / "large")) == 1
    # Launched once more where less was kept: nobody has asked for the others, so nobody hears that they are gone.
    monkeypatch.setattr(retention, "SMALL_BYTES", largest)
    notes = Notes()
    launch(job, tmp_path / "large" / "r.db", keep=None, notes=notes)
    assert (notes.epochs, notes.notes) == ([], [])


def test_a_lock_while_weights_are_sorted_out_counts_no_trial_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = prepared(tmp_path, AT_LAST, LONG)
    launch(job, tmp_path / "r.db", keep=2)
    grid = [trial.trial_id for trial in job.grid.trials]
    with open_store(tmp_path / "r.db") as store:
        rows = store.trials("small")
        keeper = retention.BestSoFar(store, tmp_path / "r.db", "small", grid, 2)
        keeper.best.clear()
        read, locked = store.lineages, [True]

        def lineages(ids: Collection[str]) -> dict[str, LineageRow]:
            if locked and locked.pop():
                raise StoreLockedError("locked")
            return read(ids)

        monkeypatch.setattr(store, "lineages", lineages)
        with pytest.raises(StoreLockedError):
            keeper.take(rows, [], [])
        keeper.take(rows, [], [])
        held = {(one.place, one.lineage_id) for one in keeper.best}
        assert len(held) == len(keeper.best) == 2
        assert {-place for place, _ in held} == {grid.index(place.row.trial_id) for place in best(store, "small", 2)}
