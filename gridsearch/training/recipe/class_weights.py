"""The weights of classes in the cross-entropy, as `torch.nn.CrossEntropyLoss(weight=...)` has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gridsearch.config.losses import BALANCED, UNWEIGHTED
from gridsearch.config.trial import Recipe


def class_weights(recipe: Recipe, labels: Tensor, classes: int) -> Tensor | None:
    """Return the weights (K,) float64 of a recipe's classes, on the processor; None where none are asked for.

    Balanced, a class of n of the N training images has the weight N / (K n), as scikit-learn's
    `compute_class_weight` counts it; one without an image has none, which preflight refuses.

    Args:
        recipe: The recipe.
        labels: The classes (N,) of the training images.
        classes: K.
    """
    if recipe.class_weights == UNWEIGHTED:
        return None
    if recipe.class_weights == BALANCED:
        counts = torch.bincount(labels, minlength=classes).double().cpu()
        return len(labels) / (classes * counts)
    return torch.tensor(recipe.class_weights, dtype=torch.float64)


def stacked_weights(weights: Sequence[Tensor | None]) -> Tensor | None:
    """Return the weights (M, K) of M models, 1 for each class of those without; None where no model has any."""
    given = next((one for one in weights if one is not None), None)
    if given is None:
        return None
    return torch.stack([torch.ones_like(given) if one is None else one for one in weights])
