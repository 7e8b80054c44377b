"""What a training of the user's own may report: metrics by name, each one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridsearch.config.metrics import why_no_name
from gridsearch.errors import TrialError


def checked_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as plain numbers, which may be NaN or infinite.

    Taken are numbers, true and false, and whatever holds one number: a tensor or an array of one element.

    Raises:
        TrialError: A name is no metric's, or a value is not one number.
    """
    return {str(name): _number(name, value) for name, value in metrics.items()}


def _number(name: object, value: Any) -> float:
    if said := why_no_name(name):
        raise TrialError(said)
    if hasattr(value, "item") and not isinstance(value, (int, float)):
        try:
            value = value.item()
        except (ValueError, RuntimeError, TypeError):
            shape = tuple(getattr(value, "shape", ()))
            raise TrialError(f"metric {name!r} has the shape {shape}; give one number, such as its mean") from None
    if not isinstance(value, (int, float)):
        raise TrialError(f"metric {name!r} is {_kind(value)}; give a number, or leave it out of this report")
    try:
        return float(value)
    except OverflowError:
        raise TrialError(f"metric {name!r} is a whole number beyond the largest float") from None


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
