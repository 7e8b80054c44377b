"""Checksums of rows that are written once: what lets `verify` notice a bit that changed on the disk.

SQLite keeps no checksum of its pages. Rows of `epochs`, `events`, `formations`, `trainings` and
`evaluations` never change and carry one; every other row can be derived from these tables and from its own content
hash.
"""

from __future__ import annotations

import zlib


def seal(*values: str | int | float | None) -> int:
    """Return the CRC-32 of the values with their types; the same on every machine."""
    return zlib.crc32(repr(values).encode("utf-8", "backslashreplace"))
