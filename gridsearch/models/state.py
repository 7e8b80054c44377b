"""What of a model goes into checkpoints and comes back: its state dict, which must be tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _EXTRA_STATE_KEY_SUFFIX

from gridsearch.errors import ModelError
from gridsearch.user_code import told


def give_memory(model: nn.Module) -> None:
    """Give tensors that were expanded, of which several elements are one in memory, a memory of their own.

    Nothing can be loaded into them else.
    """
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.layout == torch.strided and any(
            size > 1 and not step for size, step in zip(tensor.shape, tensor.stride(), strict=True)
        ):
            tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)


def check_state(model: nn.Module) -> None:
    """Raise `ModelError` where a model's state dict holds anything but tensors, or does not go back into the model.

    Both are only possible where a class makes its own (`get_extra_state`, hooks).
    """
    state = model.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            module, _, key = name.rpartition(".")
            whose = f"its module {module!r}" if module else "the model"
            what = "get_extra_state" if key == _EXTRA_STATE_KEY_SUFFIX else f"its entry {key!r} of the state dict"
            raise ModelError(
                f"{what} of {whose} is of type {type(value).__name__}, and checkpoints hold tensors only: return a"
                " tensor, or keep the numbers with register_buffer"
            )
    if any(name.rpartition(".")[2] == _EXTRA_STATE_KEY_SUFFIX for name in state):
        try:
            model.load_state_dict(state)
        except Exception as error:
            raise ModelError(f"its own state dict cannot be loaded into it again: {told(error)}") from error
