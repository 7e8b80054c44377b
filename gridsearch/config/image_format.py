"""How the images of a data set are read: to which size, and what lies behind transparent pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Resize = Literal["pad", "crop", "stretch"]
Background = Literal["white", "black"]
MOST_PIXELS = 8192
#: The keys of a job. A model's own settings may have the same names: those stand under `space`.
FORMAT_KEYS = ("image_size", "resize", "background")


@dataclass(frozen=True)
class ImageFormat:
    """How images are read. It changes their pixels, and so the fingerprint of the data set.

    `size` is (H, W) in pixels, None for that of the files, which then must have one. `resize` says how an image of
    another shape comes to it: `pad` keeps all of it and fills the rest with `background`, `crop` cuts off what is too
    much, evenly on both sides, `stretch` changes its proportions. `background` also lies behind transparent pixels.
    """

    size: tuple[int, int] | None = None
    resize: Resize = "pad"
    background: Background = "white"

    def as_json(self) -> dict[str, Any]:
        """Return what is not as by default, as JSON values."""
        size = {"image_size": list(self.size), "resize": self.resize} if self.size else {}
        return size | ({"background": self.background} if self.background != "white" else {})


#: How images are read unless a job says otherwise.
AS_IT_IS = ImageFormat()


def format_of(written: Mapping[str, Any]) -> ImageFormat:
    """Return the format that checked values of the keys of a job, or of `as_json`, describe; None is the default."""
    size = written.get("image_size")
    sides = (size, size) if isinstance(size, int) else size
    return ImageFormat(
        size=None if sides is None else (int(sides[0]), int(sides[1])),
        resize=written.get("resize") or "pad",
        background=written.get("background") or "white",
    )
