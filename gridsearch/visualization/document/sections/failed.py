"""Trials that failed or diverged, and the settings that they share."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.failures import Divergences, FailureGroup, divergences, failures
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Block, Section, Table
from gridsearch.visualization.document.phrases import paragraph


def failed(found: Findings) -> Section | None:
    """Return the section; None where every training went well."""
    groups = failures(found.data)
    lost = divergences(found.data)
    blocks: tuple[Block, ...] = (*paragraph(*_told(found, lost, groups)), *_diverged(lost), *_causes(groups))
    return Section("Failures and divergences", blocks) if blocks else None


def _told(found: Findings, lost: Divergences | None, groups: tuple[FailureGroup, ...]) -> Iterator[str]:
    if lost:
        yield lost.text
    if groups:
        number = sum(group.count for group in groups)
        causes = f", for {len(groups)} causes" if len(groups) > 1 else ""
        which = f"{counted(number, 'trial')} of {len(found.data.rows):,}"
        yield f"{which} failed{causes}, missing from every mean and from the ranking."


def _diverged(lost: Divergences | None) -> Iterator[Table]:
    if lost is None:
        return
    rows = [[one.epochs, f"{one.count:,}", one.ids] for one in lost.groups]
    yield Table(Grid(["epoch", "trials", "ids"], [True, True, False], rows), "When trials diverged", (2,))


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
