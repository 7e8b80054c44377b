"""Which models can be one stack: those of equal structure, whatever their weights are.

A stack runs the forward of one of its models with the tensors of all. So everything else a forward may look at, every
attribute of every module, must be equal; a model with anything that cannot be compared is stacked with none.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

_TENSORS = {"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size)


class _Incomparable(Exception):
    """Something was met of which nothing says when it acts alike."""


def structure_of(model: nn.Module) -> Hashable | None:
    """Return a value that is equal for models that can be stacked, or None for a model that cannot be."""
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    saved = {name for name, _ in tensors} - _unsaved(model)
    shared = len({id(tensor) for _, tensor in tensors}) < len(tensors) or _overlap([tensor for _, tensor in tensors])
    complex_numbers = any(tensor.is_complex() for _, tensor in tensors)
    hooked = any(tensor._backward_hooks or tensor._post_accumulate_grad_hooks for _, tensor in tensors)
    if shared or hooked or complex_numbers or set(model.state_dict()) != saved:
        return None
    try:
        return tuple((name, _module(module)) for name, module in model.named_modules())
    except _Incomparable:
        return None


def _overlap(tensors: Sequence[Tensor]) -> bool:
    """Whether any two tensors have memory in common, as a transposed or detached view of another has."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for tensor in tensors:
        if not tensor.numel() or tensor.layout != torch.strided:
            continue
        start = int(tensor.storage_offset()) * tensor.element_size()
        reach = sum((int(size) - 1) * int(step) for size, step in zip(tensor.shape, tensor.stride(), strict=True))
        spans.setdefault(tensor.untyped_storage()._cdata, []).append(
            (start, start + (reach + 1) * tensor.element_size())
        )
    return any(later[0] < before[1] for found in spans.values() for before, later in pairwise(sorted(found)))


def _unsaved(model: nn.Module) -> set[str]:
    return {
        f"{path}.{name}" if path else name
        for path, module in model.named_modules()
        for name in module._non_persistent_buffers_set
    }


def _module(module: nn.Module) -> Hashable:
    if any(getattr(module, hooks, None) for hooks in _HOOKS):
        raise _Incomparable
    own = {key: value for key, value in vars(module).items() if key not in _TENSORS}
    return (
        type(module),
        tuple((name, _shape(parameter)) for name, parameter in module._parameters.items()),
        tuple((name, _shape(buffer)) for name, buffer in module._buffers.items()),
        _frozen(own),
    )


def _shape(tensor: Tensor | None) -> Hashable:
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype, tensor.requires_grad)


def _frozen(value: Any) -> Hashable:
    """Return something hashable that is equal only for values that act alike."""
    if isinstance(value, _PLAIN):
        return (type(value), value)
    if isinstance(value, dict):
        return tuple((_frozen(key), _frozen(item)) for key, item in value.items())
    if type(value) in (list, tuple):
        return (type(value), *map(_frozen, value))
    if type(value) in (set, frozenset):
        return (type(value), frozenset(map(_frozen, value)))
    if isinstance(value, (type, BuiltinFunctionType)):
        return value
    if isinstance(value, FunctionType) and not value.__closure__:
        defaults = (_frozen(value.__defaults__), _frozen(value.__kwdefaults__))
        return (value.__module__, value.__qualname__, value.__code__, *defaults)
    raise _Incomparable
