"""Which values of settings are plain: what a job file can write, and JSON."""

from __future__ import annotations

from typing import Any


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a text, a list of such, or None."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (bool, int, float, str)) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))
