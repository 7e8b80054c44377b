"""The loss that compares outputs with targets: the same criterion for training, validation and test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn import functional

from gridsearch.config.losses import BCE, CROSS_ENTROPY
from gridsearch.models.seeding import random_states_kept

#: From outputs (n, K) and targets to the mean loss ().
Loss = Callable[[Tensor, Tensor], Tensor]
_OF_ELEMENTS: dict[str, Callable[..., Tensor]] = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
    BCE: functional.binary_cross_entropy_with_logits,
}


@dataclass(frozen=True)
class Criterion:
    """A loss by its name, and the call of a loss of the user's (`own`).

    mse, mae, huber (with a delta of 1) and bce, which takes logits, are means over all outputs of all examples.
    """

    name: str = CROSS_ENTROPY
    own: Loss | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the cross-entropy, which may have weights, smoothing and a gradient by hand."""
        return self.own is None and self.name == CROSS_ENTROPY

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss () of outputs (n, K); of a cross-entropy without weights and smoothing."""
        if self.own is not None:
            return self.own(outputs, targets)
        if self.name == CROSS_ENTROPY:
            return functional.cross_entropy(outputs, targets)
        return _OF_ELEMENTS[self.name](outputs, targets)

    def sums(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | int]:
        """Return the sums (M,) of the losses of n examples, and what they are to be divided by.

        Args:
            outputs: (M, n, K), one batch: of a loss of the user's, which says one number of it, n times that.
            targets: (n,) or (n, K).
            weights: Those of the classes (M, K).
        """
        models, count = outputs.shape[:2]
        if self.own is not None:
            return self._own_means(outputs, targets).double() * count, count
        if self.name == CROSS_ENTROPY:
            losses = functional.cross_entropy(outputs.flatten(0, 1), targets.repeat(models), reduction="none")
            losses = losses.view(models, -1)
            if weights is None:
                return losses.sum(1, dtype=torch.float64), count
            of_images = weights[:, targets]
            return (losses * of_images).sum(1, dtype=torch.float64), of_images.sum(1)
        losses = _OF_ELEMENTS[self.name](outputs, targets.expand_as(outputs), reduction="none")
        return losses.flatten(1).sum(1, dtype=torch.float64) / outputs.shape[2], count

    def _own_means(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return what the user's loss says of each model; what it draws is the same for each, and used up by none."""
        assert self.own is not None
        with random_states_kept():
            if len(outputs) == 1:
                return self.own(outputs[0], targets)[None]
            # Models are only together where `torch.func` has been proved to map their loss.
            return vmap(self.own, in_dims=(0, None), randomness="same")(outputs, targets)


#: The cross-entropy of the classes.
PLAIN = Criterion()
