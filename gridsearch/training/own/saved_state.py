"""The states of a user's objects as named tensors, so that they can be kept without pickle: reading them runs no code.

An object's state is what `state_dict()` returns: dicts, lists, tuples, texts, bytes, numbers, true, false, null,
tensors and numpy arrays, in each other as deep as may be. What is no tensor becomes JSON, in a tensor of bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gridsearch.errors import TrialError

State = dict[str, Tensor]
_SKELETON = "skeleton"
#: How values that JSON does not have are marked: a list of a mark and what is needed to make them again.
_TENSOR, _ARRAY, _BYTES, _TUPLE, _DICT, _LIST, _NUMBER = "tensor", "array", "bytes", "tuple", "dict", "list", "number"
_FLOATS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def state_of(objects: Sequence[Any]) -> State:
    """Return the states of objects, in order; `TrialError` for what has none, or has one that cannot be kept."""
    tensors: State = {}
    skeleton = []
    for index, one in enumerate(objects):
        if not callable(getattr(one, "state_dict", None)) or not callable(getattr(one, "load_state_dict", None)):
            raise TrialError(
                f"save: {type(one).__name__} has no state_dict() and load_state_dict(); save models, optimizers and"
                " schedulers, or write a small class that has both"
            )
        skeleton.append(_taken(one.state_dict(), tensors, f"{index}"))
    text = json.dumps(skeleton, allow_nan=False).encode()
    return tensors | {_SKELETON: torch.frombuffer(bytearray(text), dtype=torch.uint8)}


def restore_state(state: Mapping[str, Tensor], objects: Sequence[Any]) -> None:
    """Give objects the states that `state_of` took of the same number of objects, in the same order."""
    skeleton = json.loads(state[_SKELETON].numpy().tobytes())
    if len(skeleton) != len(objects):
        raise TrialError(f"restore was given {len(objects)} objects, and {len(skeleton)} were saved; give the same")
    for one, kept in zip(objects, skeleton, strict=True):
        one.load_state_dict(_given(kept, state))


def _taken(value: Any, tensors: State, place: str) -> Any:
    """Return a value's part of the skeleton, and add its tensors."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else [_NUMBER, str(float(value))]
    if isinstance(value, Tensor):
        return [_TENSOR, _kept(_plain(value, place), tensors)]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return [_ARRAY, _kept(torch.from_numpy(np.ascontiguousarray(value).view(np.uint8).reshape(-1)), tensors),
                value.dtype.str, list(value.shape)]  # fmt: skip
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return _taken(value.item(), tensors, place)
    if isinstance(value, (bytes, bytearray)):
        held = torch.frombuffer(bytearray(value) or bytearray(1), dtype=torch.uint8)
        return [_BYTES, _kept(held, tensors), len(value)]
    if isinstance(value, Mapping):
        pairs = [[_taken(key, tensors, place), _taken(one, tensors, f"{place}.{key}")] for key, one in value.items()]
        return [_DICT, pairs]
    if isinstance(value, (list, tuple)):
        items = [_taken(one, tensors, f"{place}[{index}]") for index, one in enumerate(value)]
        return [_TUPLE if isinstance(value, tuple) else _LIST, items]
    raise TrialError(
        f"save: {place} of its state is of type {type(value).__name__}, which cannot be kept; a state_dict may hold"
        " tensors, arrays, numbers, texts, bytes, lists and dicts"
    )


def _plain(tensor: Tensor, place: str) -> Tensor:
    """Return a copy of a tensor as files have it: dense, in one piece, in main memory."""
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        what = "without data" if tensor.is_meta else "sparse or quantized"
        raise TrialError(f"save: {place} of its state is a tensor {what}, which cannot be kept; save it as a dense one")
    return tensor.detach().cpu().contiguous().clone()


def _kept(tensor: Tensor, tensors: State) -> str:
    name = str(len(tensors))
    tensors[name] = tensor
    return name


def _given(kept: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(kept, list):
        return kept
    mark, inner = kept[0], kept[1]
    if mark == _TENSOR:
        return tensors[inner]
    if mark == _ARRAY:
        return np.frombuffer(tensors[inner].numpy().tobytes(), dtype=kept[2]).reshape(kept[3]).copy()
    if mark == _BYTES:
        return tensors[inner].numpy().tobytes()[: kept[2]]
    if mark == _DICT:
        return {_given(key, tensors): _given(value, tensors) for key, value in inner}
    if mark == _NUMBER:
        return _FLOATS[inner]
    items = [_given(one, tensors) for one in inner]
    return tuple(items) if mark == _TUPLE else items


class GlobalGenerators:
    """The states of torch's, numpy's and Python's global generators, as an object to save and restore."""

    def state_dict(self) -> dict[str, Any]:
        """Return the states."""
        from gridsearch.models.seeding import RandomStates

        return dict(vars(RandomStates.now()))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the generators back."""
        from gridsearch.models.seeding import RandomStates

        RandomStates(**state).restore()
