"""The multiplications of operations that torch's own counter leaves out, by the shapes of their arguments.

Each function returns floating-point operations, two for a multiply-add, as that counter does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch

Shape = Sequence[int]


def _trilinear(one: Shape, two: Shape, three: Shape, *places: Any, out_shape: Any = None) -> int:
    """`nn.Bilinear`: each weight once for each row; `places` are where each argument gets an axis of length one."""
    full: list[list[int]] = []
    for shape, expanded in zip((one, two, three), places[:3], strict=True):
        axes = list(shape)
        for axis in sorted(expanded):
            axes.insert(axis, 1)
        full.append(axes)
    return 2 * prod(int(max(axis)) for axis in zip(*full, strict=True))


def _vector(matrix: Shape, vector: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return 2 * prod(matrix)


def _added_vector(added: Shape, matrix: Shape, vector: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return 2 * prod(matrix)


def _added_products(added: Shape, one: Shape, two: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return 2 * prod(one) * two[-1]


def _recurrent(images: Shape, of_input: Shape, of_state: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    """One layer and direction of an LSTM on the CPU: both its weights once for each step of each sequence."""
    return 2 * prod(images[:-1]) * (prod(of_input) + prod(of_state))


def _distances(one: Shape, two: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return 2 * prod(one) * two[-2]


_aten = torch.ops.aten
#: What torch's `FlopCounterMode` takes as its `custom_mapping`.
LEFT_OUT: dict[Any, Callable[..., int]] = {
    _aten._trilinear: _trilinear,
    _aten.mv: _vector,
    _aten.dot: _vector,
    _aten.addmv: _added_vector,
    _aten.addbmm: _added_products,
    _aten.mkldnn_rnn_layer: _recurrent,
    _aten._cdist_forward: _distances,
}
