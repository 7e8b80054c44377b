"""Tables of text in the formats people ask for: terminal, Markdown, LaTeX, CSV."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gridsearch.cli.streams import out, printable

ELLIPSIS = "…"
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}
#: A cell that begins with one of these would be run as a formula by spreadsheet programs.
_FORMULA = ("=", "+", "@", "-", "\t", "\r")


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"
    LATEX = "latex"


@dataclass(frozen=True)
class Grid:
    """A table of texts; `gap_after` rows stand before an ellipsis row (None: no ellipsis)."""

    headings: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[str]]
    gap_after: int | None = None
    caption: str = ""

    def lines(self, ellipsis: str) -> list[list[str]]:
        """Return the rows, the ellipsis row among them."""
        lines = [list(row) for row in self.rows]
        if self.gap_after is not None:
            lines.insert(self.gap_after, [ellipsis] * len(self.headings))
        return lines


def as_terminal(grid: Grid) -> str:
    """Return the table for a terminal: aligned, a rule under the headings, no frame."""
    lines = [[printable(cell) for cell in line] for line in grid.lines(ELLIPSIS)]
    headings = [printable(heading) for heading in grid.headings]
    widths = [max(len(line[i]) for line in [headings, *lines]) for i in range(len(headings))]

    def aligned(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(cells, widths, grid.numeric, strict=True)
        ).rstrip()

    rule = "  ".join("─" * width for width in widths)
    body = [aligned(headings), rule, *(aligned(line) for line in lines)]
    return "\n".join([*body, "", grid.caption] if grid.caption else body)


def as_markdown(grid: Grid) -> str:
    """Return the table in GitHub's Markdown."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(printable(cell).replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |"

    marks = ["---:" if numeric else ":---" for numeric in grid.numeric]
    return "\n".join([line(grid.headings), "|" + "|".join(marks) + "|", *map(line, grid.lines(ELLIPSIS))])


def as_latex(grid: Grid) -> str:
    """Return the table as a LaTeX `tabular` with the rules of the booktabs package."""

    def line(cells: Sequence[str]) -> str:
        return "  " + " & ".join(cells) + r" \\"

    def escaped(cells: Sequence[str]) -> list[str]:
        return ["".join(_LATEX.get(c, c) for c in printable(cell)) for cell in cells]

    body = [line(escaped(row)) for row in grid.rows]
    if grid.gap_after is not None:
        body.insert(grid.gap_after, line([r"$\vdots$"] * len(grid.headings)))
    columns = "".join("r" if numeric else "l" for numeric in grid.numeric)
    head = [f"\\begin{{tabular}}{{{columns}}}", r"  \toprule", line(escaped(grid.headings)), r"  \midrule"]
    return "\n".join([*head, *body, r"  \bottomrule", r"\end{tabular}"])


def as_csv(grid: Grid) -> str:
    """Return the rows as CSV; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_harmless(heading, numeric=False) for heading in grid.headings])
    for row in grid.rows:
        writer.writerow([_harmless(c, numeric=n) for c, n in zip(row, grid.numeric, strict=True)])
    return buffer.getvalue()


def show(grid: Grid) -> None:
    """Print the table for a terminal on stdout, in bold headings where there is one."""
    text = as_terminal(grid)
    if not sys.stdout.isatty():
        sys.stdout.write(text + "\n")
        return
    from rich.text import Text

    head, _, rest = text.partition("\n")
    out().print(Text(head, "bold"), soft_wrap=True)
    out().print(Text(rest), soft_wrap=True)


def _harmless(cell: str, *, numeric: bool) -> str:
    return "'" + cell if not numeric and cell.startswith(_FORMULA) else cell
