"""Checksums of rows: what lets every reader notice a bit that changed on the disk. SQLite keeps none of its pages."""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Iterable
from typing import Any

#: Of marshal's formats the last that says the same of equal values always; it also tells 1 from 1.0, and None from "".
_FORMAT = 2


def checksum(*values: str | bytes | int | float | None) -> int:
    """Return the CRC-32 of the values with their types; the same on every machine and in every version of Python.

    Zeros must have no sign: SQLite keeps none.
    """
    return zlib.crc32(marshal.dumps(values, _FORMAT))


def first_damaged(rows: Iterable[Any], values: slice, by: int) -> Any:
    """Return the first of the rows that has, in the place `by`, another number than the checksum of its values.

    None if all have theirs.

    One loop without calls of ours: most readers check very many rows.
    """
    checksum, encoded, how = zlib.crc32, marshal.dumps, _FORMAT
    for row in rows:
        if checksum(encoded(row[values], how)) != row[by]:
            return row
    return None
