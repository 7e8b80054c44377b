"""Folders of tests in memory, where there is plenty of it.

Tests write and sync thousands of small stores: on a disk the whole suite takes a fifth longer.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

_IN_MEMORY = Path("/dev/shm")
#: Short, as the names of sockets in it may not be long.
_PREFIX = "gstest-"
#: The suite writes some 2.5 GiB, and trains beside it.
_FREE, _AVAILABLE = 8 << 30, 12 << 30


def made_folder() -> Path | None:
    """Return a new folder in memory that temporary files of this process, and of those it starts, are made in.

    None where there is not enough memory for it. What a test run that was killed has left there is removed.
    """
    if not os.access(_IN_MEMORY, os.W_OK) or os.statvfs(_IN_MEMORY).f_flag & os.ST_NOEXEC:
        return None  # some tests write programs
    for left in _IN_MEMORY.glob(f"{_PREFIX}*"):
        number = left.name.removeprefix(_PREFIX)
        if number.isdecimal() and (int(number) == os.getpid() or not psutil.pid_exists(int(number))):
            shutil.rmtree(left, ignore_errors=True)
    if shutil.disk_usage(_IN_MEMORY).free < _FREE or psutil.virtual_memory().available < _AVAILABLE:
        return None
    folder = _IN_MEMORY / f"{_PREFIX}{os.getpid()}"
    try:
        folder.mkdir(mode=0o711)  # some tests are other users
    except OSError:  # another user's of the same number
        return None
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    return folder


def removed(folder: Path) -> None:
    """Remove the folder with whatever processes that were killed have left in it."""
    shutil.rmtree(folder, ignore_errors=True)
