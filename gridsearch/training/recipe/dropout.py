"""Dropout whose probability is data and whose draws depend on seed and epoch alone, so that models can be stacked.

`torch.nn.Dropout` keeps its probability as a Python number, which a stack of models would have to share. Here a model's
dropout modules become instances of subclasses which keep it in a buffer that is not saved, and which compare it with
uniform draws that do not depend on it: stacked models with the same seed see the same draws as each would alone. For
all else they are what they were: `isinstance` finds them, `p` is read and set, `inplace` works in place.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Portable(nn.Module):
    """What the subclasses share; `probability` () float64 is the buffer that holds `p`."""

    probability: Tensor
    inplace: bool

    @property
    def p(self) -> float:
        """Return the probability."""
        return float(self.probability)

    @p.setter
    def p(self, value: float) -> None:
        self.probability.fill_(value)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with dropped parts zero and the rest scaled by 1 / (1 - p); unchanged in evaluation mode."""
        if not self.training:
            return x
        # Always in float32: with bfloat16's 256 steps, a probability of 0.01 would be 0.012.
        kept = torch.rand(self._drawn(x), device=x.device, dtype=torch.float32) >= self.probability.float()
        scale = torch.where(self.probability < 1, 1 / (1 - self.probability), 0.0)
        factors = kept.to(x.dtype) * scale.to(x.dtype)
        return x.mul_(factors) if self.inplace else x * factors

    def _drawn(self, x: Tensor) -> tuple[int, ...]:
        """Return the shape of what is drawn for `x`: one number for each part that is dropped as a whole."""
        return tuple(x.shape)


def _channels(x: Tensor, unbatched: int | None) -> tuple[int, ...]:
    """Return the shape (B, C, 1, ...) for `x` (B, C, ...), or (C, 1, ...) where it has the dimensions of one image."""
    leading = 1 if x.dim() == unbatched else 2
    return (*x.shape[:leading], *(1 for _ in x.shape[leading:]))


class Dropout(_Portable, nn.Dropout):
    """Drops elements."""


class Dropout1d(_Portable, nn.Dropout1d):
    """Drops channels of (B, C, L) or (C, L)."""

    def _drawn(self, x: Tensor) -> tuple[int, ...]:
        if x.dim() not in (2, 3):
            nn.functional.dropout1d(x, 0.0)  # raises as torch does
        return _channels(x, unbatched=2)


class Dropout2d(_Portable, nn.Dropout2d):
    """Drops channels of (B, C, H, W)."""

    def _drawn(self, x: Tensor) -> tuple[int, ...]:
        return _channels(x, unbatched=None)  # torch, too, takes three dimensions for (B, C, L)


class Dropout3d(_Portable, nn.Dropout3d):
    """Drops channels of (B, C, D, H, W) or (C, D, H, W)."""

    def _drawn(self, x: Tensor) -> tuple[int, ...]:
        # As in torch, anything that is not (B, C, D, H, W) is taken for one image.
        return _channels(x, unbatched=None if x.dim() == 5 else x.dim())


_PORTABLE: dict[type[nn.Module], type[_Portable]] = {
    nn.Dropout: Dropout,
    nn.Dropout1d: Dropout1d,
    nn.Dropout2d: Dropout2d,
    nn.Dropout3d: Dropout3d,
}


def is_portable(module: nn.Module) -> bool:
    """Whether a module is one of the dropout modules that `make_portable` leaves behind."""
    return isinstance(module, _Portable)


def make_portable(model: nn.Module) -> nn.Module:
    """Make the model's own dropout modules portable, in place, and return it; subclasses of users stay as they are."""
    for module in model.modules():
        if portable := _PORTABLE.get(type(module)):
            attributes: dict[str, Any] = vars(module)
            probability = attributes.pop("p")
            module.__class__ = portable
            module.register_buffer("probability", torch.tensor(probability, dtype=torch.float64), persistent=False)
    return model
