"""Whether what lies at a store's path is still the file that was opened: it may be deleted or replaced meanwhile.

SQLite reads on from a file that was deleted, and calls it "readonly" when it is written to.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gridsearch.errors import StoreMovedError


class SameFile:
    """The file at a path, as it is told from others that come to lie there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = path.absolute()  # which outlives a change of the working folder
        self._identity: tuple[int, int] | None = None
        with suppress(OSError):  # it is gone already, as the first to use it will say
            self._identity = _identity(self._place)

    def check(self) -> None:
        """Raise `StoreMovedError` where the file is gone or another has taken its place."""
        try:
            now = _identity(self._place)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreMovedError(
                f"the store {self.path} is gone: its file was deleted or moved away while it was in use, so nothing can"
                " be recorded any more; put it back, then continue with: gridsearch resume"
            ) from None
        except OSError:
            return  # who may not look cannot tell; SQLite says what it meets
        if now != self._identity:
            raise StoreMovedError(
                f"the store {self.path} was replaced: another file is in its place, and nothing is written to that;"
                f" put back the right one, then continue with: gridsearch resume"
            )


def _identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from others that exist."""
    status = path.stat()
    return status.st_dev, status.st_ino
