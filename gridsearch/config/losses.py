"""What a job may minimise: the losses of ours by name, a loss of the user's, and the weights of classes in it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from gridsearch.config.habits import module_path
from gridsearch.errors import closest

CROSS_ENTROPY, BCE = "cross_entropy", "bce"
#: The losses whose targets are numbers to predict.
OF_NUMBERS = ("mse", "mae", "huber")
LOSSES = (CROSS_ENTROPY, *OF_NUMBERS, BCE)
#: What the keyword arguments of a user's loss are called as settings: `loss_gamma` is the `gamma` of the loss.
PREFIX = "loss_"
#: Weights of classes that are counted, and none.
BALANCED: Literal["balanced"] = "balanced"
UNWEIGHTED: Literal["none"] = "none"
_OWN = re.compile(r"[^\W\d]\w*(\.\w+)*:[^\W\d]\w*")
#: Losses as others call them.
_OTHERS = {
    "ce crossentropy crossentropyloss categorical_crossentropy nll nllloss": CROSS_ENTROPY,
    "mseloss mean_squared_error l2 l2_loss squared_error rmse": "mse",
    "l1 l1loss l1_loss mean_absolute_error absolute_error": "mae",
    "huberloss huber_loss smooth_l1 smoothl1loss smooth_l1_loss": "huber",
    "bceloss bcewithlogitsloss bce_with_logits binary_crossentropy binary_cross_entropy": BCE,
}
_MEANT = {word: name for words, name in _OTHERS.items() for word in words.split()}


def is_own(loss: str) -> bool:
    """Whether a loss is the user's: `package.module:Class`, or a function.

    >>> [is_own(loss) for loss in ("mse", "my_losses:Focal")]
    [False, True]
    """
    return ":" in loss


def checked_loss(written: str) -> str:
    """Return a loss by its name, or as `package.module:Name`; `ValueError` with what may have been meant."""
    name = module_path(written, "loss")
    if name in LOSSES or _OWN.fullmatch(name):
        return name
    meant = _MEANT.get(name.lower()) or closest(name, LOSSES)
    hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(LOSSES)}, and your own, as my_losses:Focal"
    raise ValueError(f"there is no loss {written!r}; {hint}")


def _checked_weights(written: Any) -> Any:
    if isinstance(written, str) and written in (BALANCED, UNWEIGHTED):
        return written
    if not isinstance(written, (list, tuple)):
        raise ValueError(f"must be {BALANCED}, {UNWEIGHTED}, or a list with a weight for each class, such as [1, 2.5]")
    for weight in written:
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise ValueError(f"a weight is a number, not {weight!r}")
        if not 0 <= weight < float("inf"):
            raise ValueError(f"the weight {weight} is {'negative' if weight < 0 else 'not finite'}; give 0 or more")
    if not any(written):
        raise ValueError("all weights are 0, so nothing would be learned")
    return [float(weight) for weight in written]


LossName = Annotated[
    str,
    AfterValidator(checked_loss),
    WithJsonSchema({"anyOf": [{"enum": list(LOSSES)}, {"type": "string", "pattern": "^[\\w.]+:\\w+$"}]}),
]
_WEIGHTS_SCHEMA = {
    "anyOf": [
        {"enum": [UNWEIGHTED, BALANCED]},
        {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 2},
    ]
}
ClassWeights = Annotated[
    Literal["none", "balanced"] | list[float], BeforeValidator(_checked_weights), WithJsonSchema(_WEIGHTS_SCHEMA)
]


def one_list(written: Any) -> Any:
    """Return what is written for the weights of classes as an axis: numbers alone are one value, a list.

    >>> one_list([1, 2.5]), one_list(["none", "balanced"])
    ([[1, 2.5]], ['none', 'balanced'])
    """
    numbers = isinstance(written, list) and len(written) > 1
    plain = numbers and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in written)
    return [written] if plain else written
