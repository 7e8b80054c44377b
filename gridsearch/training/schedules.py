"""Learning-rate schedules: pure functions of the recipe and the epoch."""

from __future__ import annotations

import math

from gridsearch.spec.trial import Recipe


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """Return the learning rate of an epoch, the first being 1.

    "step" multiplies by `gamma` after every `step_size` epochs; "cosine" falls from the full rate along half a cosine
    over the trial's epochs (Loshchilov and Hutter, 2017, without restarts), stepping once an epoch.
    """
    if recipe.schedule == "step":
        return recipe.learning_rate * recipe.gamma ** ((epoch - 1) // recipe.step_size)
    if recipe.schedule == "cosine":
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / recipe.epochs))
    return recipe.learning_rate
