"""Versions of the recipe: which trials get other numbers than the first gridsearch gave them, and so another id.

A change of the code that changes numbers raises the version of the trials that it concerns, and of no others: what is
in a store is found again wherever it is still what would be trained. `docs/jobs.md` says what each version changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIRST = 1
#: Convolutions and linear layers of ours that are normalised have no bias; users' models are evaluated in batches of
#: one size, their parameters without a gradient are left alone, their constructors draw from seeded generators;
#: dropout is drawn in float32 under every precision.
CURRENT = 2


def recipe_version(recipe: Mapping[str, Any], model_version: int) -> int:
    """Return the version of a new trial, given its recipe and the version that made its model what it is now."""
    return max(model_version, CURRENT if recipe.get("precision") == "mixed" else FIRST)


def implied_settings(version: int) -> dict[str, Any]:
    """Return the settings of models of ours that a trial of this version has, whatever their defaults are now."""
    return {"bias_before_norm": True} if version < CURRENT else {}
