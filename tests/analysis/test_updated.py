from __future__ import annotations

from pathlib import Path

from gridsearch.analysis.updated import updated_at
from tests.store.grids import JOB, claim_all, epoch, grid, make_store, start


def test_a_job_is_updated_by_every_epoch_while_a_launch_runs(tmp_path: Path) -> None:
    with make_store(tmp_path / "r.db", grid()) as store:
        times = [updated_at(store, store.job(JOB))]
        launch = start(store, grid())
        claim, _ = claim_all(store, launch, grid())
        for number in (0, 1, 2, 3):
            times.append(updated_at(store, store.job(JOB)))
            store.record(launch, [epoch(claim, number)], {})
        times.append(updated_at(store, store.job(JOB)))
        assert times == sorted(set(times)) and len(times) == 6
        assert store.job(JOB).updated_at == times[0]
        # What has ended is not older than what was heard of it.
        store.close_launch(launch, "interrupted")
        assert updated_at(store, store.job(JOB)) > times[-1]
