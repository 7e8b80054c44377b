"""What a model costs, counted without training it: on torch's `meta` device, which computes shapes and no numbers."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from gridsearch.config.events import ModelSize
from gridsearch.errors import one_line
from gridsearch.models.examples import Whole
from gridsearch.models.layers import IMAGES, layer_table
from gridsearch.training.loop.evaluation import images_evaluated
from gridsearch.training.strategies.stacked import IMAGES_AT_ONCE

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Profile:
    """A model's size, None where it cannot be counted, and what the forward pass keeps of one image for the backward.

    `parameters` counts numbers whether or not the rest could be counted. `evaluation_bytes` are those of the largest
    layer for the images that a model is given at once where it is evaluated, `stack_bytes` for those that all models of
    a stack are given at once.
    """

    size: ModelSize | None
    parameters: int
    saved_bytes: float
    evaluation_bytes: float = 0.0
    stack_bytes: float = 0.0

    @property
    def flops(self) -> float:
        """Return the operations of the forward pass for one image: two for each multiply-add."""
        return 2.0 * (self.size.macs if self.size else self.parameters)


def profile_of(model: nn.Module, image_shape: tuple[int, ...], whole: Whole = None) -> Profile:
    """Return the profile of a model on the `meta` device; one that cannot run there counts by its parameters alone."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    saved: dict[int, int] = {}
    largest: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        images = tensor.shape[0] if tensor.dim() else 0
        size = tensor.numel() * tensor.element_size()
        saved[images] = saved.get(images, 0) + size
        largest[images] = max(largest.get(images, 0), size)
        return tensor

    try:
        with saved_tensors_hooks(keep, lambda tensor: tensor):
            # Evaluating: what a user's model does while training is for the workers to find out.
            table = layer_table(model, image_shape, whole)
    except Exception as error:  # whatever cannot run without numbers is still trained
        _log.info("%s is not counted, its memory is guessed: %s", type(model).__name__, one_line(error))
        return Profile(None, parameters, 4.0 * parameters)
    of_layer = largest.get(IMAGES, 0) / IMAGES
    return Profile(
        ModelSize(table.parameters, table.macs),
        table.parameters,
        saved.get(IMAGES, 0) / IMAGES,
        of_layer * images_evaluated(image_shape),
        of_layer * IMAGES_AT_ONCE,
    )
