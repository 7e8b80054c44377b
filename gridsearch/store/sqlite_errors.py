"""What the database driver says, in one line that says what happened, where, and how to mend it."""

from __future__ import annotations

from pathlib import Path

from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.store.backups import newest_backup

#: Parts of SQLite's messages that mean the file's content cannot be trusted.
_DAMAGE = (
    "file is not a database",
    "malformed",
    "could not decode to utf-8",
    "no such table",
    "no such column",
    "has no column named",
    "unsupported file format",
    "corrupt",
)
#: Part of SQLite's message -> what to tell; the first that occurs is used.
_MENDABLE = (
    ("locked", "another program has locked it; wait for it or stop it, then try again"),
    ("readonly", "it is read-only; make the file and its folder writable, or copy it elsewhere"),
    (
        "disk is full",
        "the disk is full; free some space and run the command again: what was recorded is safe",
    ),
    (
        "unable to open",
        "it cannot be opened; check that the file and its folder exist and may be read and written",
    ),
    (
        "disk i/o error",
        "the disk refused to read or write; check its space, quota and health, then run again",
    ),
    ("closed", "it is closed; open it again"),
)


def damaged(path: Path, what: str) -> StoreDamagedError:
    """Return the error for a file that is no sound database, naming the newest backup where there is one."""
    backup = newest_backup(path)
    anew = (
        "move the file away and launch again: results in the checkpoints beside it are recovered, and the rest is"
        " trained"
    )
    mend = f"restore {backup}, or {anew}" if backup else anew
    look = f"see: gridsearch verify --store {path}; then "
    return StoreDamagedError(f"the store {path} is damaged ({joined_lines(what)}); {look}{mend}")


def explain(path: Path, message: str) -> StoreError:
    """Return the error to raise in place of the driver's, given the driver's message."""
    text = message.lower()
    if any(part in text for part in _DAMAGE):
        return damaged(path, message)
    for part, advice in _MENDABLE:
        if part in text:
            return StoreError(f"the store {path}: {advice} ({joined_lines(message)})")
    return StoreError(f"the store {path} refused the change: {joined_lines(message)}")


def joined_lines(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    return " ".join(text.split())
