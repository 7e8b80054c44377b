"""A schedule of the user's: a pure function that returns the share of the learning rate at a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gridsearch.errors import ModelError
from gridsearch.models.functions import OwnFunction

#: From how many steps were made before, the factor of the learning rate.
Factor = Callable[[int], float]


def factors(function: OwnFunction, settings: Mapping[str, Any], *, steps: int, epochs: float) -> Factor:
    """Return what gives the factor of the learning rate at each step, the first being 0.

    The function is given `epoch` and `step`, both from 0 as by `torch.optim.lr_scheduler.LambdaLR`, `step` over the
    whole training. One that takes no `step` is called once for each epoch.

    Args:
        function: The user's.
        settings: Its other arguments.
        steps: The number of steps in an epoch.
        epochs: The number of epochs that it is for.
    """
    whole = int(epochs) if float(epochs).is_integer() else epochs
    known = {"steps_per_epoch": steps, "epochs": whole}
    fixed = function.fitted(settings) | {key: value for key, value in known.items() if key in function.given}
    of_epochs: dict[int, float] = {}

    def at(step: int) -> float:
        epoch = step // steps
        if "step" not in function.given:
            if epoch not in of_epochs:
                of_epochs[epoch] = _checked(function, function.call(epoch=epoch, **fixed), f"epoch {epoch}")
            return of_epochs[epoch]
        place = {"epoch": epoch, "step": step}
        own = {key: value for key, value in place.items() if key in function.given}
        return _checked(function, function.call(**own, **fixed), f"epoch {epoch}, step {step}")

    return at


def _checked(function: OwnFunction, returned: Any, place: str) -> float:
    number = math.nan
    if not isinstance(returned, (str, bytes, bool)):
        try:
            number = float(returned)
        except (TypeError, ValueError):
            number = math.nan
    if math.isfinite(number) and number >= 0:
        return number
    shown = repr(returned)
    raise ModelError(
        f"schedule {function.name!r} returned {shown if len(shown) <= 60 else type(returned).__name__} for {place}; it"
        " must return a factor of the learning rate, a finite number of at least 0"
    )
