"""What a model must give, one row of K logits for each image, and what it must leave alone."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from gridsearch.errors import ModelError
from gridsearch.quantities import counted


def check_logits(output: Any, images: int, classes: int) -> None:
    """Raise `ModelError` unless a model's output for so many images is logits (images, classes)."""
    wanted = (images, classes)
    if not isinstance(output, Tensor) or tuple(output.shape) != wanted:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        of = counted(images, "image")
        raise ModelError(f"the model gives {got} for {of}; it must give logits of shape {wanted}")


def checked_logits(model: nn.Module, images: Tensor, classes: int) -> Tensor:
    """Return a model's logits for a copy of some images; `ModelError` when it changes its input or gives others."""
    own = images.clone()
    version = own._version
    logits: Tensor = model(own)
    if own._version != version:
        raise ModelError("the model's forward changes its input in place; other trials are trained on the same images")
    check_logits(logits, len(images), classes)
    return logits
