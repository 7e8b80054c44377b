"""A folder that one process has for itself, among those of others, until it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path


class OwnFolder:
    """A new folder below another; it is removed by its owner, or, when that is gone, by the next of its machine.

    The owner is alive as long as it holds the lock on the folder: the system lets go of it however a process ends.
    """

    def __init__(self, parent: Path, purpose: str) -> None:
        self.parent, self._prefix = parent, _prefix(purpose)
        self._lock = -1
        while self._lock < 0:
            self.path = Path(tempfile.mkdtemp(prefix=self._prefix, dir=parent))
            self._lock = _locked(self.path)
        self._remove_orphans()

    def remove(self) -> None:
        """Remove the folder and all that is in it, as far as that can be removed."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _remove_orphans(self) -> None:
        for folder in self.parent.glob(f"{self._prefix}*"):
            if folder != self.path:
                remove_orphan(folder)


def orphans(parent: Path) -> list[Path]:
    """Return the folders of this machine below another whose owners are gone, whatever they were for."""
    return [folder for folder in sorted(parent.glob(_prefix("*") + "*")) if _is_orphan(folder)]


def remove_orphan(folder: Path) -> None:
    """Remove a folder, as far as that can be removed, if its owner is gone."""
    if (lock := _locked(folder)) >= 0:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _is_orphan(folder: Path) -> bool:
    if (lock := _locked(folder)) >= 0:
        os.close(lock)
    return lock >= 0


def _prefix(purpose: str) -> str:
    """Return how the names of folders of this machine begin."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())[:40]
    return f"{purpose}-{host}-"


def _locked(folder: Path) -> int:
    """Return a descriptor that holds the lock on a folder, or -1 where another has it or the folder is gone."""
    descriptor = -1
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == folder.stat().st_ino:
            return descriptor
    if descriptor >= 0:
        os.close(descriptor)
    return -1
