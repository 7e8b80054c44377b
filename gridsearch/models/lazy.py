"""Lazy modules (`nn.LazyLinear` and the like), whose parameters get their shapes from the first images they see."""

from __future__ import annotations

from itertools import chain

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from gridsearch.errors import ModelError
from gridsearch.models.examples import Whole, made_up
from gridsearch.models.modes import in_mode

#: Images that a model is run on; more than one, because some normalisations need them.
_IMAGES = 2


def materialize(model: nn.Module, image_shape: tuple[int, ...], whole: Whole = None) -> None:
    """Give a model's lazy parameters their shapes and first values, by running it on two images of zeros.

    It is run in evaluation mode, where it lies; values are drawn from torch's global generator in the order in which
    the modules are called. A model without lazy parameters is left alone. `ModelError` when a lazy module is not
    called; raises whatever the model raises.
    """
    if not _lazy(model):
        return
    modes = {module: module.training for module in model.modules()}
    known = (tensor.device for tensor in chain(model.parameters(), model.buffers()))
    try:
        with torch.no_grad():
            in_mode(model, training=False)(made_up(_IMAGES, image_shape, whole, device=next(known)))
    finally:
        for module, training in modes.items():
            module.training = training
    if left := _lazy(model):
        raise ModelError(
            f"its lazy module {left[0].rpartition('.')[0]!r} is not called when the model is evaluated, so its shape"
            f" is unknown; give it its sizes in the constructor"
        )


def _lazy(model: nn.Module) -> list[str]:
    """Return the names of the parameters and buffers that have no shape yet."""
    return [name for name, tensor in chain(model.named_parameters(), model.named_buffers()) if is_lazy(tensor)]
