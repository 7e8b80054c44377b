"""Which values of settings are plain: what a job file can write, and JSON."""

from __future__ import annotations

from typing import Any

from gridsearch.config.trial import MAX_LEVELS


def is_plain(value: Any, levels: int = MAX_LEVELS) -> bool:
    """Whether a value is a number, a text, a list of such or of such lists in so many levels, or None."""
    if isinstance(value, (list, tuple)):
        return levels > 0 and all(item is not None and is_plain(item, levels - 1) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))
