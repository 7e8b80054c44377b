"""Trials that failed or diverged, and the settings that they share."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.failures import FailureGroup, failures
from gridsearch.analysis.shared_settings import shared_words
from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Block, Section, Table
from gridsearch.visualization.document.phrases import paragraph


def failed(found: Findings) -> Section | None:
    """Return the section; None where every training went well."""
    groups = failures(found.data)
    blocks: tuple[Block, ...] = (*paragraph(*_told(found, groups)), *_causes(groups))
    return Section("Failures and divergences", blocks) if blocks else None


def _told(found: Findings, groups: tuple[FailureGroup, ...]) -> Iterator[str]:
    rows = found.data.rows
    if lost := [row for row in rows if row.state == TrialState.DIVERGED]:
        sound = (row for row in rows if row.state in RESULT_STATES and row.state != TrialState.DIVERGED)
        shared = shared_words(found.data.job, lost, sound)
        which = "it has" if len(lost) == 1 else f"all {len(lost):,} have"
        alike = f": {which} {shared}, and no sound trial has" if shared else ""
        yield f"{counted(len(lost), 'trial')} of {len(rows):,} diverged{alike}."
    if groups:
        number = sum(group.count for group in groups)
        causes = f", for {len(groups)} causes" if len(groups) > 1 else ""
        yield (
            f"{counted(number, 'trial')} of {len(rows):,} failed{causes}, missing from every mean and from the ranking."
        )


def _causes(groups: tuple[FailureGroup, ...]) -> Iterator[Table]:
    if not groups:
        return
    shared = any(group.shared for group in groups)
    rows = [[group.cause, f"{group.count:,}", *([group.shared] if shared else [])] for group in groups]
    headings = ["cause", "trials", *(["all have"] if shared else [])]
    yield Table(
        Grid(headings, [False, True, *([False] if shared else [])], rows),
        "Why trials failed",
        (0, 2) if shared else (0,),
    )
