"""What a document is made of: sections of paragraphs, tables, figures and listings, whatever it is written in."""

from __future__ import annotations

from dataclasses import dataclass

from gridsearch.visualization.document.grid import Grid


@dataclass(frozen=True, slots=True)
class Code:
    """A part of a sentence that is meant letter by letter: a command, the name of a file."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A part of a sentence that a reader shall find at a glance."""

    text: str


Part = str | Code | Strong


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences, in parts that follow each other without a space."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """Return the paragraph without what sets its parts off."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption.

    Attributes:
        grid: The cells, as text.
        caption: What it shows.
        prose: The columns that hold text of any length, which is broken into lines.
    """

    grid: Grid
    caption: str
    prose: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by the name of its file, without an ending.

    Attributes:
        name: The name.
        alt: What it shows, for those who do not see it.
        wide: Whether it has the width of the page.
    """

    name: str
    alt: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures that stand together under one caption."""

    figures: tuple[Figure, ...]
    caption: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines that are meant letter by letter, such as a command; `language` is what they are written in."""

    text: str
    language: str = ""


Block = Paragraph | Table | Figures | Listing


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its title."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document.

    Attributes:
        title: Its title.
        subtitle: A line under it; may be empty.
        date: When it was made.
        sections: Its sections, in order.
        origin: What made it, from what.
    """

    title: str
    subtitle: str
    date: str
    sections: tuple[Section, ...]
    origin: str

    @property
    def figures(self) -> tuple[str, ...]:
        """Return the names of its figures, in order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(one.name for block in blocks if isinstance(block, Figures) for one in block.figures)
