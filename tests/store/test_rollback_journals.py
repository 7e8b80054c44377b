"""Journals beside a store: those of a killed writer are played back, stale ones refused."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gridsearch.errors import StoreDamagedError, StoreLockedError
from gridsearch.store import connection as module
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.waiting import Patience
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epochs, grid, make_store, start

#: Changes the store as the program does, and is killed "within" the transaction, with pages changed and the journal on
#: the disk; or when it is "committed", but for the removal of the journal; or not before the store is "closed".
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from gridsearch.store.opening import open_store
from gridsearch.store.waiting import Patience
path, when = Path(sys.argv[1]), sys.argv[2]
store, journal = open_store(path), Path(f"{path}-journal")
for setting in ("cache_size=1", "journal_mode=persist"):
    store._database.raw.execute(f"PRAGMA {setting}").fetchall()
with store._database.write() as connection:
    connection.exec_driver_sql("UPDATE jobs SET source = source || hex(zeroblob(200000))")
    connection.exec_driver_sql("UPDATE lineages SET attempt = attempt + 7")
    header = journal.read_bytes()[:28]
    if when == "within":
        os.kill(os.getpid(), signal.SIGKILL)
whole = header + journal.read_bytes()[28:]
if when == "closed":
    store.close()
journal.write_bytes(whole)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(path: Path, when: str = "within") -> bytes:
    """Have a writer killed within a transaction; return the journal, which lies beside the store."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), when], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    return Path(f"{path}-journal").read_bytes()


def told(store: Store) -> list[str]:
    return [repr(part) for part in (store.jobs(), store.trials(), store.events(), store.job_epochs(JOB))]


def refused(path: Path, journal: str = "-journal") -> None:
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(StoreDamagedError, match=f"{path.name}{journal} is not of the last write") as caught:
            open_store(path, read_only=read_only)
        assert caught.value.exit_code == 5 and "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("when", ["within", "committed"])
@pytest.mark.parametrize("read_only", [True, False])
def test_what_a_killed_writer_began_is_undone(path: Path, when: str, read_only: bool) -> None:
    with make_store(path, grid()) as store:
        before = told(store)
    killed(path, when)
    with open_store(path, read_only=read_only) as store:
        assert told(store) == before
        assert store.verify() == []


@pytest.mark.parametrize("finished", [True, False])
def test_the_journal_of_an_earlier_crash_undoes_nothing(path: Path, finished: bool) -> None:
    trials = grid()
    make_store(path, trials).close()
    journal = killed(path)
    with open_store(path) as store:
        launch = start(store, trials)
        (first, *_) = claim_all(store, launch, trials)
        store.record(launch, list(epochs(first, 3)), {})
        if finished:
            store.close_launch(launch, "complete")
        before = told(store)
    Path(f"{path}-journal").write_bytes(journal)
    refused(path)
    Path(f"{path}-journal").unlink()
    with open_store(path) as store:
        assert told(store) == before
        assert store.verify() == []


def test_nor_does_one_of_a_crash_that_was_only_recovered_from(path: Path) -> None:
    make_store(path, grid()).close()
    journal = killed(path)
    with open_store(path, read_only=True) as store:
        before = told(store)
    Path(f"{path}-journal").write_bytes(journal)
    with open_store(path) as store:  # there is nothing that it could undo
        assert told(store) == before
        store.put_job(JOB, SPEC, "changed", grid())
    Path(f"{path}-journal").write_bytes(journal)
    refused(path)


def test_the_journal_of_the_very_last_transaction_undoes_nothing_once_the_store_is_closed(path: Path) -> None:
    make_store(path, grid()).close()
    killed(path, "closed")
    refused(path)


def test_a_journal_of_a_program_that_counts_no_generations_is_known_by_the_first_page(path: Path) -> None:
    make_store(path, grid()).close()
    code = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size=1')\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "connection.execute('UPDATE jobs SET source = hex(zeroblob(100000))')\n"
        "connection.execute('CREATE TABLE other (x)')\n"
        "connection.execute('INSERT INTO other VALUES (zeroblob(100000))')\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
    journal = Path(f"{path}-journal").read_bytes()
    with open_store(path) as store:
        store.put_job(JOB, SPEC, "changed", grid())
    Path(f"{path}-journal").write_bytes(journal)
    refused(path)


def test_a_stale_write_ahead_log_undoes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Path(f"{path}-wal")
    monkeypatch.setattr(module, "journal_mode", lambda: "wal")
    with make_store(path, grid()) as store:
        store.put_job(JOB, SPEC, "early", grid())
        early = log.read_bytes()
    with open_store(path) as store:
        store.put_job(JOB, SPEC, SOURCE, grid())
    log.write_bytes(early)
    refused(path, "-wal")
    log.unlink()
    monkeypatch.setattr(module, "journal_mode", lambda: "delete")
    with open_store(path) as store:
        store.put_job(JOB, SPEC, "later", grid())
    log.write_bytes(early)
    refused(path, "-wal")
    log.unlink()


def test_a_log_in_use_is_none_left_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "journal_mode", lambda: "wal")
    with make_store(path, grid()) as one:
        for number in range(20):
            one.put_job(JOB, SPEC, f"{number}", grid())
            with open_store(path) as two:
                assert two.job(JOB).source == f"{number}"
            if number == 10:
                one._database.raw.execute("PRAGMA wal_checkpoint(RESTART)")  # type: ignore[attr-defined]
        kept = shutil.copytree(path.parent, path.parent.parent / "copied")
    # As a killed process leaves it.
    with open_store(kept / path.name) as store:
        assert store.job(JOB).source == "19"
        assert store.verify() == []


def test_opening_a_store_leaves_the_locks_of_this_process_alone(path: Path) -> None:
    make_store(path, grid()).close()
    code = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try: connection.execute('BEGIN IMMEDIATE')\n"
        "except sqlite3.OperationalError as error: print(error)\n"
    )
    with open_store(path) as store, store._database.write():  # type: ignore[attr-defined]
        with pytest.raises(StoreLockedError):
            open_store(path, read_only=True, patience=Patience(0.0))
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        assert "locked" in done.stdout


def test_a_stale_journal_is_refused_where_nothing_may_be_written(path: Path) -> None:
    make_store(path, grid()).close()
    journal = killed(path)
    with open_store(path) as store:
        store.put_job(JOB, SPEC, "changed", grid())
    Path(f"{path}-journal").write_bytes(journal)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        refused(path)
    finally:
        path.parent.chmod(0o755)


def test_a_journal_of_no_page_may_not_cut_the_file(path: Path) -> None:
    with make_store(path, grid()) as store:
        before = told(store)
    header = bytes.fromhex("d9d505f920a163d7") + b"".join(n.to_bytes(4) for n in (0, 7, 3, 512, 4096))
    Path(f"{path}-journal").write_bytes(header + bytes(512 - 28 + 4104))
    refused(path)
    Path(f"{path}-journal").unlink()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with open_store(path) as store:
        assert told(store) == before


def test_a_store_that_is_reached_by_a_link_is_no_less_safe(path: Path, tmp_path: Path) -> None:
    make_store(path, grid()).close()
    journal = killed(path)
    with open_store(path) as store:
        store.put_job(JOB, SPEC, "changed", grid())
    Path(f"{path}-journal").write_bytes(journal)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with pytest.raises(StoreDamagedError, match="is not of the last write to the store"):
        open_store(link, read_only=True)
    assert Path(f"{path}-journal").read_bytes() == journal
