"""Checksums of rows: what lets every reader notice a bit that changed on the disk. SQLite keeps none of its pages."""

from __future__ import annotations

import marshal
import zlib
from typing import Any

#: Of marshal's formats the last that says the same of equal values always; it also tells 1 from 1.0, and None from "".
_FORMAT = 2


def seal(*values: str | bytes | int | float | None) -> int:
    """Return the CRC-32 of the values with their types; the same on every machine and in every version of Python.

    Zeros must have no sign: SQLite keeps none.
    """
    return zlib.crc32(marshal.dumps(values, _FORMAT))


def is_sealed(values: tuple[Any, ...], by: Any) -> bool:
    """Whether a number is the seal of the values: `seal`, for very many rows."""
    return bool(zlib.crc32(marshal.dumps(values, _FORMAT)) == by)
