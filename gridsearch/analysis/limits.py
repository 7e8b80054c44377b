"""A job's constraints: which of its trials exceed them."""

from __future__ import annotations

from collections.abc import Mapping

from gridsearch.store.rows import TrialRow


def exceeded(row: TrialRow, bounds: Mapping[str, float]) -> str:
    """Return the limits (`JobRecord.limits`) that a trial exceeds, as `parameters, macs`; the unknown exceeds none."""
    return ", ".join(name for name, bound in bounds.items() if (getattr(row, name) or 0) > bound)
