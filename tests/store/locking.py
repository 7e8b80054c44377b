"""Another program that holds a store's locks: plain sqlite3 in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.readline()
"""
#: A reader that has begun a transaction and never ends it, and a writer that keeps everybody out.
READER, WRITER = ("BEGIN", "SELECT count(*) FROM jobs"), ("BEGIN EXCLUSIVE",)


class Holder:
    """The other program, until `let_go`."""

    def __init__(self, path: Path, statements: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), *statements],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout and self.process.stdout.readline() == "held\n"

    def let_go(self) -> None:
        """End the program, and its transaction with it."""
        self.process.communicate("\n", timeout=60)


@contextmanager
def held(path: Path, statements: tuple[str, ...]) -> Iterator[Holder]:
    """Have the locks held within."""
    holder = Holder(path, statements)
    try:
        yield holder
    finally:
        holder.process.kill()
        holder.process.communicate()
