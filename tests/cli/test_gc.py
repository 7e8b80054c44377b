"""Disk space as a user sees it: what status says, what gc removes, also beside a launch."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.paced import hurry, write_paced
from tests.cli.program import JOB, refused, run, start
from tests.engine.launching import assert_alike, table


def checkpoints(folder: Path) -> dict[str, list[str]]:
    found = (folder / ".gridsearch" / "results.db" / "checkpoints").glob("*")
    return {place.name: sorted(path.name for path in place.glob("*")) for place in found}


def test_what_a_launch_leaves_is_said_and_removed(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB + "checkpoints: 1GB\n")
    assert run(tmp_path, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    assert len(checkpoints(tmp_path)) == 4
    used = json.loads(run(tmp_path, "status", "--json").out)[0]["disk"]
    assert used["checkpoints"] == sum(file.stat().st_size for file in tmp_path.rglob("checkpoints/*/*"))
    assert used["database"] == (tmp_path / "results.db").stat().st_size
    assert "\ndisk  database " in (said := run(tmp_path, "status").out) and ", checkpoints " in said

    told = run(tmp_path, "gc", "--dry-run", "--checkpoints", "none", COLUMNS="80")
    assert "checkpoints beyond the limit      4" in told.out and max(map(len, told.out.splitlines())) <= 80
    assert "would remove 4 files" in told.out and len(checkpoints(tmp_path)) == 4
    done = json.loads(run(tmp_path, "gc", "--checkpoints", "none", "--format", "json").out)
    kinds = [{"what": "checkpoints beyond the limit", "files": 4, "bytes": used["checkpoints"]}]
    assert done == {"dry_run": False, "removed": kinds, "files": 4, "bytes": used["checkpoints"]}
    assert checkpoints(tmp_path) == {}


@pytest.mark.parametrize("written", ["5", "5 XB", "-5GB", "lots", ""])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    refused(run(tmp_path, "launch", "small.yaml", "--checkpoints", written), "--checkpoints", "5GB")


def test_without_a_store_there_is_nothing_to_collect(tmp_path: Path) -> None:
    refused(run(tmp_path, "gc"), "results.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_beside_a_launch_that_is_killed_and_gone_on_with_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    write_paced(tmp_path / "whole", slow=False)
    assert run(tmp_path / "whole", "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    write_paced(tmp_path)
    launched = ("launch", "small.yaml", "--inline", "--no-dashboard")
    process = start(tmp_path, *launched, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (found := checkpoints(tmp_path)) or min(map(len, found.values())) < 2:  # then there is one to spare
        assert time.monotonic() < until, found
        time.sleep(0.1)
    beside = run(tmp_path, "gc", "--checkpoints", "none")
    assert (beside.code, beside.out.strip()) == (0, "results.db: nothing to remove")
    assert process.poll() is None and any(checkpoints(tmp_path).values())
    process.kill()
    process.wait()
    after = run(tmp_path, "gc")
    assert after.code == 0, after.err
    assert set(map(tuple, checkpoints(tmp_path).values())) == {("synced",)}
    hurry(tmp_path)
    last = run(tmp_path, "resume", "--inline", "--no-dashboard")
    assert last.code == 0 and "trained again from the start" not in last.err, last.err
    assert_alike(table(tmp_path / "results.db"), table(tmp_path / "whole" / "results.db"))
    assert set(map(tuple, checkpoints(tmp_path).values())) == {("synced",)}
