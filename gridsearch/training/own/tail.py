"""A text file that another process writes, read as it grows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

#: How much is read at a time, how long a line may be, and of how much it is checked that it is still there.
_CHUNK, _LONGEST, _KNOWN = 1 << 20, 1 << 20, 64
_ENDS = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Lines:
    """Lines that have come; `anew` where the file was written anew, and these are its first."""

    lines: list[str]
    anew: bool = False


class Tail:
    """Reads what is added to a file; one that was written anew is read from its beginning again."""

    def __init__(self, path: Path, start: int = 0) -> None:
        self.path, self._at = path, start
        self._rest = b""
        self._known = b""
        self._seen: tuple[int, int, int] | None = None

    def read(self, *, last: bool = False) -> Lines:
        """Return the lines that have come since; what has no line end yet only if it is the `last` look."""
        try:
            found = self.path.stat()
        except OSError:
            return Lines([])
        seen = found.st_ino, found.st_size, found.st_mtime_ns
        if seen == self._seen and not (last and self._rest):
            return Lines([])
        self._seen = seen
        anew = False
        try:
            with self.path.open("rb") as stream:
                if anew := not self._continues(stream.fileno(), found.st_size):
                    self._at, self._rest = 0, b""
                stream.seek(self._at)
                lines: list[str] = []
                while chunk := stream.read(_CHUNK):
                    self._at += len(chunk)
                    self._known = (self._known + chunk)[-_KNOWN:]
                    lines += self._cut(chunk)
        except OSError:
            return Lines([])
        if last and self._rest:
            lines.append(_text(self._rest))
            self._rest = b""
        return Lines(lines, anew)

    def _continues(self, descriptor: int, size: int) -> bool:
        """Whether what was read last still stands where it stood."""
        if size < self._at:
            return False
        known = self._known[-min(len(self._known), self._at) :] if self._at else b""
        return not known or os.pread(descriptor, len(known), self._at - len(known)) == known

    def _cut(self, chunk: bytes) -> list[str]:
        *whole, self._rest = _ENDS.split(self._rest + chunk)
        if len(self._rest) > _LONGEST:
            self._rest = b""
        return [_text(line) for line in whole]


def _text(line: bytes) -> str:
    return line[:_LONGEST].decode(errors="replace")
