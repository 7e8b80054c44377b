"""Remembers the fingerprint of a large file beside it, so that it is not hashed again at every start."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Collection
from pathlib import Path

from gridsearch import paths
from gridsearch.atomic import write
from gridsearch.errors import one_line
from gridsearch.regular_files import read_regular

_log = logging.getLogger(__name__)

#: Below this size hashing costs nothing, and no file is left beside the user's own.
WORTHWHILE_BYTES = 8 * 2**20


def stamp_of(status: os.stat_result) -> list[int]:
    """Return what changes whenever the content of a file does: its size, and its two times in ns."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def recall(path: Path, stamp: list[int], arrays: Collection[str]) -> str | None:
    """Return a remembered fingerprint; None if there is none, or the cache is damaged.

    Args:
        path: The data set's file.
        stamp: What changes with the file's content, such as size and time.
        arrays: The names of the arrays that the fingerprint is of.
    """
    try:
        memory = json.loads(read_regular(paths.fingerprint_file(path)))
        same = memory["stamp"] == stamp and memory["arrays"] == sorted(arrays)
        fingerprint = memory["fingerprint"] if same else None
    except FileNotFoundError:
        return None
    except (OSError, MemoryError, ValueError, KeyError, TypeError, RecursionError) as error:
        _log.info("the fingerprint kept beside %s cannot be used, so it is hashed again: %s", path, one_line(error))
        return None
    sound = isinstance(fingerprint, str) and re.fullmatch(r"[0-9a-f]{64}", fingerprint)
    return fingerprint if sound else None


def remember(path: Path, stamp: list[int], arrays: Collection[str], fingerprint: str) -> None:
    """Keep the fingerprint of these arrays for the next start, if `path` is large, unchanged, its folder writable."""
    if stamp[0] < WORTHWHILE_BYTES:
        return
    try:
        if stamp_of(path.stat()) == stamp:
            memory = {"stamp": stamp, "arrays": sorted(arrays), "fingerprint": fingerprint}
            write(paths.fingerprint_file(path), json.dumps(memory).encode() + b"\n")
    except OSError as error:
        _log.info("no fingerprint is kept beside %s, so it is hashed at every start: %s", path, one_line(error))
