"""Tables of text in the formats people ask for: terminal, Markdown, LaTeX, CSV."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gridsearch.cli.file_formats import chosen_format
from gridsearch.cli.streams import columns, data, folded, out
from gridsearch.printable import escaped_line, printable
from gridsearch.visualization.document.grid import ELLIPSIS
from gridsearch.visualization.document.grid import Grid as Grid
from gridsearch.visualization.document.latex_text import as_latex as as_latex
from gridsearch.visualization.document.markdown_text import as_markdown as as_markdown

_GAP = "  "
#: Neither headings nor names are cut to fewer signs, however narrow the terminal.
_NARROWEST = 8
#: A cell that begins with one of these would be run as a formula by spreadsheet programs.
_FORMULA = ("=", "+", "@", "-", "\t", "\r", "＝", "＋", "＠", "－")
#: A number, which is none.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"
    LATEX = "latex"


@dataclass(frozen=True)
class Block:
    """Some of a table's columns, laid out for a terminal."""

    head: list[str]
    body: list[str]


def blocks(grid: Grid, width: int | None) -> list[Block]:
    """Return the table for a terminal: aligned, a rule under the headings, no frame.

    Where it is wider than the terminal, headings are stacked at their underscores, then the columns that do not fit
    follow in another block. Only text and headings are ever cut, and only where they do not fit by themselves.
    """
    limit = width or sys.maxsize
    lines = [[escaped_line(cell) for cell in line] for line in grid.lines(ELLIPSIS)]
    heads = [[escaped_line(heading)] for heading in grid.headings]
    if _total(_sizes(heads, lines)) > limit:
        heads = [head[0].replace("_", "_ ").split() for head in heads]
        _shorten_keys(grid, heads, lines, limit)
    room = limit - _total(_sizes(heads, lines)[: grid.keys]) - len(_GAP)
    for line in lines:
        for i in range(grid.keys, len(line)):
            if not grid.numeric[i] and len(line[i]) > max(room, len(ELLIPSIS)):
                line[i] = shortened(line[i], max(room, 1))
    for i in range(grid.keys, len(heads)):
        heads[i] = [shortened(part, max(room, _NARROWEST)) for part in heads[i]]
    sizes = _sizes(heads, lines)
    keys = list(range(grid.keys))
    groups = [list(keys)]
    for i in range(grid.keys, len(heads)):
        if len(groups[-1]) > len(keys) and _total([sizes[j] for j in [*groups[-1], i]]) > limit:
            groups.append(list(keys))
        groups[-1].append(i)
    return [_block(group, grid.numeric, heads, sizes, lines) for group in groups]


def _shorten_keys(grid: Grid, heads: list[list[str]], lines: list[list[str]], limit: int) -> None:
    """Shorten what names the rows where it leaves no room for a single column of what is said of them."""
    sizes = _sizes(heads, lines)
    widest = max((min(size, _NARROWEST) for size in sizes[grid.keys :]), default=0)
    if not grid.keys or _total([*sizes[: grid.keys], widest]) <= limit:
        return
    most = max(limit // (2 * grid.keys), _NARROWEST)
    for i in range(grid.keys):
        heads[i] = [shortened(part, most) for part in heads[i]]
        for line in lines if not grid.numeric[i] else ():
            line[i] = shortened(line[i], most)


def shortened(text: str, most: int) -> str:
    """Return text of at most so many signs, the last of which says so where there were more."""
    return text if len(text) <= most else text[: most - 1] + ELLIPSIS


def _sizes(heads: Sequence[Sequence[str]], lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, [*head, *(line[i] for line in lines)])) for i, head in enumerate(heads)]


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + len(_GAP) * max(0, len(sizes) - 1)


def _block(
    group: Sequence[int],
    numeric: Sequence[bool],
    heads: Sequence[Sequence[str]],
    sizes: Sequence[int],
    lines: Sequence[Sequence[str]],
) -> Block:
    def aligned(cell: Callable[[int], str]) -> str:
        return _GAP.join(cell(i).rjust(sizes[i]) if numeric[i] else cell(i).ljust(sizes[i]) for i in group).rstrip()

    height = max(len(heads[i]) for i in group)
    stacked = {i: [""] * (height - len(heads[i])) + list(heads[i]) for i in group}
    head = [aligned(lambda i, level=level: stacked[i][level]) for level in range(height)]  # type: ignore[misc]
    body = [aligned(line.__getitem__) for line in lines]
    return Block(head, [_GAP.join("─" * sizes[i] for i in group), *body])


def as_csv(grid: Grid) -> str:
    """Return the rows as CSV; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([csv_cell(heading) for heading in grid.headings])
    for row in grid.rows:
        writer.writerow([c if n else csv_cell(c) for c, n in zip(row, grid.numeric, strict=True)])
    return buffer.getvalue()


def csv_cell(text: str) -> str:
    """Return text for CSV: printable, and with an apostrophe before what a spreadsheet would run as a formula."""
    shown = printable(text)
    return "'" + shown if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else shown


def write(grid: Grid, format_: Format) -> None:
    """Print the table in any format but JSON."""
    renderings = {Format.CSV: as_csv, Format.MD: as_markdown, Format.LATEX: as_latex}
    if format_ is Format.TABLE:
        show(grid)
    else:
        data(renderings[format_](grid))


def show(grid: Grid) -> None:
    """Print the table for a terminal on stdout, with bold headings where there is one."""
    width = columns(sys.stdout)
    parts = blocks(grid, width)
    caption = ["", folded(printable(grid.caption), width)] if grid.caption else []
    if not sys.stdout.isatty():
        lines = [line for number, part in enumerate(parts) for line in ([""] * (number > 0) + part.head + part.body)]
        data("\n".join([*lines, *caption]))
        return
    from rich.text import Text

    console = out()
    for number, part in enumerate(parts):
        console.print(Text("\n".join(["", *part.head] if number else part.head), "bold"), soft_wrap=True)
        console.print(Text("\n".join(part.body)), soft_wrap=True)
    if caption:
        console.print(Text("\n".join(caption)), soft_wrap=True)


def format_of(asked: Format | None, output: Path | None, also: Sequence[str] = ()) -> Format:
    """Return in which format a table is printed, or written to a file whose name may tell it.

    `also` are ends of names that the command takes for something else than a table.
    """
    return Format(chosen_format(asked, output, [str(one) for one in Format], Format.TABLE, also))
