"""A job's constraints: which of its trials exceed them."""

from __future__ import annotations

from collections.abc import Mapping

from gridsearch.store.rows import JobRow, TrialRow


def limits(job: JobRow) -> dict[str, float]:
    """Return what no trial of a job may exceed to be its best: `parameters`, `macs`, `seconds`."""
    return dict(job.spec.get("constraints") or {})


def exceeded(row: TrialRow, bounds: Mapping[str, float]) -> str:
    """Return the limits that a trial exceeds, as `parameters, macs`; what is not known yet exceeds nothing."""
    return ", ".join(name for name, bound in bounds.items() if (getattr(row, name) or 0) > bound)
