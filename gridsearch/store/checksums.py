"""Checksums of rows: what lets every reader notice a bit that changed on the disk. SQLite keeps none of its pages."""

from __future__ import annotations

import marshal
import struct
import zlib
from collections.abc import Sequence
from itertools import starmap
from operator import eq
from typing import Any

#: Of marshal's formats the last that says the same of equal values always; it also tells 1 from 1.0, and None from "".
_FORMAT = 2
#: Bytes before the items of a list that is encoded.
_BEFORE_ITEMS = len(marshal.dumps([], _FORMAT))


def checksum(*values: str | bytes | int | float | None) -> int:
    """Return the CRC-32 of the values with their types; the same on every machine and in every version of Python.

    Zeros must have no sign: SQLite keeps none.
    """
    return zlib.crc32(marshal.dumps(values, _FORMAT))


def first_damaged(rows: Sequence[Any], values: slice, by: int) -> Any:
    """Return the first of the rows that has, in the place `by`, another number than the checksum of its values.

    None if all have theirs. Most readers check very many rows, so no call of ours is made for each.
    """
    if len(rows) > 1 and _all_sound(rows, values, by):
        return None
    checksum, encoded, how = zlib.crc32, marshal.dumps, _FORMAT
    for row in rows:
        if checksum(encoded(row[values], how)) != row[by]:
            return row
    return None


def _all_sound(rows: Sequence[Any], values: slice, by: int) -> bool:
    """Whether all rows are seen to have their checksums at once; False where they must be looked at one by one.

    A list is encoded as its length and then what is in it, each as by itself. Rows of numbers are all equally long.
    """
    if len(marshal.dumps(rows[0][values], _FORMAT)) != len(marshal.dumps(rows[-1][values], _FORMAT)):
        return False
    encoded = marshal.dumps([row[values] for row in rows], _FORMAT)
    width, rest = divmod(len(encoded) - _BEFORE_ITEMS, len(rows))
    if rest:
        return False
    found = starmap(zlib.crc32, struct.iter_unpack(f"{width}s", memoryview(encoded)[_BEFORE_ITEMS:]))
    return all(map(eq, found, [row[by] for row in rows]))
