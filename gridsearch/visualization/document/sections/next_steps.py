"""What to try next: each with what was seen, why it matters, the command, and what it takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gridsearch.analysis.advice.piece import Advice
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.parts import Block, Listing, Section
from gridsearch.visualization.document.phrases import opened, paragraph


def next_steps(found: Findings) -> Section | None:
    """Return the section; None where there is nothing to advise."""
    names = found.data.axis_columns
    blocks = tuple(block for piece in found.answer.advice for block in _step(piece, names))
    return Section("What to try next", blocks) if blocks else None


def _step(piece: Advice, names: Collection[str]) -> Iterator[Block]:
    takes = piece.takes if piece.run else ""
    yield from paragraph(opened(piece.seen, names), opened(piece.why, names), f"This takes {takes}:" if takes else "")
    if piece.run:
        yield Listing(piece.run, "bash")
