"""A document in GitHub's Markdown (https://github.github.com/gfm/)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import singledispatchmethod

from gridsearch.printable import printable
from gridsearch.visualization.document.markdown_text import as_markdown, code_text, running_text, whole_text
from gridsearch.visualization.document.parts import Code, Document, Figures, Listing, Paragraph, Part, Strong, Table


def markdown(document: Document, files: Mapping[str, str]) -> str:
    """Return a document as Markdown.

    Args:
        document: The document.
        files: By the name of a figure its file, relative to the document.
    """
    return _Writer(files).write(document)


class _Writer:
    """Counts tables and figures, as Markdown does not."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._tables = self._figures = 0

    def write(self, document: Document) -> str:
        return "\n\n".join(self._blocks(document)) + "\n"

    def _blocks(self, document: Document) -> Iterator[str]:
        yield f"# {running_text(document.title)}"
        yield whole_text(". ".join(filter(None, [document.subtitle, document.date])))
        for section in document.sections:
            yield f"## {running_text(section.title)}"
            for block in section.blocks:
                yield from self._block(block)
        yield "---"
        yield whole_text(document.origin)

    @singledispatchmethod
    def _block(self, block: object) -> Iterator[str]:
        raise TypeError(type(block).__name__)

    @_block.register
    def _(self, block: Paragraph) -> Iterator[str]:
        first, *others = block.parts
        beginning = whole_text(first) if isinstance(first, str) else _part(first)
        yield beginning + "".join(map(_part, others))

    @_block.register
    def _(self, block: Table) -> Iterator[str]:
        self._tables += 1
        yield f"**Table {self._tables}.** {running_text(block.caption)}"
        yield as_markdown(block.grid)

    @_block.register
    def _(self, block: Figures) -> Iterator[str]:
        self._figures += 1
        for one in block.figures:
            yield f"![{running_text(one.alt)}]({self._files[one.name]})"
        yield f"**Figure {self._figures}.** {running_text(block.caption)}"

    @_block.register
    def _(self, block: Listing) -> Iterator[str]:
        text = printable(block.text)
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        yield f"{fence}{block.language}\n{text}\n{fence}"


def _part(part: Part) -> str:
    if isinstance(part, str):
        return running_text(part)
    if isinstance(part, Strong):
        return f"**{running_text(part.text)}**"
    assert isinstance(part, Code)
    return code_text(part.text)
