"""Places that a person named for output and that cannot be written: what, where, why, and how to mend it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from gridsearch.errors import GridsearchError

_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_SYSTEM = ("/dev/", "/proc/")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def not_written(what: str, place: Path, error: OSError, kind: str = "file") -> GridsearchError:
    """Return the error for a place that cannot be written, in a line.

    Args:
        what: What a person wrote, or what was to be written there.
        place: The file or the folder.
        error: What the system said.
        kind: What the place should be: `file` or `folder`.
    """
    reason, mend = why_not(place, error, kind)
    return GridsearchError(f"{what}: cannot be written ({reason}); {mend}")


def why_not(place: Path, error: OSError, kind: str = "file") -> tuple[str, str]:
    """Return why a place cannot be written, and how to mend it; arguments as for `not_written`."""
    another = f"name another {kind}"
    for above in reversed(place.parents):
        if _is(above) is False:
            return f"{above} is a file, not a folder", another
    if kind == "folder" and _is(place) is False:
        return f"{place} is a file, not a folder", another
    if kind == "file" and _is(place):
        return f"{place} is a folder", "name a file in it"
    folder = place.parent if kind == "file" else place
    if error.errno == errno.ENOENT and _is(folder) is None:
        return f"there is no folder {folder}", f"make it first, or {another}"
    said = (error.strerror or str(error)).lower()
    if error.errno in _FORBIDDEN:
        return said, f"allow writing to {_nearest(folder)}, or {another}"
    if error.errno in _FULL:
        return said, f"free some space, or {another}"
    return said, another


def require_writable(what: str, folder: Path) -> None:
    """Raise `GridsearchError` where nothing can be written to a folder, or where it could not be made.

    Found out by writing; nothing that is made stays.
    """
    import tempfile  # takes long to import, and the command line starts without it

    there = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except FileNotFoundError:  # a folder that only the system makes files in
        nothing = OSError(errno.EINVAL, f"nothing can be made in {there}")
        raise not_written(what, folder, nothing, "folder") from None
    except OSError as error:
        raise not_written(what, folder, error, "folder") from None


def require_file(what: str, file: Path) -> None:
    """Raise `GridsearchError` where a file cannot be written, before the work whose result it gets."""
    import tempfile

    # What is behind a device, a pipe or a descriptor is found out by writing to it.
    there = _is(file)
    if str(file).startswith(_SYSTEM) or (there is False and not file.is_file()):
        return
    real = Path(os.path.realpath(file))
    if there:
        raise not_written(what, file, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    try:
        with tempfile.TemporaryFile(dir=real.parent):
            pass
    except OSError as error:
        raise not_written(what, file, error) from None


def _nearest(folder: Path) -> Path:
    """Return the folder itself, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if _is(place) is not None)


def _is(place: Path) -> bool | None:
    """Return whether a place is a folder; None where nothing is there, or it cannot be seen."""
    try:
        return place.is_dir() if place.exists() else None
    except OSError:
        return None
