"""What a model costs, counted without training it: on torch's `meta` device, which computes shapes and no numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

#: Images of the trial batch; more than one, because batch normalisation needs them.
_IMAGES = 2


@dataclass(frozen=True)
class Profile:
    """A model's size: `parameters` counts numbers, `flops` and `saved_bytes` are for one image.

    `flops` are those of matrix products and convolutions in the forward pass, a multiplication and an addition
    counting as two; `saved_bytes` is what the forward pass keeps for the backward pass.
    """

    parameters: int
    flops: float
    saved_bytes: float


def profile_of(model: nn.Module, image_shape: tuple[int, int, int]) -> Profile:
    """Return the profile of a model on the `meta` device; one that cannot run there counts by its parameters alone."""
    from torch.utils.flop_counter import FlopCounterMode

    parameters = sum(parameter.numel() for parameter in model.parameters())
    saved = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal saved
        saved += tensor.numel() * tensor.element_size() if tensor.shape[:1] == (_IMAGES,) else 0
        return tensor

    counter = FlopCounterMode(display=False)
    try:
        with torch.random.fork_rng(devices=[]), counter, saved_tensors_hooks(keep, lambda tensor: tensor):
            # Evaluating: what a user's model does while training is for the workers to find out.
            model.eval()(torch.zeros(_IMAGES, *image_shape, device="meta"))
    except Exception:  # whatever cannot run without numbers is still trained
        return Profile(parameters, 2.0 * parameters, 4.0 * parameters)
    return Profile(parameters, counter.get_total_flops() / _IMAGES, saved / _IMAGES)
