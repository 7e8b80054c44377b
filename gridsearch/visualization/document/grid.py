"""A table of texts, for every format that has tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: What stands in every cell of a row that stands for those left out.
ELLIPSIS = "…"


@dataclass(frozen=True)
class Grid:
    """A table of texts; `gap_after` rows stand before an ellipsis row (None: no ellipsis).

    The first `keys` columns name a row: where a terminal is too narrow for all columns, they stand before the rest too.
    """

    headings: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[str]]
    gap_after: int | None = None
    caption: str = ""
    keys: int = 0

    def lines(self, ellipsis: str) -> list[list[str]]:
        """Return the rows, the ellipsis row among them."""
        lines = [list(row) for row in self.rows]
        if self.gap_after is not None:
            lines.insert(self.gap_after, [ellipsis] * len(self.headings))
        return lines
