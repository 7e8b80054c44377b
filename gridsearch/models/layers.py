"""A model's layers: their shapes, parameters and multiply-adds, counted by running it on two images of zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from gridsearch.config.versions import CURRENT
from gridsearch.errors import ModelError
from gridsearch.models.examples import Whole, made_up
from gridsearch.models.modes import in_mode
from gridsearch.models.multiplications import LEFT_OUT
from gridsearch.models.registry import ModelClass, build_model, settings_text
from gridsearch.models.seeding import random_states_kept
from gridsearch.user_code import told

#: Images that a model is run on; more than one, because some normalisations need them.
IMAGES = 2
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, or a module that has parameters of its own or multiplies by itself.

    `weight` is the shape of its weight as torch keeps it, `output` that of what it gives for one image (of its first
    call); None where there is none, or where it was not called. `parameters` and `trainable` count numbers, those that
    several layers share with the first of them. `macs` counts the multiply-adds of all its calls for one image: weights
    of convolutions and matrix products once for each output, those of a normalisation once; biases, activations and
    pooling not at all.
    """

    name: str
    type: str
    weight: Shape | None
    output: Shape | None
    parameters: int
    trainable: int
    macs: int


@dataclass(frozen=True, slots=True)
class LayerTable:
    """A model's layers in the order of their first calls, those never called last."""

    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Return how many numbers the model's parameters are."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Return how many of them are trained."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def macs(self) -> int:
        """Return the multiply-adds for one image."""
        return sum(layer.macs for layer in self.layers)


def layers_of(
    model: ModelClass,
    hyper: Mapping[str, Any],
    *,
    image_shape: tuple[int, ...],
    num_classes: int,
    version: int = CURRENT,
    whole: Whole = None,
) -> LayerTable:
    """Build a model, as the recipe's `version` has it, and return its layers.

    It is built without memory for its numbers, unless it needs them. `whole` is as for `build_model`.
    `ModelError` when it cannot be built, or not run on images of this shape.
    """
    for device in ("meta", "cpu"):
        try:
            with random_states_kept(), torch.device(device):
                built = build_model(
                    model, hyper, image_shape=image_shape, num_classes=num_classes, version=version, whole=whole
                )
                return layer_table(built, image_shape, whole)
        except Exception as error:
            failure = error
    if isinstance(failure, ModelError):
        raise failure
    shown, others = settings_text(hyper), model.others_text(hyper)
    text = f"model {model.name!r} does not work with {shown}: {told(failure)}{others}"
    raise ModelError(text) from failure


def layer_table(model: nn.Module, image_shape: tuple[int, ...], whole: Whole = None) -> LayerTable:
    """Return the layers of a model for images of this shape, found by running it, in evaluation mode, where it lies.

    On the `meta` device that costs no memory and next to no time. Raises whatever the model raises.
    """
    device = next((tensor.device for tensor in chain(model.parameters(), model.buffers())), None)
    modes = {module: module.training for module in model.modules()}
    watch = _Watch()
    try:
        with random_states_kept(), watch.watching(model):
            in_mode(model, training=False)(made_up(IMAGES, image_shape, whole, device=device))
    finally:
        for module, training in modes.items():
            module.training = training
    names = {module: name for name, module in model.named_modules()}
    counted: set[Tensor] = set()
    layers = []
    for module in [*watch.calls, *(module for module in names if module not in watch.calls)]:
        own = [parameter for parameter in module.parameters(recurse=False) if parameter not in counted]
        counted.update(own)
        call = watch.calls.get(module, _Call())
        is_leaf = module in watch.calls and not any(True for _ in module.children())
        if is_leaf or own or call.macs:
            weight = getattr(module, "weight", None)
            layers.append(
                Layer(
                    name=names[module],
                    type=type(module).__name__,
                    weight=tuple(weight.shape) if isinstance(weight, Tensor) else None,
                    output=call.output,
                    parameters=sum(parameter.numel() for parameter in own),
                    trainable=sum(parameter.numel() for parameter in own if parameter.requires_grad),
                    macs=call.macs,
                )
            )
    return LayerTable(tuple(layers))


@dataclass
class _Call:
    """What the calls of a module did for one image, those of the modules in it aside."""

    output: Shape | None = None
    macs: int = 0


class _Watch:
    """Sees which modules are called, what they give, and what they multiply."""

    def __init__(self) -> None:
        from torch.utils.flop_counter import FlopCounterMode

        self.calls: dict[nn.Module, _Call] = {}
        self._counter = FlopCounterMode(display=False, custom_mapping=LEFT_OUT)
        #: Of each module being called: the count when it was, and what the modules in it have added since.
        self._open: list[list[int]] = []

    def watching(self, model: nn.Module) -> ExitStack:
        """Return a context in which the model's calls are seen."""
        stack = ExitStack()
        for module in model.modules():
            stack.callback(module.register_forward_pre_hook(self._enter).remove)
            stack.callback(module.register_forward_hook(self._leave).remove)
        stack.enter_context(self._counter)
        return stack

    def _enter(self, module: nn.Module, _: Any) -> None:
        self.calls.setdefault(module, _Call())
        self._open.append([self._counter.get_total_flops(), 0])

    def _leave(self, module: nn.Module, _: Any, output: Any) -> None:
        start, inside = self._open.pop()
        flops = self._counter.get_total_flops() - start
        if self._open:
            self._open[-1][1] += flops
        call = self.calls[module]
        call.macs += (flops - inside) // (2 * IMAGES)
        if isinstance(module, _NORMS) and module.weight is not None:
            call.macs += module.weight.numel()
        call.output = call.output or _shape(output)


def _shape(output: Any) -> Shape | None:
    """Return the shape of a module's output, of the first where it gives several, without that of the batch."""
    if isinstance(output, Tensor):
        return tuple(output.shape[1:])
    return _shape(output[0]) if isinstance(output, Sequence) and output and not isinstance(output, str) else None
