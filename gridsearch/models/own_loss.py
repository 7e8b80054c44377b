"""A loss of the user's: a class, such as a `torch.nn.Module`, whose instances are called with outputs and targets, or a
function; what it takes beside these are its settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridsearch.errors import ModelError
from gridsearch.models.registry import (
    ModelClass,
    described,
    settings_text,
)
from gridsearch.models.user_objects import found_of_the_user
from gridsearch.user_code import told

if TYPE_CHECKING:
    from torch import Tensor

#: What a function is called with; its other arguments are settings.
_GIVEN = 2


def find_loss(name: str, search: Sequence[Path] = ()) -> ModelClass:
    """Return what is known of a loss by its name, `package.module:Name`; its module may be in the folders `search`.

    Raises:
        ModelError: There is no such loss, or its module cannot be imported.
    """
    found, sources = found_of_the_user("loss", name, search)
    if not callable(found) or (not inspect.isclass(found) and not inspect.isfunction(found)):
        own = name.rpartition(":")[2]
        raise ModelError(f"loss {name!r}: {own!r} is neither a class nor a function: loss(outputs, targets)")
    given = 0 if inspect.isclass(found) else _GIVEN
    return described(name, found, sources=sources, what="loss", given=given)


def build_loss(loss: ModelClass, hyper: Mapping[str, Any], *, num_classes: int) -> CheckedLoss:
    """Return a loss with its settings, to be called with outputs (n, K) and targets.

    Raises:
        ModelError: It cannot be built, has parameters of its own, or gives, when it is called, no scalar.
    """
    from torch import nn

    arguments: dict[str, Any] = {"num_classes": num_classes} if "num_classes" in loss.data_arguments else {}
    arguments |= {key: loss.takes(key).fitted(value) for key, value in hyper.items()}
    if not inspect.isclass(loss.build):
        return CheckedLoss(loss.name, partial(loss.build, **arguments))
    try:
        made = loss.build(**arguments)
    except Exception as error:
        raise ModelError(
            f"loss {loss.name!r} cannot be built with {settings_text(hyper)}: {told(error)}{loss.others_text(hyper)}"
        ) from error
    if not callable(made):
        raise ModelError(f"loss {loss.name!r}: its instances cannot be called: write __call__ or, of a Module, forward")
    if isinstance(made, nn.Module) and any(True for _ in made.parameters()):
        raise ModelError(f"loss {loss.name!r} has parameters, which nothing would train: keep them in the model")
    return CheckedLoss(loss.name, made)


class CheckedLoss:
    """A loss that is held to its word: one number for a batch."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name, self.call = name, call

    def to(self, *where: Any) -> CheckedLoss:
        """Return the loss, its buffers on a device and of a type."""
        from torch import nn

        return CheckedLoss(self.name, self.call.to(*where)) if isinstance(self.call, nn.Module) else self

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss (); `ModelError` where it is none."""
        from torch import Tensor

        found = self.call(outputs, targets)
        if not isinstance(found, Tensor):
            raise ModelError(f"loss {self.name!r} gives {type(found).__name__}; it must give a tensor of one number")
        if found.dim():
            raise ModelError(
                f"loss {self.name!r} gives a tensor of shape {tuple(found.shape)}; it must give one number, the mean"
                " over the examples: end it with .mean()"
            )
        return found
