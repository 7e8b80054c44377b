"""A comparison of jobs as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridsearch.analysis.comparing.jobs import JobComparison


def as_json(found: JobComparison) -> dict[str, Any]:
    """Return all numbers of a comparison; scores are as they were measured, whatever the baseline."""
    return {
        "jobs": list(found.labels),
        "by": found.by,
        "baseline": asdict(found.baseline) if found.baseline else None,
        "settings": [{"name": one.name, "values": list(one.values)} for one in found.contrasts],
        "bests": [asdict(one) for one in found.bests],
        "pairings": [
            asdict(pair) | {"cells": [asdict(cell) | {"difference": cell.difference} for cell in pair.cells]}
            for pair in found.pairings
        ],
        "cautions": list(found.cautions),
    }
