"""Training and evaluation mode of a model whose class may have its own `train`."""

from __future__ import annotations

from torch import nn


def in_mode(model: nn.Module, *, training: bool) -> nn.Module:
    """Return the model itself, put into a mode; torch's own `train` returns it, a class's own may return nothing."""
    model.train(training)
    return model
