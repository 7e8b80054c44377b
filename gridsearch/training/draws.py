"""Dropout whose probability is data and whose draws depend on seed and epoch alone, so that models can be stacked.

`torch.nn.Dropout` keeps its probability as a Python number, which a stack of models would have to share. The modules
here keep it in a buffer that is not saved, and compare it with uniform draws that do not depend on it: stacked models
with the same seed see the same draws as each would alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Dropout modules that drop elements, and those that drop whole channels.
_ELEMENTWISE = (nn.Dropout,)
_CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


class PortableDropout(nn.Module):
    """Drops elements, or with `channelwise` whole channels of (B, C, ...), with probability `p` while training."""

    p: Tensor

    def __init__(self, p: float, *, channelwise: bool) -> None:
        super().__init__()
        self.channelwise = channelwise
        self.register_buffer("p", torch.tensor(p), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with dropped parts zero and the rest scaled by 1 / (1 - p); unchanged in evaluation mode."""
        if not self.training:
            return x
        shape = (*x.shape[:2], *(1 for _ in x.shape[2:])) if self.channelwise else x.shape
        kept = torch.rand(shape, device=x.device, dtype=x.dtype) >= self.p
        scale = torch.where(self.p < 1, 1 / (1 - self.p), 0.0)
        return torch.where(kept, x * scale.to(x.dtype), torch.zeros((), device=x.device, dtype=x.dtype))


def make_portable(model: nn.Module) -> nn.Module:
    """Replace the model's own dropout modules, in place, and return it; classes derived from them stay as they are."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, (*_ELEMENTWISE, *_CHANNELWISE)) and type(child) in (*_ELEMENTWISE, *_CHANNELWISE):
                replacement = PortableDropout(child.p, channelwise=type(child) in _CHANNELWISE)
                setattr(parent, name, replacement.train(child.training))
    return model
