"""Status says since when a worker has been silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridsearch.cli.render.status import job_status, status_text
from gridsearch.engine.run.liveness import own_process
from gridsearch.store import sqlite
from gridsearch.store.opening import open_store
from tests.cli.program import JOB
from tests.engine.launching import prepared


def test_a_silent_worker_of_a_live_launch_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = prepared(tmp_path, text=JOB)
    with open_store(tmp_path / "r.db") as store:
        store.put_job("small", job.record().as_json(), JOB, job.new_trials())
        launch = store.open_launch("small", *own_process(), 2)
        silent, *others = {trial.lineage_id: 3 for trial in job.grid.trials}
        claimed = datetime.now(UTC) - timedelta(minutes=41)
        monkeypatch.setattr(sqlite, "_now", lambda: claimed)
        store.claim(launch, {silent: 3})
        monkeypatch.undo()
        store.claim(launch, dict.fromkeys(others, 3))
        found = job_status(store, "small")
        lines = status_text(found, width=None).splitlines()
        (line,) = [line for line in lines if line.startswith("  silent")]
        assert line.startswith("  silent    a worker, for 41m 0")
        assert line.endswith(f"(1 lineage: {silent[:8]})")
        (launched,) = found["launches"]
        assert [len(one["lineages"]) for one in launched["silent"]] == [1, 3]
        store.close_launch(launch, "lost")
        assert "silent" not in status_text(job_status(store, "small"), width=None)
