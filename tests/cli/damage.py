"""Damages a finished store in many ways and holds every command against what it said of the sound one.

Run `python -m tests.cli.damage [--only WORD] [--seed N]` for all of them; `test_damage` runs a sample. Commands run in
children forked from this process, which has imported everything, so that two hundred damaged stores take minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

JOB = """\
name: small
dataset: digits
split: {test: 0.1}
model: shallow
constraints: {parameters: 1000}
space:
  batch_size: [64, 128]
  epochs: [1, 2]
  learning_rate: [0.1, 0.01]
  neurons: [4, 10, 16]
"""
Damage = Callable[[Path], None]
Command = tuple[str, ...]
READING: tuple[Command, ...] = (
    ("status",),
    ("status", "--json"),
    ("top", "small"),
    ("show", "small"),
    ("export", "small", "-o", "out.csv"),
    ("export", "small", "--table", "epochs", "-o", "out.csv"),
    ("plan", "job.yaml"),
    ("dashboard", "small"),
    ("verify",),
)
WRITING: tuple[Command, ...] = (("evaluate", "small"), ("launch", "job.yaml", "--inline"))


@dataclass(frozen=True)
class Said:
    """How a command ended, and everything it wrote, without what differs from run to run."""

    code: int
    out: str
    err: str


def run(folder: Path, *arguments: str) -> Said:
    """Run a command in a child of this process; a traceback shows in `err`."""
    out, err, table = folder / ".out", folder / ".err", folder / "out.csv"
    table.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _become(folder, out, err, arguments)
    _, status = os.waitpid(child, 0)
    written = table.read_text(errors="replace") if table.exists() else ""
    page = folder / "dashboards" / "small.html"
    if arguments[0] == "dashboard" and page.exists():
        written += re.sub(
            r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ][\d:.+]*", "", page.read_text(errors="replace")
        )
        page.unlink()
    code = os.waitstatus_to_exitcode(status)
    return Said(code, _steady(out.read_text(errors="replace")) + written, err.read_text(errors="replace"))


def _become(folder: Path, out: Path, err: Path, arguments: tuple[str, ...]) -> None:
    os.chdir(folder)
    for file, number in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    code = 99
    try:
        sys.argv = ["gridsearch", *arguments]
        from gridsearch.cli.main import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 98
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        (folder / ".modules").write_text("\n".join(sys.modules))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _steady(text: str) -> str:
    return re.sub(r"\b\d+ (second|minute|hour)s? ago|\d+ms", "", text)


def import_as_much(folder: Path) -> None:
    """Import what the last command imported, so that the next need not."""
    for name in (folder / ".modules").read_text().split():
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def make(folder: Path) -> Path:
    """Train and evaluate the job in a folder; return the store."""
    (folder / "job.yaml").write_text(JOB)
    for arguments in (("launch", "job.yaml", "--inline"), ("evaluate", "small", "--latency")):
        said = run(folder, *arguments)
        assert said.code == 0, said
    return folder / "results.db"


def columns(store: Path) -> list[tuple[str, str, str]]:
    """Return every column of the store: table, name, type."""
    with closing(sqlite3.connect(store)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (table, row[1], row[2]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")
        ]


def changed(*statements: str) -> Damage:
    """Return what changes rows behind the program's back."""

    def damage(store: Path) -> None:
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            with connection:
                for statement in statements:
                    connection.execute(statement)

    return damage


def bytes_changed(seed: int, how: str) -> Damage:
    """Return what changes the file itself, at places that follow from the seed."""

    def damage(store: Path) -> None:
        draw, data = random.Random(seed), bytearray(store.read_bytes())
        pages = len(data) // 4096
        if how == "bits":
            for _ in range(draw.choice([1, 1, 8])):
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        elif how == "bytes":
            start = draw.randrange(len(data) - 64)
            data[start : start + 64] = draw.randbytes(64)
        elif how == "digits":  # text stays text, numbers stay numbers
            places = [place for place, byte in enumerate(data) if 0x30 <= byte <= 0x39]
            for place in draw.sample(places, 3):
                data[place] = 0x30 + draw.randrange(10)
        elif how == "page":
            start = 4096 * draw.randrange(pages)
            data[start : start + 4096] = draw.choice([bytes(4096), draw.randbytes(4096)])
        elif how == "swapped":
            one, two = (4096 * page for page in draw.sample(range(1, pages), 2))
            data[one : one + 4096], data[two : two + 4096] = data[two : two + 4096], data[one : one + 4096]
        elif how == "cut":
            del data[draw.randrange(len(data)) :]
        store.write_bytes(bytes(data))

    return damage


