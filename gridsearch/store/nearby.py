"""Stores in other folders, of which a person may have meant one: named where there is none at the place asked for.

None is ever opened in place of another: whoever runs a command elsewhere is told, and decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gridsearch.store.rollback_journals import start_of

#: How every SQLite database begins.
SQLITE = b"SQLite format 3\0"


def nearby_stores(path: Path, beside: Path | None = None) -> list[Path]:
    """Return the nearest file of this name in a folder above, and the nearest from the folder `beside` on upwards.

    Only databases count. Paths are relative to the current folder where `path` is.
    """
    here = path.resolve()
    found = [_first(here.parent.parents, path.name)]
    if beside is not None:
        found.append(_first([beside.resolve(), *beside.resolve().parents], path.name))
    others = dict.fromkeys(one for one in found if one and one != here)
    return [one if path.is_absolute() else Path(os.path.relpath(one)) for one in others]


def nearby_text(path: Path, beside: Path | None = None) -> str:
    """Return the same as the end of a sentence, with what to do; nothing where there are none."""
    found = nearby_stores(path, beside)
    if not found:
        return ""
    if len(found) == 1:
        return f"; another is {found[0]}: to use it, add --store {found[0]}"
    return f"; others are {' and '.join(map(str, found))}: to use one, add --store {found[0]}"


def _first(folders: Iterable[Path], name: str) -> Path | None:
    return next((folder / name for folder in folders if _is_database(folder / name)), None)


def _is_database(path: Path) -> bool:
    with suppress(OSError):
        return path.is_file() and start_of(path, len(SQLITE)) == SQLITE
    return False
