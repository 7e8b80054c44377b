"""What a model must give: one row of K logits for each image."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gridsearch.errors import ModelError


def check_logits(output: Any, images: int, classes: int) -> None:
    """Raise `ModelError` unless a model's output for so many images is logits (images, classes)."""
    wanted = (images, classes)
    if not isinstance(output, Tensor) or tuple(output.shape) != wanted:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ModelError(f"the model gives {got} for {images} images; it must give logits of shape {wanted}")