def placed(suffix: str, content: bytes) -> Damage:
    """Return what puts a file beside the store."""

    def damage(store: Path) -> None:
        Path(f"{store}{suffix}").write_bytes(content)

    return damage


def replaced(content: bytes) -> Damage:
    """Return what puts other content in the store's place."""

    def damage(store: Path) -> None:
        store.write_bytes(content)

    return damage


def _folder(store: Path) -> None:
    store.unlink()
    store.mkdir()


_VALUES = {
    "INTEGER": ("{0} + 1", "{0} + 256", "'text'", "x'80ff'", "NULL", "9223372036854775807", "1e300"),
    "REAL": ("{0} * 1.01", "'text'", "x'80ff'", "NULL", "9e999"),
    "TEXT": (
        "replace({0}, '1', '2')",
        "''",
        "x'ff80fe'",
        "CAST(x'ff80fe' AS TEXT)",
        "'{{}}'",
        "'[]'",
        "17",
        "{0} || 'x'",
        "NULL",
    ),
    "VARCHAR(32)": ("'m0'", "x'ff'", "''", "CAST(x'ff80fe' AS TEXT)"),
}


def damages(store: Path, seed: int = 0) -> Iterator[tuple[str, Damage]]:
    """Yield ways to damage a store, with a name for each."""
    draw = random.Random(seed)
    for table, column, kind in columns(store):
        for value in draw.sample(_VALUES[kind], 3):
            new = value.format(column)
            with closing(sqlite3.connect(store)) as connection:
                (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            if not rows:
                continue
            which = f"(SELECT {column} FROM {table} LIMIT 1 OFFSET {draw.randrange(rows)})"
            statement = f"UPDATE OR IGNORE {table} SET {column} = {new} WHERE {column} IS {which}"
            yield f"{table}.{column} = {new}", changed(statement)
    for table in (
        "jobs",
        "launches",
        "lineages",
        "trials",
        "job_trials",
        "epochs",
        "events",
        "evaluations",
        "latencies",
    ):
        yield (
            f"{table}: first deleted",
            changed(f"DELETE FROM {table} WHERE ({_key(table)}) IN (SELECT {_key(table)} FROM {table} LIMIT 1)"),
        )
        yield f"{table}: all deleted", changed(f"DELETE FROM {table}")
        yield f"{table}: dropped", changed(f"DROP TABLE {table}")
    yield "lineages: +256 parameters", changed("UPDATE lineages SET parameters = parameters + 256")
    yield (
        "trials: swapped numbers",
        changed(
            "CREATE TEMP TABLE two AS SELECT id, val_accuracy AS v FROM trials",
            "UPDATE trials SET val_accuracy = (SELECT v FROM two WHERE two.id = 3 - trials.id) WHERE id IN (1, 2)",
        ),
    )
    yield (
        "trials: swapped rows",
        changed(
            "UPDATE trials SET id = -1 WHERE id = 1",
            "UPDATE trials SET id = 1 WHERE id = 2",
            "UPDATE trials SET id = 2 WHERE id = -1",
        ),
    )
    for how, times in (("bits", 15), ("bytes", 15), ("digits", 25), ("page", 12), ("swapped", 8), ("cut", 8)):
        for number in range(times):
            yield f"{how} {number}", bytes_changed(seed * 1000 + number, how)
    yield "empty", replaced(b"")
    yield "text", replaced(b"name: small\n" * 999)
    yield "folder", _folder
    yield "no rights", lambda store: store.chmod(0)
    yield "rubbish journal", placed("-journal", random.Random(1).randbytes(9000))
    yield "rubbish wal", placed("-wal", random.Random(1).randbytes(9000))
    yield "rubbish shm", placed("-shm", random.Random(1).randbytes(32768))
    yield "stale journal", stale_journal
    yield "application id", changed("PRAGMA application_id = 7")
    yield "user version", changed("PRAGMA user_version = 77")


def _key(table: str) -> str:
    return {
        "job_trials": "job, position",
        "epochs": "lineage, epoch",
        "evaluations": "trial",
        "latencies": "trial, device, batch_size",
    }.get(table, "id")


def stale_journal(store: Path) -> None:
    """Put a real hot journal of an earlier crash, kept beside as `early.journal`, beside the finished store."""
    shutil.copy(store.with_name("early.journal"), f"{store}-journal")


#: Begins to change the store as a launch does, and dies when pages have been written and the journal is hot.
CRASH = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size=1")
c.execute("BEGIN IMMEDIATE")
c.execute("UPDATE jobs SET source = source || hex(zeroblob(200000))")
c.execute("UPDATE trials SET state = 'failed', error = 'x'")
c.execute("UPDATE lineages SET attempt = attempt + 7")
os._exit(0)
"""


def crash(store: Path) -> Path:
    """Kill a writer within its transaction and keep its journal as `early.journal`; the store can be recovered."""
    import subprocess

    subprocess.run([sys.executable, "-c", CRASH, str(store)], check=True)
    kept = store.with_name("early.journal")
    shutil.copy(f"{store}-journal", kept)
    return kept


def verdict(said: Said, sound: Said) -> str:
    """Return what became of a command: the same as before, a clear refusal, or wrong."""
    if "Traceback" in said.err or said.code in (98, 99) or said.code < 0:
        return "TRACEBACK"
    if said.code == 5:
        return "refused, 5"
    if (said.code, said.out) == (sound.code, sound.out):
        return "same"
    if said.code == 2 and said.err.startswith("gridsearch: "):
        return "refused, 2"
    return "OTHER" if said.code == 0 else f"OTHER, {said.code}"


def examine(source: Path, damage: Damage, sound: dict[Command, Said]) -> dict[Command, tuple[str, Said]]:
    """Damage a copy of a store and return what every command made of it."""
    with tempfile.TemporaryDirectory() as temporary:
        result: dict[Command, tuple[str, Said]] = {}
        for commands in (READING, *([one] for one in WRITING)):
            folder = Path(temporary) / f"copy{len(result)}"
            shutil.copytree(source, folder)
            damage(folder / "results.db")
            for command in commands:
                if command in sound:
                    said = run(folder, *command)
                    result[command] = (verdict(said, sound[command]), said)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, help="take each so many-th of them")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "sound"
        source.mkdir()
        store = make(source)
        crash(store)
        run(source, "status")
        said = run(source, "launch", "job.yaml", "--inline", "--set", "name=later")
        assert said.code == 0, said
        sound: dict[Command, Said] = {}
        for command in (*READING, *WRITING):
            sound[command] = run(source, *command)
            import_as_much(source)
        again: dict[Command, Said] = {}
        for command in sound:
            began = time.monotonic()
            again[command] = run(source, *command)
            print(" ".join(command), f"{time.monotonic() - began:.2f} s", flush=True)
        for command, said in sound.items():
            if said != again[command]:
                print("differs from run to run:", command, said.err, again[command].err)
        totals: Counter[str] = Counter()
        stores: Counter[str] = Counter()
        for number, (name, damage) in enumerate(damages(store, options.seed)):
            if options.only not in name or number % options.every:
                continue
            try:
                found = examine(source, damage, again)
            except sqlite3.IntegrityError:  # not even SQLite would hold that
                continue
            rejected = found[("verify",)][0] != "same"
            told = {what for what, _ in found.values()}
            bad = [
                f"{' '.join(command)}: {what} {said.err.strip().splitlines()[-1:]}"
                for command, (what, said) in found.items()
                if what.startswith(("OTHER", "TRACE")) and command != ("verify",)
            ]
            if rejected and (what := found[("launch", "job.yaml", "--inline")][0]) in ("same", "OTHER"):
                bad.append(f"launch {what} on what verify rejects")
            totals.update(what for what, _ in found.values())
            stores[
                "TRACEBACK"
                if "TRACEBACK" in told
                else "OTHER"
                if any("OTHER" in x for x in told)
                else "refused"
                if any("refused" in x for x in told)
                else "same"
            ] += 1
            print(f"{name}: {', '.join(sorted(told))}", *bad, sep="\n    ", flush=True)
        print(sum(stores.values()), "stores:", dict(stores), "commands:", dict(totals))


if __name__ == "__main__":
    main()
