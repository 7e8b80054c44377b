"""Where a layer is active, laid over the image that it looks at."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image
from plotly.colors import sample_colorscale

from gridsearch.visualization.pictures import Pixels

_SCALE = "Inferno"
_SHOWN_PX = 128
#: How much of the image shows where the layer is most active.
_CLEAREST = 0.25


def overlay(image: Pixels, activity: npt.NDArray[np.float32]) -> Pixels:
    """Lay an activation map over an image.

    Args:
        image: uint8 (H, W) or (H, W, C).
        activity: (H', W') in [0, 1]; it is scaled to the image smoothly.

    Returns:
        uint8 (h, w, 3), enlarged by a whole factor if the image is small: the image in grey, and in colour how active
        each place is; the more active, the less of the image shows.
    """
    height, width = image.shape[:2]
    factor = max(1, math.ceil(_SHOWN_PX / max(height, width)))
    size = (width * factor, height * factor)
    below = _grey(image).resize(size, Image.Resampling.NEAREST)
    spread = Image.fromarray(activity.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(spread, np.float32), 0, 1)
    color = _colors()[np.round(share * 255).astype(np.int64)]
    weight = (share * (1 - _CLEAREST))[..., None]
    mixed = np.asarray(below, np.float32)[..., None] * (1 - weight) + color * weight
    return np.asarray(np.round(mixed), np.uint8)


def _grey(image: Pixels) -> Image.Image:
    if image.ndim == 3 and image.shape[2] >= 3:
        return Image.fromarray(np.ascontiguousarray(image[..., :3])).convert("L")
    return Image.fromarray(np.ascontiguousarray(image if image.ndim == 2 else image[..., 0]))


@cache
def _colors() -> npt.NDArray[np.float32]:
    """Return 256 colours (256, 3) from not active to most active."""
    shades = sample_colorscale(_SCALE, [step / 255 for step in range(256)], colortype="tuple")
    return np.array(shades, np.float32) * 255
