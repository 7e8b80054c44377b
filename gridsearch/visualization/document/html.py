"""A document as one HTML file, its figures inside."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from gridsearch.printable import escaped_line, printable
from gridsearch.visualization.document.grid import ELLIPSIS
from gridsearch.visualization.document.parts import Code, Document, Figures, Listing, Paragraph, Strong, Table
from gridsearch.visualization.inlining import asset, environment, policy

_KINDS = {Paragraph: "paragraph", Table: "table", Figures: "figures", Listing: "listing"}


def html(document: Document, images: Mapping[str, bytes]) -> str:
    """Return a document as a page that loads nothing.

    Args:
        document: The document.
        images: By the name of a figure its SVG.
    """
    return (
        environment()
        .get_template("document.html")
        .render(
            document=document,
            sources={name: _source(content) for name, content in images.items()},
            kinds=_KINDS,
            is_code=lambda part: isinstance(part, Code),
            is_strong=lambda part: isinstance(part, Strong),
            ellipsis=ELLIPSIS,
            line=escaped_line,
            lines=printable,
            policy=policy([]),
            style=asset("document.css"),
        )
    )


def _source(content: bytes) -> str:
    """Return an SVG as a URL that holds it whole: as an image it can run nothing."""
    return "data:image/svg+xml;base64," + base64.b64encode(content).decode()
