"""What progress shows, on a store with really trained trials."""

from __future__ import annotations

import re
from pathlib import Path

from gridsearch.cli.render.best import best_trial
from gridsearch.cli.tracking import Tracker
from gridsearch.config.events import EpochRecord, LineageDiverged, LineageFailed
from gridsearch.engine.run.planning import plan_job
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Recorded
from tests.engine.launching import launch, prepared

NOTHING = Recorded(0, 0, ())


def test_what_others_have_done_counts(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    launch(prepared(tmp_path), path)
    wider = prepared(tmp_path, "neurons=[10,20]")
    with open_store(path) as store:
        store.put_job("small", wider.record().as_json(), wider.job.source, wider.new_trials())
        tracker = Tracker(store, wider.job, plan_job(wider, store), train_images=wider.train_images)
        assert (tracker.trials_done, tracker.trials, tracker.epochs) == (8, 16, 12)
        tracker.look()
        assert tracker.best == best_trial(store, "small")
        assert tracker.best is not None
    launch(wider, path)  # as another launch would meanwhile
    with open_store(path) as store:
        tracker.store, tracker._next_look = store, 0.0
        tracker.look()
        assert (tracker.trials_done, tracker.epochs_done) == (16, 12)
        assert tracker.work_done == tracker.work
        assert tracker.best == best_trial(store, "small")


def test_the_first_report_has_a_pace_and_what_will_not_be_trained_is_left_out(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    with open_store(tmp_path / "results.db") as store:
        plan = plan_job(job, store)
        tracker = Tracker(store, job.job, plan, train_images=job.train_images)
        first, second, third, _ = (lineage.lineage_id for lineage in plan.lineages)
        assert tracker.pace.words(tracker.work) == "starting workers"
        epochs = [EpochRecord(first, 1, epoch, 1, 0, 1, 0, 0.1, 2.0) for epoch in (0, 1)]
        tracker.count(epochs, NOTHING)
        assert re.fullmatch(r"0\.2 epochs/s · \d+s left", tracker.pace.words(tracker.work - tracker.work_done))
        tracker.count([LineageDiverged(second, 1, 1), LineageFailed(third, 1, "", "")], NOTHING)
        assert (tracker.epochs_done, tracker.epochs) == (1, 12 - 3 - 3)
        tracker.count(epochs, NOTHING)  # reported again by whoever went on from a checkpoint
        assert tracker.epochs_done == 1
