"""Dense ReLU networks on a shared batch, of any widths, as a few large matrix products.

The first layers of all models see the same images, so their hidden units stand side by side in one matrix, without
padding: one product serves all. Later layers are stacked, padded with zero weights to the widest; a padded unit is 0
after ReLU and gets no gradient, so it stays out of every number. The backward pass is written by hand, which for plain
SGD lets the products add their gradient to the weights in place. The tests hold all of it against the modules alone.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from gridsearch.config.batches import PlaceInStep
from gridsearch.config.losses import CROSS_ENTROPY
from gridsearch.config.trial import Recipe
from gridsearch.errors import ModelError, one_line
from gridsearch.models.modes import in_mode
from gridsearch.training.loop.blame import charged
from gridsearch.training.loop.member import Member, State
from gridsearch.training.recipe.averaging import make_average
from gridsearch.training.recipe.losses import Targets
from gridsearch.training.recipe.optimizers import Coefficient, RuleKind, make_rule
from gridsearch.training.stacking.structure import structure_of
from gridsearch.training.strategies.base import Strategy

_log = logging.getLogger(__name__)


def may_concatenate(recipe: Recipe) -> bool:
    """Whether this strategy does all that a recipe asks for."""
    plain = recipe.loss == CROSS_ENTROPY
    return plain and not recipe.clip_norm and recipe.precision != "mixed" and recipe.distillation == "none"


def steps_at_once(*recipes: Recipe) -> bool:
    """Whether gradients may be added to the weights in the products that make them: nothing is done to them before."""
    return RuleKind.of(*recipes).plain and recipes[0].accumulate == 1


def dense_layers(model: nn.Module, modes: Sequence[bool] = (True, False)) -> list[str] | None:
    """Return the names of the linear layers of a network that is flatten, linear, (ReLU, linear)*, or None.

    It is traced in these modes, training and evaluating, as a forward may do something else while training.
    """
    holders = [module for module in model.modules() if module._parameters or module._buffers]
    if not holders or any(type(module) is not nn.Linear for module in holders) or structure_of(model) is None:
        return None
    found = [_traced_layers(in_mode(copy.deepcopy(model), training=mode)) for mode in modes]
    return found[0] if all(layers == found[0] for layers in found) else None


def _traced_layers(model: nn.Module) -> list[str] | None:
    before = structure_of(model)
    try:
        graph = charged(fx.symbolic_trace)(model).graph
    except Exception as error:  # any model that cannot be traced is simply another kind of model
        _log.debug("%s cannot be traced, so it is not concatenated: %s", type(model).__name__, one_line(error))
        return None
    if structure_of(model) != before:
        return None  # A forward that changes its module (counts its calls, say) is more than its trace.
    modules = dict(model.named_modules())
    names: list[str] = []
    expected = "placeholder"
    previous: fx.Node | None = None
    for node in graph.nodes:
        kind = _kind(node, modules)
        if kind == "output":
            complete = expected == "relu" and node.args == (previous,)
            return names if complete and _nothing_else(model, names) else None
        if kind != expected or (previous is not None and node.all_input_nodes != [previous]):
            return None
        if kind == "linear":
            names.append(str(node.target))
        expected = {"placeholder": "flatten", "flatten": "linear", "linear": "relu", "relu": "linear"}[kind]
        previous = node
    return None


def _kind(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    if node.op in ("placeholder", "output"):
        return node.op
    if node.op == "call_module":
        module = modules[str(node.target)]
        if type(module) is nn.Linear and module.bias is not None:
            return "linear"
        if type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
            return "flatten"
        return "relu" if type(module) is nn.ReLU else "other"
    if node.target in ("flatten", torch.flatten):
        return "flatten" if (*node.args[1:], *node.kwargs.values()) == (1,) else "other"
    if node.target in ("relu", "relu_", torch.relu, torch.relu_, functional.relu):
        return "relu"
    return "other"


def _nothing_else(model: nn.Module, names: Sequence[str]) -> bool:
    """Whether the layers are distinct and hold all tensors of the model, every one trainable."""
    wanted = {f"{name}.{part}" for name in names for part in ("weight", "bias")}
    return (
        len(set(names)) == len(names)
        and set(model.state_dict()) == wanted
        and all(parameter.requires_grad for parameter in model.parameters())
    )


class Concatenated(Strategy):
    """Dense ReLU networks of one depth on a shared batch; see the module."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members)
        models = [member.module for member in members]
        self.layers = dense_layers(models[0]) or []
        linear = [[attrgetter(name)(model) for name in self.layers] for model in models]
        self.widths = [[layer.out_features for layer in layers] for layers in linear]
        self.features: int = linear[0][0].in_features
        self.gather = _Gather([widths[0] for widths in self.widths], self.device) if self.depth > 1 else None
        dtype = linear[0][0].weight.dtype
        self.parameters = [torch.zeros(shape, dtype=dtype, device=self.device) for shape in self._shapes()]
        order = {name: index for index, (name, _) in enumerate(models[0].named_parameters())}
        self.order = [order[f"{name}.{part}"] for name in self.layers for part in ("weight", "bias")]
        self.rule = make_rule([member.config for member in members], self.parameters, self.spread)
        self.average = make_average(self.configs, self.parameters, self.spread)
        self.fused = steps_at_once(*self.configs)
        smoothing = torch.tensor([config.label_smoothing for config in self.configs], dtype=dtype, device=self.device)
        self.smoothing = smoothing[:, None, None] if smoothing.any() else None
        self.weights = None if self.class_weights is None else self.class_weights.to(dtype)
        # Views, made once: making one in each step costs as much as a small product.
        self.transposed = [self.parameters[0].t(), *(weight.transpose(1, 2) for weight in self.parameters[2::2])]
        for slot, member in enumerate(members):
            self._put(slot, member.state())
        self.rule.restore(*(member.state() for member in members))
        if any(self.rule.missed):
            raise ModelError("a dense network of which some parameters have missed steps is not what its trace shows")

    @property
    def depth(self) -> int:
        """Return the number of linear layers."""
        return len(self.layers)

    def _shapes(self) -> list[tuple[int, ...]]:
        rows = self.gather.rows if self.gather else sum(widths[0] for widths in self.widths)
        shapes: list[tuple[int, ...]] = [(rows, self.features), (rows,)]
        widest = [max(column) for column in zip(*self.widths, strict=True)]
        for inner, outer in pairwise(widest):
            shapes += [(self.size, outer, inner), (self.size, 1, outer)]
        return shapes

    def spread(self, values: Sequence[float]) -> Coefficient:
        """Return one value for each model as tensors that broadcast over the parameters."""
        of_models = torch.tensor(values, dtype=torch.float64)
        firsts = torch.tensor([widths[0] for widths in self.widths])
        of_rows = of_models.repeat_interleave(firsts)
        # The unit that is always 0 stays so, whatever it is multiplied with or divided by, but for 0.
        of_rows = torch.cat([of_rows, of_models[-1:].expand(len(self.parameters[0]) - len(of_rows))])
        shaped = [of_rows[:, None], of_rows] + [of_models[:, None, None]] * (len(self.parameters) - 2)
        return [c.to(p.device, p.dtype) for c, p in zip(shaped, self.parameters, strict=True)]

    def set_rates(self, rates: list[float]) -> None:
        """See `Strategy`."""
        super().set_rates(rates)
        self.lr = [] if self.fused else self.spread(rates)
        self._scales: dict[int, Tensor] = {}

    @torch.no_grad()
    def train_chunk(self, images: Tensor, targets: Targets, sizes: Sequence[int]) -> Tensor:
        """See `Strategy`."""
        pixels = images.flatten(1)
        classes = self.widths[0][-1]
        wanted = functional.one_hot(targets.labels, classes).to(pixels.dtype)
        if self.smoothing is not None:  # (M, n, K): each model's own
            wanted = (1 - self.smoothing) * wanted + self.smoothing / classes
        if self.weights is not None:
            wanted = self._weighted(wanted, targets.labels, sizes)
        step = self._step_fused if self.fused else self._step
        parts = torch.split(pixels, list(sizes)), torch.split(wanted, list(sizes), dim=-2)
        batches = zip(*parts, self.places(sizes), strict=True)
        return torch.cat([step(batch, target, place) for batch, target, place in batches], dim=1)

    def _weighted(self, wanted: Tensor, labels: Tensor, sizes: Sequence[int]) -> Tensor:
        """Return what is wanted (n, K) or (M, n, K) of each class times its weight, over the mean weight of the batch.

        The loss is divided by the sum of the weights of a batch, as torch's is, where the step divides by their number.
        """
        assert self.weights is not None
        of_images = self.weights[:, labels]
        means = [part.mean(1, keepdim=True).expand_as(part) for part in torch.split(of_images, list(sizes), dim=1)]
        return wanted * self.weights[:, None] / torch.cat(means, dim=1)[:, :, None]

    def _delta(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the gradient of the summed losses of a batch by its logits (M, B, K)."""
        shares = torch.softmax(outputs, 2)
        if self.weights is not None:
            shares.mul_(targets.sum(2, keepdim=True))
        return shares.sub_(targets)

    def _scale(self, images: int) -> Tensor:
        """Return the learning rates (M, 1, 1) over the size of a batch; there are at most two sizes in an epoch."""
        if images not in self._scales:
            rates = torch.tensor(self.rates, dtype=torch.float64)[:, None, None] / images
            self._scales[images] = rates.to(self.device, self.parameters[0].dtype)
        return self._scales[images]

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """See `Strategy`."""
        return self._forward(images.flatten(1))[1][-1]

    def _forward(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the first layer's output (B, rows), and it and the later layers' outputs as (M, B, width)."""
        first = torch.addmm(self.parameters[1], pixels, self.transposed[0])
        if self.gather is None:
            return first, [first.view(pixels.shape[0], self.size, -1).transpose(0, 1)]
        outputs = [self.gather.to_models(first.relu_())]
        for layer in range(1, self.depth):
            output = torch.baddbmm(self.parameters[2 * layer + 1], outputs[-1], self.transposed[layer])
            outputs.append(output.relu_() if layer < self.depth - 1 else output)
        return first, outputs

    def _step_fused(self, pixels: Tensor, targets: Tensor, _: PlaceInStep) -> Tensor:
        """Make a step of plain SGD, every gradient times the learning rate from its source on."""
        first, outputs = self._forward(pixels)
        delta = self._delta(outputs[-1], targets).mul_(self._scale(pixels.shape[0]))
        for layer in range(self.depth - 1, 0, -1):
            weight, bias = self.parameters[2 * layer : 2 * layer + 2]
            back = torch.bmm(delta, weight)
            weight.baddbmm_(delta.transpose(1, 2), outputs[layer - 1], alpha=-1)
            bias.sub_(delta.sum(1, keepdim=True))
            delta = self._through_relu(back, first, outputs, layer)
        rows = self._rows(delta)
        self.parameters[0].addmm_(rows.t(), pixels, alpha=-1)
        self.parameters[1].sub_(rows.sum(0))
        self.rule.steps += 1
        self.stepped()
        return outputs[-1]

    def _step(self, pixels: Tensor, targets: Tensor, place: PlaceInStep) -> Tensor:
        first, outputs = self._forward(pixels)
        delta = self._delta(outputs[-1], targets).div_(pixels.shape[0])
        gradients: list[Tensor] = []
        for layer in range(self.depth - 1, 0, -1):
            gradients = [torch.bmm(delta.transpose(1, 2), outputs[layer - 1]), delta.sum(1, keepdim=True), *gradients]
            back = torch.bmm(delta, self.parameters[2 * layer])
            delta = self._through_relu(back, first, outputs, layer)
        rows = self._rows(delta)
        of_step = self.gathered([rows.t() @ pixels, rows.sum(0), *gradients], place)
        if of_step is not None:
            self.rule.step(self.parameters, of_step, self.lr)
            self.stepped()
        return outputs[-1]

    def _through_relu(self, back: Tensor, first: Tensor, outputs: list[Tensor], layer: int) -> Tensor:
        """Return the gradient below the ReLU below a layer: (M, B, width), for the first hidden layer (B, rows)."""
        if layer == 1 and self.gather:
            gradient: Tensor = torch.ops.aten.threshold_backward(self.gather.to_rows(back), first, 0)
        else:
            gradient = torch.ops.aten.threshold_backward(back, outputs[layer - 1], 0)
        return gradient

    def _rows(self, delta: Tensor) -> Tensor:
        """Return the first layer's gradient as (B, rows); without hidden layers it is still (M, B, K)."""
        return delta if self.gather else delta.transpose(0, 1).flatten(1)

    def states(self) -> list[State]:
        """See `Strategy`."""
        return [self._take(slot) for slot in range(self.size)]

    def _views(self, slot: int, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return a model's part of tensors laid out as the parameters are."""
        widths = self.widths[slot]
        first = sum(other[0] for other in self.widths[:slot])
        rows = slice(first, first + widths[0])
        views = [tensors[0][rows], tensors[1][rows]]
        for layer, (inner, outer) in enumerate(pairwise(widths), start=1):
            views += [tensors[2 * layer][slot, :outer, :inner], tensors[2 * layer + 1][slot, 0, :outer]]
        return views

    def _take(self, slot: int) -> State:
        names = [f"model.{name}.{part}" for name in self.layers for part in ("weight", "bias")]
        state = dict(zip(names, self._views(slot, self.parameters), strict=True))
        for kind in self.own_slots(slot):
            views = self._views(slot, self.rule.slots[kind])
            state |= {f"optimizer.{kind}.{index}": view for index, view in zip(self.order, views, strict=True)}
        if self.average:
            views = self._views(slot, self.average.values)
            state |= {f"ema.{name.removeprefix('model.')}": view for name, view in zip(names, views, strict=True)}
        return state | self.rule.counts()

    def _put(self, slot: int, state: State) -> None:
        for name, view in self._take(slot).items():
            # Before the first step the average is the weights.
            known = state.get(name, state.get(name.replace("ema.", "model.", 1)))
            if known is not None and name != "optimizer.steps":
                view.copy_(known)


class _Gather:
    """Between hidden units side by side (B, rows) and stacked by model (M, B, widest).

    Where widths differ, the last row is a unit that is always 0, which fills the places a narrow model lacks.
    """

    def __init__(self, widths: Sequence[int], device: torch.device) -> None:
        self.models, self.widest = len(widths), max(widths)
        self.even = len(set(widths)) == 1
        self.rows = sum(widths) + (0 if self.even else 1)
        to_models = torch.full((self.models, self.widest), self.rows - 1)
        to_rows = torch.zeros(self.rows, dtype=torch.int64)
        first = 0
        for model, width in enumerate(widths):
            to_models[model, :width] = torch.arange(first, first + width)
            to_rows[first : first + width] = model * self.widest + torch.arange(width)
            first += width
        self._to_models, self._to_rows = to_models.flatten().to(device), to_rows.to(device)

    def to_models(self, units: Tensor) -> Tensor:
        """Return (B, rows) as (M, B, widest)."""
        spread = units if self.even else units.index_select(1, self._to_models)
        return spread.view(units.shape[0], self.models, self.widest).transpose(0, 1)

    def to_rows(self, units: Tensor) -> Tensor:
        """Return (M, B, widest) as (B, rows)."""
        spread = units.transpose(0, 1).flatten(1)
        return spread if self.even else spread.index_select(1, self._to_rows)
