"""Whether tensors from a file can be a model's: a damaged or forged file must cost no more than what it held."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from gridsearch.training.recipe.optimizers import as_real


def weights_fit(weights: Mapping[str, Tensor], model: nn.Module) -> bool:
    """Whether tensors are a state dict of the model by their names, their shapes and the kinds of their numbers."""
    own = model.state_dict()
    tensors = {name: tensor for name, tensor in own.items() if isinstance(tensor, Tensor)}
    return tensors.keys() <= weights.keys() <= own.keys() and all(
        weights[name].shape == tensor.shape and _kind(weights[name]) == _kind(tensor)
        for name, tensor in tensors.items()
    )


def state_fits(state: Mapping[str, Tensor], model: nn.Module) -> bool:
    """Whether a member's state (see `member.State`) can be one of the model's."""
    steps = state.get("optimizer.steps")
    if steps is None or steps.numel() != 1 or steps.is_floating_point() or int(steps) < 0:
        return False
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    weights, averages = {}, {}
    for name, tensor in state.items():
        part, _, rest = name.partition(".")
        if part == "model":
            weights[rest] = tensor
        elif part == "ema":
            averages[rest] = tensor
        elif part != "optimizer" or not _is_slot(rest, tensor, trained):
            return False
    return weights_fit(weights, model) and averages.keys() <= weights.keys() and weights_fit(weights | averages, model)


def _is_slot(name: str, tensor: Tensor, trained: list[nn.Parameter]) -> bool:
    """Whether an optimiser may keep a tensor: counts of steps, or one like the parameter whose index ends its name."""
    if name == "steps":
        return True
    if name == "missed":
        return not tensor.is_floating_point() and tensor.shape == (len(trained),) and bool((tensor >= 0).all())
    index = name.rpartition(".")[2]
    return index.isdecimal() and int(index) < len(trained) and tensor.shape == as_real(trained[int(index)]).shape


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()
