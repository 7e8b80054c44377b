"""Trials that two jobs have in common: results of one cannot be held against themselves in the other."""

from __future__ import annotations

from gridsearch.analysis.comparing.sides import Side


def measured_anew(one: Side, other: Side) -> bool:
    """Whether trials that two jobs have in common have other scores there: of other epochs, or of another store.

    Then what is common are the settings, and differences are as good as any. Asked of all trials at once: by those
    that happen to differ, the others would be chosen for their scores.
    """
    return any(other.results.get(trial, score) != score for trial, score in one.results.items())


def overlap_text(one: Side, other: Side) -> str:
    """Return which results are in both of two jobs, in words; nothing where none is."""
    common = len(one.results.keys() & other.results.keys())
    if not common or measured_anew(one, other):
        return ""
    smaller, larger = sorted((one, other), key=lambda side: len(side.results))
    sizes = len(smaller.results), len(larger.results)
    if common == sizes[1]:
        return (
            f"{one.label} and {other.label} have the very same trials, so there is nothing to hold against each other"
        )
    if common == sizes[0]:
        what = (
            f"all {common:,} trials of {smaller.label} are" if common > 1 else f"the only trial of {smaller.label} is"
        )
        return f"{what} among the {sizes[1]:,} of {larger.label}, so the two are not independent"
    what = f"{common:,} trials are" if common > 1 else "1 trial is"
    told = f"{one.label} ({len(one.results):,} in all) and {other.label} ({len(other.results):,})"
    return f"{what} in both {told}, so the two are not independent"
