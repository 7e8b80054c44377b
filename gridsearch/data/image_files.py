"""One image file: what it is, from its header, and its pixels as a job wants them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gridsearch.config.image_format import ImageFormat
from gridsearch.data.checks import Array
from gridsearch.data.scaling import scaled
from gridsearch.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image, Transpose

SUFFIXES = frozenset(
    {
        *(".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"),
        *(".tga", ".tif", ".tiff", ".webp"),
    }
)
GREY_MODES = frozenset({"1", "L"})
#: Modes with more than 8 bits a channel: their conversion would clip, not scale.
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
#: The tag of EXIF that says how the camera was held, and where 1 is upright; from 5 on height and width are exchanged.
ORIENTATION, UPRIGHT, ON_ITS_SIDE = 0x0112, 1, 5
#: Photographs with a preview or a second view of the same: no frames that follow each other.
_STILL = frozenset({"MPO"})


@dataclass(frozen=True)
class Header:
    """What an image file's header says.

    Attributes:
        size: (H, W), once the image is upright.
        grey: Whether it is grey.
        frames: The number of frames.
        grey_palette: Whether it counts as colour although all colours of its palette are grey.
    """

    size: tuple[int, int]
    grey: bool
    frames: int
    grey_palette: bool


def header_of(file: Path) -> Header:
    """Read the header of an image file.

    Raises:
        DataError: The file cannot be read, or has more than 8 bits a pixel.
    """
    with _opened(file) as image:
        if image.mode in DEEP_MODES:
            raise DataError(f"{file}: has more than 8 bits a pixel (mode {image.mode}); convert it to 8 beforehand")
        width, height = image.size
        size = (width, height) if _orientation(image) >= ON_ITS_SIDE else (height, width)
        frames = 1 if image.format in _STILL else int(getattr(image, "n_frames", 1))
        # Other palettes have always counted as colour, and what was trained on them is known by these pixels.
        grey_palette = image.mode == "P" and _has_grey_palette(image, exactly=image.format == "GIF")
        grey = image.mode in GREY_MODES or (grey_palette and image.format == "GIF")
        return Header(size, grey, frames, grey_palette and not grey)


@dataclass
class ImageReader:
    """Reads image files into arrays of one kind.

    Attributes:
        image_format: The colour behind transparent pixels, and the size to bring images to.
        grey: Whether arrays are (H, W) instead of (H, W, 3).
        done: Counts the images that were `transparent`, `turned`, and `flat` (transparent, and of one colour
            afterwards).
    """

    image_format: ImageFormat
    grey: bool
    done: Counter[str] = field(default_factory=Counter)

    def pixels(self, file: Path) -> Array:
        """Return the first frame of an image file, upright and opaque, uint8 (H, W) or (H, W, 3)."""
        with _opened(file) as image:
            try:
                turn = self._turns.get(_orientation(image))
                opaque = self._opaque(image).convert("L" if self.grey else "RGB")
                if turn is not None:
                    self.done["turned"] += 1
                    opaque = opaque.transpose(turn)
                return np.asarray(scaled(opaque, self.image_format))
            except Exception as error:
                raise _unreadable(file, error) from error

    def _opaque(self, image: Image) -> Image:
        """Return an image over the background, where it has transparent pixels."""
        if not image.has_transparency_data:
            return image
        layer = image.convert("RGBA")
        if _range_of(layer.getchannel("A"))[0] == 255:
            return image if image.mode in GREY_MODES else layer
        self.done["transparent"] += 1
        made = _over(layer, self.image_format.background)
        if _flat(made) and not _flat(_over(layer, "black" if self.image_format.background == "white" else "white")):
            self.done["flat"] += 1
        return made

    @cached_property
    def _turns(self) -> dict[int, Transpose]:
        """What brings an image of each orientation upright."""
        from PIL.Image import Transpose

        return {
            2: Transpose.FLIP_LEFT_RIGHT,
            3: Transpose.ROTATE_180,
            4: Transpose.FLIP_TOP_BOTTOM,
            5: Transpose.TRANSPOSE,
            6: Transpose.ROTATE_270,
            7: Transpose.TRANSVERSE,
            8: Transpose.ROTATE_90,
        }


def _has_grey_palette(image: Image, *, exactly: bool) -> bool:
    """Whether the colours of a palette are all grey; `exactly`: those that opaque pixels have, as others may be any."""
    found = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    if exactly:
        try:
            used = np.array(image.histogram()[: len(found)]) > 0
        except Exception as error:
            raise _unreadable(Path(str(getattr(image, "filename", ""))), error) from error
        if isinstance(clear := image.info.get("transparency"), int) and clear < len(used):
            used[clear] = False
        found = found[used]
    return bool((found == found[:, :1]).all())


def _over(layer: Image, background: str) -> Image:
    import PIL.Image

    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, background), layer).convert("RGB")


def _flat(image: Image) -> bool:
    return all(low == high for low, high in image.getextrema())  # type: ignore[misc]


def _range_of(channel: Image) -> tuple[int, int]:
    low, high = channel.getextrema()
    return int(low), int(high)  # type: ignore[arg-type]


def _orientation(image: Image) -> int:
    """Return how an image must be turned, as EXIF numbers it, from its header alone."""
    # Where a PNG's header has none, Pillow would decode the whole image in search of one behind it.
    if image.format == "PNG" and "exif" not in image.info:
        return UPRIGHT
    found = image.getexif().get(ORIENTATION, UPRIGHT)
    return found if isinstance(found, int) else UPRIGHT


def _opened(file: Path) -> Image:
    """Open an image file, reading its header only."""
    import PIL.Image

    try:
        return PIL.Image.open(file)
    except Exception as error:  # each of Pillow's decoders raises its own kinds on damaged bytes
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{file}: not a readable image ({reason}); replace the file or remove it")
