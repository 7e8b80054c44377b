"""Text that any terminal shows as it is meant: no control characters, and only signs that its encoding has."""

from __future__ import annotations

import codecs
import re
from typing import TextIO

#: The name of what we do with signs that an encoding lacks.
ERRORS = "gridsearch-plain"

#: What our own output says where the encoding has no better. One for one where tables are aligned with it.
_PLAIN = {
    "…": ".",
    "─": "-",
    "━": "=",
    "–": "-",
    "−": "-",
    "·": "|",
    "×": "x",
    "±": "+-",
    "—": "-",
    "→": "->",
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
}
_SUSPECT = re.compile(r"[^\n -~]")


def printable(text: str) -> str:
    r"""Return text with what a terminal would obey, or not show, written as its code: names and errors may hold it.

    That is control characters but for line ends, marks that turn the direction of writing, and signs without a width.

    >>> printable("\x1b[31m\u202e\u200b±\n")
    '\\x1b[31m\\u202e\\u200b±\n'
    """
    return _SUSPECT.sub(lambda found: found[0] if found[0].isprintable() else _code(found[0]), text)


def escaped_line(text: str) -> str:
    """Return text as `printable` does, line ends written as their codes too."""
    return printable(text).replace("\n", "\\n")


def prepare(stream: TextIO | None) -> None:
    """Have a stream write in plain letters, or as codes, what its encoding lacks, instead of raising."""
    codecs.register_error(ERRORS, _instead)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors=ERRORS)


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(sign) or _code(sign) for sign in error.object[error.start : error.end]), error.end


def _code(sign: str) -> str:
    number = ord(sign)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file's name that is no text
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
