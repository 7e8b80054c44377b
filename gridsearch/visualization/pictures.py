"""Small images in rows with their captions, as a page of its own or as one picture for a paper."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gridsearch.visualization.inlining import asset, environment, policy
from gridsearch.visualization.page import Stamp
from gridsearch.visualization.theme import INK, MUTED

Pixels = npt.NDArray[np.uint8]

#: Images are enlarged until their longer side has about as many pixels, and reduced to the second.
_SHOWN_PX, _LARGEST_PX = 112, 256
_GAP_PX, _LINE_PX, _FONT_PX = 12, 18, 13
#: By the number of channels; images of two and four have a last one that is transparency.
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, eq=False)
class Picture:
    """An image, uint8 (H, W) or (H, W, C) with up to four channels, and a line about it."""

    image: Pixels
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rows of pictures under a title and a note; `headings`, where there are any, stand above the columns."""

    title: str
    note: str
    rows: tuple[tuple[Picture, ...], ...]
    headings: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """Return the number of pictures in the longest row."""
        return max((len(row) for row in self.rows), default=1)


def in_square(pictures: Sequence[Picture]) -> tuple[tuple[Picture, ...], ...]:
    """Return pictures in rows, about as many rows as columns."""
    columns = max(1, math.ceil(math.sqrt(len(pictures))))
    return tuple(tuple(pictures[start : start + columns]) for start in range(0, len(pictures), columns))


def sheet_page(sheet: Sheet, stamp: Stamp) -> str:
    """Return a page that shows the sheet; the images are inside."""
    return (
        environment()
        .get_template("pictures.html")
        .render(
            sheet=sheet,
            data_url=data_url,
            size=_shown_size,
            stamp=stamp,
            policy=policy([]),
            style=asset("page.css"),
        )
    )


def sheet_png(sheet: Sheet) -> bytes:
    """Return the sheet as one PNG: headings, pictures and captions on white, without title and note."""
    shown = [[_enlarged(picture.image) for picture in row] for row in sheet.rows]
    width = max((image.width for row in shown for image in row), default=1)
    height = max((image.height for row in shown for image in row), default=1)
    caption = _LINE_PX if any(picture.caption for row in sheet.rows for picture in row) else 0
    top = _GAP_PX + (_LINE_PX if sheet.headings else 0)
    step_x, step_y = width + _GAP_PX, height + caption + _GAP_PX
    canvas = Image.new("RGB", (_GAP_PX + sheet.columns * step_x, top + len(shown) * step_y), "#ffffff")
    draw = ImageDraw.Draw(canvas)
    for column, heading in enumerate(sheet.headings):
        _centred(draw, heading, (_GAP_PX + column * step_x, _GAP_PX // 2, width), MUTED)
    for i, (row, images) in enumerate(zip(sheet.rows, shown, strict=True)):
        for j, (picture, image) in enumerate(zip(row, images, strict=True)):
            x, y = _GAP_PX + j * step_x, top + i * step_y
            canvas.paste(image, (x + (width - image.width) // 2, y))
            _centred(draw, picture.caption, (x, y + height + 2, width), INK)
    return _png(canvas)


def data_url(image: Pixels) -> str:
    """Return an image as a URL that holds it whole, as PNG."""
    return "data:image/png;base64," + base64.b64encode(_png(_reduced(_as_image(image)))).decode()


def _as_image(image: Pixels) -> Image.Image:
    flat = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    made = Image.fromarray(np.ascontiguousarray(flat), _MODES[1 if flat.ndim == 2 else flat.shape[2]])
    if made.mode not in ("LA", "RGBA"):
        return made
    white = Image.new("RGBA", made.size, "#ffffff")
    return Image.alpha_composite(white, made.convert("RGBA")).convert("RGB")


def _reduced(image: Image.Image) -> Image.Image:
    if max(image.size) > _LARGEST_PX:
        image.thumbnail((_LARGEST_PX, _LARGEST_PX))
    return image


def _shown_size(image: Pixels) -> tuple[int, int]:
    """Return the width and height in which an image is shown: a whole multiple of its own where it is small."""
    height, width = image.shape[:2]
    longer = max(height, width)
    if longer > _LARGEST_PX:
        return round(width * _LARGEST_PX / longer), round(height * _LARGEST_PX / longer)
    factor = max(1, round(_SHOWN_PX / longer))
    return width * factor, height * factor


def _enlarged(image: Pixels) -> Image.Image:
    made = _reduced(_as_image(image))
    return made if max(image.shape[:2]) > _LARGEST_PX else made.resize(_shown_size(image), Image.Resampling.NEAREST)


def _centred(draw: ImageDraw.ImageDraw, text: str, place: tuple[int, int, int], color: str) -> None:
    """Write a text at (x, y) into a width, cut where it is too long."""
    x, y, width = place
    shown = text
    while shown and draw.textlength(shown, _font()) > width:
        text, shown = text[:-1], text[:-1].rstrip() + "…"
        if not text:
            return
    draw.text((x + (width - draw.textlength(shown, _font())) / 2, y), shown, color, _font())


@cache
def _font() -> Any:
    return ImageFont.load_default(_FONT_PX)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()
