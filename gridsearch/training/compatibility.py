"""Which lineages may be trained as one: those of the same kind."""

from __future__ import annotations

from collections.abc import Hashable

import torch
from torch import nn

from gridsearch.spec.trial import TrialConfig
from gridsearch.training.dense import dense_layers
from gridsearch.training.optimizers import RuleKind
from gridsearch.training.structure import structure_of


def shape_of(model: nn.Module) -> Hashable | None:
    """Return what models must have in common to be trained as one, or None for a model that is only trained alone.

    Of dense ReLU networks that is the depth, of others the structure.
    """
    layers = dense_layers(model)
    return ("dense", len(layers)) if layers else structure_of(model)


def kind_of(config: TrialConfig, shape: Hashable | None, *, draws: bool) -> Hashable:
    """Return what lineages must have in common to be trained as one; no two are of one kind where `shape` is None.

    Besides the shape that is the images in each batch, the rule of the optimiser, and for a model that draws random
    numbers the seed. Learning rates and their schedules, momentum, weight decay and dropout probabilities may differ.
    """
    if shape is None:
        return object()
    images = (config.dataset, config.split, config.data_seed, config.batch_size)
    return (*images, RuleKind.of(config), shape, config.seed if draws else None)


def is_dense(kind: Hashable) -> bool:
    """Whether a kind, of `kind_of`, is of dense ReLU networks."""
    return isinstance(kind, tuple) and any(isinstance(part, tuple) and part[:1] == ("dense",) for part in kind)


def draws_numbers(model: nn.Module, image_shape: tuple[int, int, int]) -> bool:
    """Whether a training step of a model on the CPU draws random numbers; taken for granted where it cannot be tried.

    Leaves the model and torch's random state as they were.
    """
    before, mode = torch.get_rng_state(), model.training
    buffers = {name: tensor.clone() for name, tensor in model.named_buffers()}
    try:
        dtype = next((parameter.dtype for parameter in model.parameters()), torch.float32)
        with torch.no_grad():
            model.train()(torch.zeros(2, *image_shape, dtype=dtype))
        return not torch.equal(before, torch.get_rng_state())
    except Exception:  # the training itself tells what is wrong with it
        return True
    finally:
        torch.set_rng_state(before)
        model.train(mode)
        for name, tensor in model.named_buffers():
            tensor.copy_(buffers[name])
