"""A metric of the user's: a function of outputs and targets, or a class as torchmetrics has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridsearch.errors import ModelError
from gridsearch.models.source_code import fingerprint_of
from gridsearch.models.user_objects import found_of_the_user
from gridsearch.user_code import told

if TYPE_CHECKING:
    from torch import Tensor

#: Arguments of a class that are filled in: how many outputs a model has.
_OUTPUTS = ("num_classes", "num_labels", "num_outputs")


@dataclass(frozen=True)
class OwnMetric:
    """A metric by its name, `package.module:name`, with the fingerprint of its source (empty where it is installed)."""

    name: str
    code: str
    found: Callable[..., Any]

    def measure(self, outputs: Tensor, targets: Tensor) -> float:
        """Return the metric of outputs (n, K) and their targets.

        Raises:
            ModelError: It raises, or gives no number.
        """
        import torch

        try:
            with torch.no_grad():
                value = self._value(outputs, targets)
        except Exception as error:
            raise ModelError(f"metric {self.name!r} raises: {told(error)}") from error
        try:
            return float(value)
        except Exception:
            shape = getattr(value, "shape", None)
            kind = type(value).__name__ if shape is None else f"{type(value).__name__} of shape {tuple(shape)}"
            raise ModelError(f"metric {self.name!r} gives {kind}; it must give one number") from None

    def _value(self, outputs: Tensor, targets: Tensor) -> Any:
        if not inspect.isclass(self.found):
            return self.found(outputs, targets)
        taken = inspect.signature(self.found).parameters
        made: Any = self.found(**{key: outputs.shape[1] for key in _OUTPUTS if key in taken})
        if hasattr(made, "update") and hasattr(made, "compute"):
            made = made.to(outputs.device) if hasattr(made, "to") else made
            made.update(outputs, targets)
            return made.compute()
        return made(outputs, targets)


def find_metric(name: str, search: Sequence[Path] = ()) -> OwnMetric:
    """Return a metric by its name; its module may be in the folders `search`.

    Raises:
        ModelError: There is no such metric, or its module cannot be imported.
    """
    found, sources = found_of_the_user("metric", name, search)
    if not callable(found):
        own = name.rpartition(":")[2]
        raise ModelError(f"metric {name!r}: {own!r} is neither a function nor a class: metric(outputs, targets)")
    return OwnMetric(name, fingerprint_of(sources) if sources else "", found)
