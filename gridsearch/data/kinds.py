"""What the examples of a data set are, told by the type and the shape of their array: pixels, or numbers as given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: The numbers of dimensions of an array of images: (N, H, W) and (N, H, W, C).
_IMAGE_DIMENSIONS = (3, 4)


def are_pixels(examples: npt.NDArray[Any]) -> bool:
    """Whether examples are images of bytes, uint8 (N, H, W) or (N, H, W, C), which models see as floats in [0, 1].

    >>> [are_pixels(np.zeros(shape, np.uint8)) for shape in ((2, 8, 8), (2, 64))]
    [True, False]
    """
    return examples.dtype == np.uint8 and examples.ndim in _IMAGE_DIMENSIONS


def are_whole(examples: npt.NDArray[Any]) -> bool:
    """Whether examples are whole numbers as given, of any integer type: models see them as int64."""
    return examples.dtype.kind in "iu" and not are_pixels(examples)


def values_text(examples: npt.NDArray[Any], values: tuple[float, float]) -> str:
    """Return the type of examples and their `values`, the lowest and the highest, in words.

    >>> values_text(np.zeros((2, 3), np.float32), (-1.5, 20.0))
    'float32 from -1.5 to 20'
    """
    low, high = values
    span = f"{low} to {high}" if are_whole(examples) else f"{low:.4g} to {high:.4g}"
    return f"{examples.dtype.name} from {span}"
