"""Figures as SVG, PDF and PNG, drawn by kaleido in a Chromium of this machine; nothing is loaded from outside."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from PIL import Image

from gridsearch.errors import FigureError, GridsearchError
from gridsearch.visualization.paper import PaperFigure

PaperFormat = Literal["svg", "pdf", "png"]
#: Pixels of a PNG to the inch of paper, and for each of a screen's.
_PNG_DPI = 300
_PNG_PER_PX = _PNG_DPI / 96
#: One figure takes a second on a slow machine, the first one several.
_SECONDS = 120


def require_renderer() -> None:
    """Refuse where there is nothing that draws; `FigureError` says what to install."""
    if find_spec("kaleido") is None or not hasattr(import_module("kaleido"), "Kaleido"):
        raise FigureError("figures are drawn by kaleido 1.0 or newer: pip install 'gridsearch[figures]'")


def rendered(figures: Iterable[PaperFigure], format_: PaperFormat) -> Iterator[tuple[PaperFigure, bytes]]:
    """Yield figures as files, in the order given.

    Raises:
        FigureError: Kaleido or the browser is missing, or the browser ends or hangs.
    """
    require_renderer()
    kept = list(figures)
    for figure, drawn in zip(kept, asyncio.run(_drawn(kept, format_)), strict=True):
        yield figure, _with_resolution(drawn) if format_ == "png" else drawn


def _with_resolution(png: bytes) -> bytes:
    """Return an image that says how many of its pixels are an inch: else programs place it at any size."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.save(file, "PNG", dpi=(_PNG_DPI, _PNG_DPI))
    return file.getvalue()


async def _drawn(figures: Sequence[PaperFigure], format_: PaperFormat) -> list[bytes]:
    import kaleido
    from choreographer.errors import ChromeNotFoundError

    # What its browser is told and answers is not for people.
    for name in ("kaleido", "choreographer"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        # The plotly.js of the plotly that is installed; without MathJax, which would be loaded from outside.
        async with kaleido.Kaleido(
            n=1, timeout=_SECONDS, page_generator=kaleido.PageGenerator(mathjax=False)
        ) as drawing:
            return [bytes(await drawing.calc_fig(one.figure, opts=_options(one, format_))) for one in figures]
    except ChromeNotFoundError:
        raise FigureError(
            "no Chromium or Chrome was found, which draws figures: install one (apt install chromium; or:"
            " kaleido_get_chrome), or name it in $BROWSER_PATH"
        ) from None
    except GridsearchError:
        raise
    except Exception as error:
        raise FigureError(
            f"the browser that draws figures gave up ({_reason(error)}); $BROWSER_PATH names another one"
        ) from error


def _reason(error: BaseException) -> str:
    """Return the first of the sentences that an error of the browser consists of."""
    told: Any = error.args
    while isinstance(told, (list, tuple)) and told:
        told = told[0]
    return " ".join(str(told or type(error).__name__).split()).rstrip(".")[:200]


def _options(one: PaperFigure, format_: PaperFormat) -> dict[str, Any]:
    scale = one.scale * (_PNG_PER_PX if format_ == "png" else 1)
    return {"format": format_, "width": one.width, "height": one.height, "scale": scale}
