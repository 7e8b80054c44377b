"""The one way in which files are written: they appear whole or not at all, and nobody else's is touched.

What is being written lies beside its target under a name that nobody can guess or has, and is created exclusively, so
no link leads it elsewhere. Whatever removes it meanwhile takes nothing but time: `write` then writes once more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from gridsearch import paths

#: How often content is written anew whose unfinished file, or its folder, somebody removed.
_TRIES = 5
#: What a new file is allowed, less the process's umask.
_NEW = 0o666
_PRIVATE = 0o600
#: How many bytes wait for their end in memory; more wait in a temporary file.
_IN_MEMORY = 2**23


@contextmanager
def replacing(target: Path, *, durable: bool = True, afresh: bool = False, mark: str = "") -> Iterator[BinaryIO]:
    """Open a new file that becomes `target` when the block ends, and vanishes when it raises.

    Several processes may do so at once: the last one wins, and readers see one whole file or the other. A link at
    `target` is replaced, not followed. `durable` waits until the disk has it; `afresh` does not, and removes the old
    file just before, as some file systems wait where one is replaced. `mark` begins the unfinished file's name.
    """
    with _placed(paths.partial_file(target, mark), target, _NEW, afresh=afresh) as stream:
        yield stream
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
    if durable:
        sync_folder(target.parent)


@contextmanager
def replacing_path(target: Path) -> Iterator[Path]:
    """Give a new empty file for others to write to by its name; it becomes `target` as with `replacing`."""
    partial = paths.partial_file(target)
    with _placed(partial, target, _NEW):
        yield partial
        descriptor = os.open(partial, os.O_RDWR | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    sync_folder(target.parent)


def write(target: Path, content: bytes, *, durable: bool = True, afresh: bool = False, mark: str = "") -> None:
    """Write a file of ours, its folders too where they are missing, as `replacing` does; `OSError` where that fails."""
    for left in reversed(range(_TRIES)):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target, durable=durable, afresh=afresh, mark=mark) as stream:
                stream.write(content)
        except FileNotFoundError:
            if not left:
                raise
        else:
            return


def write_named(target: Path, content: bytes) -> None:
    """Write the file that a person named, as a shell's `>` does: through links, and plainly to a device or a pipe.

    A file that is there already is replaced whole and keeps its permissions. `OSError` where that fails.
    """
    with replacing_named(target) as stream:
        stream.write(content)


@contextmanager
def replacing_named(target: Path) -> Iterator[IO[bytes]]:
    """Open what becomes the content of a file that a person named when the block ends, as with `write_named`.

    When the block raises, nothing has been written, to a device or a pipe neither: its content waits for the end.
    """
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    if _is_descriptor(target) or (mode is not None and not stat.S_ISREG(mode)):
        # Appended: a file behind /dev/stdout may hold more than this.
        with (
            os.fdopen(os.open(target, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY), "wb") as plain,
            written_at_the_end(plain) as stream,
        ):
            yield stream
        return
    real = Path(os.path.realpath(target))
    with _placed(paths.partial_file(real), real, _NEW if mode is None else _PRIVATE) as stream:
        if mode is not None:
            os.fchmod(stream.fileno(), stat.S_IMODE(mode))
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def written_at_the_end(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a file without a name whose content goes to a stream when the block ends, and nowhere when it raises."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as waiting:
        yield waiting
        waiting.seek(0)
        shutil.copyfileobj(waiting, stream)
        stream.flush()


@contextmanager
def _placed(partial: Path, target: Path, mode: int, *, afresh: bool = False) -> Iterator[BinaryIO]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(partial, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        if afresh:
            target.unlink(missing_ok=True)
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _is_descriptor(target: Path) -> bool:
    """Whether a name means an open file of a process, such as /dev/stdout, wherever that leads."""
    name = str(target.absolute())
    return name in ("/dev/stdout", "/dev/stderr") or name.startswith(("/dev/fd/", "/proc/"))


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder, as far as it can be told to."""
    # Its name is new, and some file systems cannot be told to keep that: the file is whole all the same.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
