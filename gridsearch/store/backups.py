"""Copies of a store beside it, made before its schema is upgraded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gridsearch.atomic import replacing_path
from gridsearch.paths import backup_file


def newest_backup(path: Path) -> Path | None:
    """Return the last copy made of a store, or None."""
    beginning = backup_file(path, "").name
    try:
        names = [entry for entry in path.parent.iterdir() if entry.name.startswith(beginning)]
    except OSError:
        return None
    return max(names, key=lambda entry: entry.name, default=None)


def back_up(source: sqlite3.Connection, path: Path, revision: str) -> Path:
    """Copy the store to its backup file, durably; an older copy of that name is replaced."""
    target = backup_file(path, revision)
    with replacing_path(target) as unfinished, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    return target
