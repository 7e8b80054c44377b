"""Text and tables in GitHub's Markdown (https://github.github.com/gfm/), with nothing in them taken for markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gridsearch.printable import escaped_line
from gridsearch.visualization.document.grid import ELLIPSIS, Grid

#: What Markdown would take for markup, GitHub's formulas between dollar signs included; underscores inside of words are
#: safe.
_MARKUP = re.compile(r"([\\`*\[\]<>|&~$]|(?<![^\W_])_|_(?![^\W_]))")
#: What makes a line a heading, a list, a quotation, a rule or code, where it stands at its beginning.
_BEGINNING = re.compile(r"^([#+=-]|\d+(?=[.)]))")


def running_text(text: str) -> str:
    r"""Return text as a part of a paragraph, or as a cell of a table.

    >>> running_text("val_accuracy of _a_ <b> costs $5")
    'val_accuracy of \\_a\\_ \\<b\\> costs \\$5'
    """
    return _MARKUP.sub(r"\\\1", escaped_line(text))


def whole_text(text: str) -> str:
    r"""Return text that stands alone on its line.

    >>> whole_text("- one"), whole_text("1. one")
    ('\\- one', '1\\. one')
    """
    shown = running_text(text.lstrip(" "))
    found = _BEGINNING.match(shown)
    if found is None:
        return shown
    end = found.end()
    return f"{shown[:end]}\\{shown[end:]}" if found[1].isdigit() else f"\\{shown}"


def code_text(text: str) -> str:
    """Return text as a span of code, between more backticks than stand in it."""
    shown = escaped_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    gap = " " if "`" in shown else ""
    return f"{fence}{gap}{shown}{gap}{fence}"


def as_markdown(grid: Grid) -> str:
    """Return a table in GitHub's Markdown."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(running_text, cells)) + " |"

    marks = ["---:" if numeric else ":---" for numeric in grid.numeric]
    return "\n".join([line(grid.headings), "|" + "|".join(marks) + "|", *map(line, grid.lines(ELLIPSIS))])
