"""A job's data set as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dataset_text(reference: str, options: Mapping[str, Any]) -> str:
    """Return the data set with the arguments that it is made with.

    >>> dataset_text("torchvision:EMNIST", {"split": "letters"})
    'torchvision:EMNIST (split=letters)'
    """
    told = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{reference} ({told})" if told else reference
