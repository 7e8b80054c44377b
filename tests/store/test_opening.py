"""Opening: what may be wrong with a path or a file, and that it costs nothing heavy."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.paths import companion_dir
from gridsearch.store.opening import open_store
from gridsearch.store.rows import JobRow
from tests.store.grids import JOB, SOURCE, SPEC, grid, make_store

HEAVY = ("torch", "ray", "pandas", "plotly", "alembic")


def run(code: str, *arguments: object) -> str:
    """Run code in a fresh interpreter, warnings being errors, and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_making_and_opening_a_store_imports_nothing_heavy(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gridsearch.store.opening import open_store\n"
        "for _ in range(2): open_store(Path(sys.argv[1])).close()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert run(code, path) == "[]\n"


@pytest.mark.parametrize(
    "name",
    [
        "with blank",
        "höhe-日本-\U0001f600",
        "a?b",
        "100%",
        "%20",
        "a#b",
        "a&mode=ro",
        "a;b",
        "'q\"",
        ":memory:",
        "back\\slash",
    ],
)
def test_any_name_works(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with open_store(folder / name) as store:
        store.put_job(JOB, SPEC, SOURCE, grid())
    assert [entry.name for entry in folder.iterdir()] == [name]
    with open_store(folder / name, create=False, read_only=True) as store:
        assert store.verify() == []


def test_a_relative_path_works_and_outlives_a_change_of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store(Path("results.db")) as store:
        monkeypatch.chdir("/")
        store.put_job(JOB, SPEC, SOURCE, grid())
    with open_store(tmp_path / "results.db") as store:
        assert store.job(JOB).revision == 1


def test_a_second_opening_finds_what_the_first_wrote(path: Path) -> None:
    with make_store(path, grid()) as one, open_store(path) as two:
        assert one.jobs() == two.jobs() != []
        two.put_job(JOB, SPEC, "changed", grid())
        assert one.job(JOB).revision == 2


def refused(path: Path, expected: str, **options: bool) -> StoreError:
    with pytest.raises(StoreError, match=expected) as caught:
        open_store(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value


def test_a_missing_store_is_not_made_unasked(path: Path) -> None:
    refused(path, "there is no store", create=False)
    refused(path, "there is no store", read_only=True)
    assert not path.exists()


def test_an_empty_file_becomes_a_store_only_when_asked(path: Path) -> None:
    path.touch()
    refused(path, "is not a store", create=False)
    refused(path, "is not a store", read_only=True)
    open_store(path).close()
    open_store(path, create=False).close()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder; name a file")
    refused(tmp_path / "missing" / "results.db", "there is no folder")
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "results.db", "cannot be")


def test_an_impossible_path_is_an_error(tmp_path: Path) -> None:
    refused(tmp_path / ("x" * 5000), "its name is too long")
    refused(tmp_path / ("x" * 5000) / "r.db", "cannot be")
    with pytest.raises(StoreError, match="a NUL"):
        open_store(tmp_path / "nul\0nul")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_no_store(path: Path) -> None:
    path.write_bytes(b"name: shallow\n" * 1000)
    error = refused(path, "is not a store but a file of another kind.*--store")
    assert not isinstance(error, StoreDamagedError) and error.exit_code == 2
    assert path.read_bytes() == b"name: shallow\n" * 1000


def test_a_store_that_is_no_database_any_more_is_damaged(path: Path) -> None:
    companion_dir(path).mkdir(parents=True)
    path.write_bytes(b"name: shallow\n" * 1000)
    error = refused(path, "damaged.*file is not a database.*move the file away")
    assert isinstance(error, StoreDamagedError) and error.exit_code == 5
    assert path.read_bytes() == b"name: shallow\n" * 1000


def test_damage_names_a_backup_only_where_there_is_one(path: Path) -> None:
    companion_dir(path).mkdir(parents=True)
    path.write_bytes(b"rubbish" * 1000)
    backup = path.with_name("results.db.before-m002")
    assert "restore" not in str(refused(path, "damaged"))
    backup.touch()
    assert f"restore {backup}" in str(refused(path, "damaged"))


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE jobs (id INTEGER)")
    before = path.read_bytes()
    refused(path, "another program")
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_schema_is_refused(path: Path, read_only: bool) -> None:
    make_store(path, grid()).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'm999'")
    refused(path, "schema m999, newer than.*upgrade", read_only=read_only)


def test_a_store_opened_to_be_read_refuses_every_change(path: Path) -> None:
    make_store(path, grid()).close()
    before = path.read_bytes()
    with open_store(path, read_only=True) as store:
        with pytest.raises(StoreError, match="is read-only"):
            store.put_job("other", SPEC, SOURCE, grid())
        assert store.job(JOB).revision == 1
        assert store.verify() == []
    assert path.read_bytes() == before


def test_a_reader_recovers_what_a_killed_writer_left(path: Path) -> None:
    make_store(path, grid()).close()
    code = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size=1')\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "connection.execute('DELETE FROM job_trials')\n"
        "connection.execute('UPDATE jobs SET source = hex(zeroblob(1000000))')\n"
        "print(os.path.exists(sys.argv[1] + '-journal'), flush=True)\n"
        "os._exit(0)\n"
    )
    assert run(code, path) == "True\n"
    assert path.with_name("results.db-journal").exists()
    with open_store(path, read_only=True) as store:
        assert store.verify() == []
        assert len(store.trials(JOB)) == 4


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


#: Opens a store without the rights of the owner, then tries what is asked.
AS_STRANGER = """
import os, sys
from pathlib import Path
from gridsearch.errors import StoreError
from gridsearch.store.verify import verification
from gridsearch.store.opening import open_store
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    with open_store(Path(sys.argv[1]), read_only=sys.argv[2] == "read") as store:
        print(len(store.trials()), store.verify())
        store.put_job("other", {}, "", [])
        print("written")
except StoreError as error:
    print(error)
"""


def test_without_the_right_to_write_a_store_can_be_read(public_folder: Path) -> None:
    path = public_folder / "results.db"
    make_store(path, grid()).close()
    path.chmod(0o444)
    public_folder.chmod(0o555)
    for how in ("read", "write"):
        first, second = run(AS_STRANGER, path, how).splitlines()
        assert first == "4 []"
        assert "is read-only; make the file and its folder writable" in second
    public_folder.chmod(0o755)


def test_without_the_right_to_read_or_make_a_store_one_line_says_so(public_folder: Path) -> None:
    path = public_folder / "results.db"
    make_store(path, grid()).close()
    path.chmod(0o000)
    public_folder.chmod(0o555)
    assert "check that the file and its folder exist" in run(AS_STRANGER, path, "write")
    assert "check that the file and its folder exist" in run(AS_STRANGER, public_folder / "new.db", "write")
    public_folder.chmod(0o755)


def test_a_full_disk_loses_nothing(path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from gridsearch.errors import StoreError\n"
        "from gridsearch.store.opening import open_store\n"
        "with open_store(Path(sys.argv[1])) as store:\n"
        "    store.put_job('small', {}, '', [])\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
        "    try: store.put_job('large', {'text': 'x' * 1_000_000}, '', [])\n"
        "    except StoreError as error: print(error)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "    store.put_job('later', {}, '', [])\n"
    )
    printed = run(code, path)
    assert "check its space" in printed or "disk is full" in printed
    with open_store(path) as store:
        assert [job.name for job in store.jobs()] == ["later", "small"]
        assert store.verify() == []


def test_many_threads_may_take_turns(path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with make_store(path, []) as store, ThreadPoolExecutor(8) as pool:

        def put(number: int) -> JobRow:
            return store.put_job(f"job {number}", SPEC, SOURCE, grid())

        assert len(list(pool.map(put, range(40)))) == 40
        assert len(store.jobs()) == 41
        assert store.verify() == []


def test_a_fork_cannot_use_its_parents_connection(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from gridsearch.errors import StoreError\n"
        "from gridsearch.store.opening import open_store\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "if os.fork() == 0:\n"
        "    try: store.jobs()\n"
        "    except StoreError as error: print(error, flush=True)\n"
        "    store.close(); os._exit(0)\n"
        "os.wait(); store.put_job('j', {}, '', []); store.close(); print('parent goes on')\n"
    )
    first, second = run(code, path).splitlines()
    assert "before a fork" in first and second == "parent goes on"


def test_a_name_that_leaves_no_room_for_the_journals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="its name is too long"):
        open_store(tmp_path / ("n" * 248))
