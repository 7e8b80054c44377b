"""Trying the user's functions that a recipe names: what a schedule returns, and what a transform makes of examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gridsearch.engine.prepare.model_questions import Seen
from gridsearch.errors import ModelError
from gridsearch.models.examples import made_up
from gridsearch.models.functions import SCHEDULE, OwnFunction
from gridsearch.training.arrays import pixel_type
from gridsearch.training.recipe.own_augmentation import OwnAugmentation
from gridsearch.training.recipe.own_schedule import factors
from gridsearch.user_code import told

#: In how many epochs a schedule is looked at, and at how many steps of each.
_EPOCHS, _STEPS = 50, 4


def function_problem(
    function: OwnFunction, settings: Mapping[str, Any], seen: Seen, *, steps: int, epochs: float, precision: str
) -> str:
    """Return what is wrong with a function under settings, in words; nothing where nothing was found.

    Args:
        function: The function.
        settings: Its arguments that are settings.
        seen: What examples are; floats are tried in [0, 1].
        steps: The number of steps in an epoch.
        epochs: The number of epochs that a schedule is for.
        precision: The recipe's.
    """
    try:
        if function.kind == SCHEDULE:
            return _schedule_problem(function, settings, steps=steps, epochs=epochs)
        return _augment_problem(function, settings, seen, pixel_type(precision))
    except ModelError as error:
        return told(error)
    except Exception as error:
        return f"{function.kind} {function.name!r} raised {told(error)}"


def _schedule_problem(function: OwnFunction, settings: Mapping[str, Any], *, steps: int, epochs: float) -> str:
    last = max(1, int(epochs))
    some = sorted({round(place * (last - 1) / (_EPOCHS - 1)) for place in range(_EPOCHS)})
    within = sorted({round(place * (steps - 1) / (_STEPS - 1)) for place in range(_STEPS)})
    places = [epoch * steps + step for epoch in some for step in within]
    at = factors(function, settings, steps=steps, epochs=epochs)
    found = {place: at(place) for place in places}
    again = factors(function, settings, steps=steps, epochs=epochs)
    # In another order: what it returns may depend on its arguments alone.
    if other := next((place for place in reversed(places) if again(place) != found[place]), None):
        return (
            f"schedule {function.name!r} returned {found[other]:g} and then something else for epoch"
            f" {other // steps}, step {other}; it must be a function of its arguments alone"
        )
    return ""


def _augment_problem(function: OwnFunction, settings: Mapping[str, Any], seen: Seen, dtype: torch.dtype) -> str:
    examples = made_up(2, seen.image_shape, seen.whole)
    if examples.is_floating_point():
        examples = torch.rand(examples.shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    made = [OwnAugmentation(function, settings, image_shape=seen.image_shape, seed=1) for _ in range(2)]
    one, other = (augment(examples) for augment in made)
    if not torch.equal(one.nan_to_num(), other.nan_to_num()):
        return (
            f"augment {function.name!r} makes something else of the same images each time; its draws must come from"
            " torch's, numpy's or Python's global generator, which are seeded"
        )
    return ""
