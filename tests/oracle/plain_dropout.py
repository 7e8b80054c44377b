"""Dropout with the draws that the documentation promises, written by hand: the one thing that is not torch's own.

`torch.nn.Dropout` draws in a way of its own that nothing documents. The draws of a trial are `torch.rand` of the shape
that is dropped, and what is below `p` is dropped; which shape that is, is as `torch.nn` documents it.
"""

from __future__ import annotations

import types

import torch
from torch import Tensor, nn

#: Of those that drop whole channels: the number of dimensions of a batch of what they are for.
_BATCHED = {nn.Dropout1d: 3, nn.Dropout3d: 5}


def documented_dropout(model: nn.Module) -> nn.Module:
    """Have the model's own dropout modules, which stay what they are, draw as documented; return the model."""
    for module in model.modules():
        if type(module) in (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d):
            module.forward = types.MethodType(_forward, module)
    return model


def _forward(module: nn.Dropout, x: Tensor) -> Tensor:
    if not module.training:
        return x
    kept = torch.rand(_shape(module, x), device=x.device) >= module.p
    factor = kept.to(x.dtype) * (1 / (1 - module.p) if module.p < 1 else 0.0)
    return x.mul_(factor) if module.inplace else x * factor


def _shape(module: nn.Module, x: Tensor) -> tuple[int, ...]:
    """Return the shape that broadcasts over what is dropped together."""
    if type(module) is nn.Dropout:
        return tuple(x.shape)
    # torch takes one dimension less for a single image, whose channels come first; Dropout2d takes (N, C, L).
    alone = type(module) in _BATCHED and x.dim() < _BATCHED[type(module)]
    kept = 1 if alone else 2
    return tuple(x.shape[:kept]) + (1,) * (x.dim() - kept)
