"""Text without what a reader cannot see, or a terminal would obey."""

from __future__ import annotations

import re

_SUSPECT = re.compile(r"[^\n -~]")


def printable(text: str) -> str:
    r"""Return text with what a terminal would obey, or not show, written as its code: names and errors may hold it.

    That is control characters but for line ends, marks that turn the direction of writing, and signs without a width.

    >>> printable("\x1b[31m\u202e\u200b±\n")
    '\\x1b[31m\\u202e\\u200b±\n'
    """
    return _SUSPECT.sub(lambda found: found[0] if found[0].isprintable() else code_of(found[0]), text)


def escaped_line(text: str) -> str:
    """Return text as `printable` does, line ends written as their codes too."""
    return printable(text).replace("\n", "\\n")


def code_of(sign: str) -> str:
    r"""Return a sign as its code: `\x1b`, `\u202e`."""
    number = ord(sign)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file's name that is no text
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
