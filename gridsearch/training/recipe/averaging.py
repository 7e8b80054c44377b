"""The exponential moving average of weights (`ema`): what is validated and kept, while training goes on without it.

As `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn`: after the first step the average is the weights,
after each later one `decay` of what it was and the rest of the weights. Buffers are not averaged; beside the averaged
weights stand those of the training. See https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from gridsearch.config.trial import Recipe
from gridsearch.training.recipe.optimizers import Coefficient, Spread, Tensors


class Average:
    """The averages of parameters, in their order; `values` are those to go on from, at first the parameters' own."""

    def __init__(self, parameters: Tensors, taken: Coefficient) -> None:
        self.values = [parameter.detach().clone() for parameter in parameters]
        self._taken = taken

    @torch.no_grad()
    def follow(self, parameters: Tensors, steps: int) -> None:
        """Take in the parameters after a step, the how manieth of the training `steps` says."""
        if steps <= 1:
            torch._foreach_copy_(self.values, parameters)
        else:
            torch._foreach_lerp_(self.values, parameters, self._taken)

    @contextmanager
    def in_place_of(self, parameters: Tensors) -> Iterator[None]:
        """Have the parameters be their averages within."""
        with torch.no_grad():
            kept = [parameter.clone() for parameter in parameters]
            torch._foreach_copy_(parameters, self.values)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(parameters, kept)


def make_average(recipes: Sequence[Recipe], parameters: Tensors, spread: Spread) -> Average | None:
    """Return the average of the parameters of these recipes' models, which all have one or none; None for none."""
    if not recipes[0].ema:
        return None
    decays = [recipe.ema for recipe in recipes]
    taken = [1 - decay for decay in decays]
    return Average(parameters, taken[0] if len(set(decays)) == 1 else spread(taken))
