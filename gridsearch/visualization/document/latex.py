r"""A document in LaTeX, complete and ready for pdflatex, xelatex or lualatex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from importlib import resources

from gridsearch.printable import printable
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.latex_text import as_latex, code_text, running_text
from gridsearch.visualization.document.parts import (
    Block,
    Code,
    Document,
    Figure,
    Figures,
    Listing,
    Paragraph,
    Part,
    Strong,
    Table,
)

#: A table of more rows goes on over pages.
_ONE_PAGE = 32
#: Text of more letters is broken into lines.
_LONG = 48
#: Two figures stand side by side, and a single one has the width of a column.
_HALF, _COLUMN_MM = 0.49, 85


def latex(document: Document, files: Mapping[str, str]) -> str:
    """Return a document as LaTeX.

    Args:
        document: The document.
        files: By the name of a figure its PDF, relative to the document.
    """
    return "\n".join(_lines(document, files))


def _lines(document: Document, files: Mapping[str, str]) -> Iterator[str]:
    preamble = (
        resources.files("gridsearch.visualization").joinpath("assets", "document.tex").read_text(encoding="utf-8")
    )
    yield preamble.rstrip("\n")
    subtitle = f"\\\\[0.5ex]\\large {running_text(document.subtitle)}" if document.subtitle else ""
    yield f"\\title{{{running_text(document.title)}{subtitle}}}"
    yield r"\author{}"
    yield f"\\date{{{running_text(document.date)}}}"
    yield "\n\\begin{document}\n\\maketitle"
    for section in document.sections:
        yield f"\n\\section{{{running_text(section.title)}}}"
        for block in section.blocks:
            yield "\n" + (_figures(block, files) if isinstance(block, Figures) else _block(block))
    yield f"\n\\bigskip\\noindent{{\\small {running_text(document.origin)}}}"
    yield "\\end{document}\n"


@singledispatch
def _block(block: Block) -> str:
    raise TypeError(type(block).__name__)


@_block.register
def _(block: Paragraph) -> str:
    return "".join(map(_part, block.parts))


@_block.register
def _(block: Table) -> str:
    grid, caption = block.grid, running_text(block.caption)
    prose = block.prose or _long(grid)
    if len(grid.rows) > _ONE_PAGE:
        width = f"p{{{0.6 / max(1, len(prose)):.2f}\\linewidth}}"
        body = as_latex(grid, running_text, _columns(grid, prose, width), "longtable")
        first, _, rest = body.partition("\n")
        return f"{{\\small\n{first}\n  \\caption{{{caption}}} \\\\\n{rest}\n}}"
    if prose:
        body = as_latex(grid, running_text, _columns(grid, prose, "X"), "tabularx", r"\linewidth")
    else:
        body = f"\\fitting{{{as_latex(grid, running_text)}}}"
    return f"\\begin{{table}}[H]\n\\centering\\small\n\\caption{{{caption}}}\n{body}\n\\end{{table}}"


def _long(grid: Grid) -> tuple[int, ...]:
    """Return the columns whose text would make a table much wider than a page."""
    lengths = [max([0, *(len(row[place]) for row in grid.rows)]) for place in range(len(grid.headings))]
    return tuple(place for place, length in enumerate(lengths) if length > _LONG and not grid.numeric[place])


def _columns(grid: Grid, prose: tuple[int, ...], broken: str) -> str:
    """Return the columns as LaTeX has them; in those of prose lines are broken."""
    ragged = f">{{\\raggedright\\arraybackslash}}{broken}"
    return "".join(ragged if place in prose else "r" if number else "l" for place, number in enumerate(grid.numeric))


@_block.register
def _(block: Listing) -> str:
    lines = [_code_line(line) for line in printable(block.text).split("\n")]
    return "\n".join([r"\begin{listing}", *lines, r"\end{listing}"])


def _code_line(line: str) -> str:
    """Return a line of a listing: its indentation kept, continued further in where it is too long."""
    indent = len(line) - len(line.lstrip(" "))
    return f"\\codeline{{{indent}}}{{{code_text(line[indent:])}}}"


def _figures(block: Figures, files: Mapping[str, str]) -> str:
    shown = [_figure(one, files[one.name], alone=len(block.figures) == 1) for one in block.figures]
    return "\n".join(
        [r"\begin{figure}[H]", r"\centering", *shown, f"\\caption{{{running_text(block.caption)}}}", r"\end{figure}"]
    )


def _figure(one: Figure, file: str, *, alone: bool) -> str:
    width = r"\linewidth" if one.wide else f"{_COLUMN_MM}mm" if alone else f"{_HALF}\\linewidth"
    return f"\\includegraphics[width={width}]{{{file}}}" + ("" if alone or one.wide else "\\hfill")


def _part(part: Part) -> str:
    if isinstance(part, str):
        return running_text(part)
    if isinstance(part, Strong):
        return f"\\textbf{{{running_text(part.text)}}}"
    assert isinstance(part, Code)
    return f"\\texttt{{{code_text(part.text)}}}"
