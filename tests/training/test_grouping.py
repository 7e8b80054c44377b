"""Which models may be one: too strict costs time, too generous gives wrong numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gridsearch.models.dense import MLP, Deep, Perceptron, Shallow
from gridsearch.training.recipe.dropout import make_portable
from gridsearch.training.stacking.grouping import Behaviour, behaviour_of, shape_of, stack_group_of
from gridsearch.training.stacking.structure import structure_of
from gridsearch.training.strategies.concatenated import dense_layers
from tests.training.architectures import Net
from tests.training.conftest import config

Forward = Callable[[nn.Module, Tensor], Tensor]


class Own(nn.Module):
    """Two linear layers and any forward, any further attributes."""

    def __init__(self, forward: Forward, width: int = 8, **attributes: object) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, width), nn.Linear(width, 10)
        type(self)._forward = staticmethod(forward)
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self._forward(self, x)
        return result


def own(forward: Forward, **attributes: object) -> nn.Module:
    """Return a model of a class of its own, so that no two share a forward."""
    return type("Own", (Own,), {})(forward, **attributes)


STILL, DRAWING = Behaviour(draws=False, remembers=False), Behaviour(draws=True, remembers=False)
DENSE: dict[str, nn.Module] = {
    "perceptron": Perceptron(in_features=64, num_classes=10),
    "shallow": Shallow(in_features=64, num_classes=10, neurons=5),
    "deep": Deep(in_features=64, num_classes=10, hidden=[7, 6, 5]),
    "plain mlp": MLP(
        in_features=64, num_classes=10, hidden=[7, 6], batch_norm=False, dropout_1=0.0, dropout_2=0.0, dropout_3=0.0
    ),
    "sequential": nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 10)),
    "functional": own(lambda self, x: self.second(functional.relu(self.first(torch.flatten(x, 1))))),
    "in place": own(lambda self, x: self.second(self.first(x.flatten(1)).relu_())),
}
NOT_DENSE: dict[str, nn.Module] = {
    "other activation": own(lambda self, x: self.second(self.first(x.flatten(1)).tanh())),
    "no activation": own(lambda self, x: self.second(self.first(x.flatten(1)))),
    "activation at the end": own(lambda self, x: self.second(self.first(x.flatten(1)).relu()).relu()),
    "scaled input": own(lambda self, x: self.second(self.first(x.flatten(1) * 2).relu())),
    "skip": own(lambda self, x: self.second(self.first(x.flatten(1)).relu() + x.flatten(1)[:, :8])),
    "scaled output": own(lambda self, x: self.second(self.first(x.flatten(1)).relu()) / 3),
    "flattened too much": own(lambda self, x: self.second(self.first(x.flatten(2)).relu())),
    "only while training": own(
        lambda self, x: self.second(self.first(x.flatten(1)).relu()) if self.training else self.first(x.flatten(1))
    ),
    "dropout": nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 10)),
    "without bias": nn.Sequential(nn.Flatten(), nn.Linear(64, 4, bias=False), nn.ReLU(), nn.Linear(4, 10)),
    "a layer unused": nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).append(nn.Identity()),
    "norm": nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 10)),
    "data dependent": own(lambda self, x: self.second(self.first(x.flatten(1)).relu()) if x.sum() > 0 else x),
}


@pytest.mark.parametrize("name", DENSE)
def test_dense_networks_are_recognised(name: str) -> None:
    assert dense_layers(DENSE[name]) is not None


@pytest.mark.parametrize("name", NOT_DENSE)
def test_what_is_nearly_dense_is_not(name: str) -> None:
    assert dense_layers(NOT_DENSE[name]) is None


def test_a_frozen_a_tied_and_a_hooked_layer_are_not_dense() -> None:
    def fresh() -> nn.Sequential:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))

    assert dense_layers(fresh()) is not None
    frozen = fresh()
    next(frozen.parameters()).requires_grad_(False)
    assert dense_layers(frozen) is None
    tied = fresh()
    tied[3].weight = tied[1].weight
    assert dense_layers(tied) is None
    hooked = fresh()
    hooked[1].register_forward_hook(lambda module, inputs, output: output * 2)
    assert dense_layers(hooked) is None
    twice = fresh()
    twice.append(nn.ReLU()).append(twice[3])
    assert dense_layers(twice) is None


def counting(self: nn.Module, x: Tensor) -> Tensor:
    self.calls += 1  # type: ignore[operator]
    if self.calls > 5:
        raise RuntimeError("called too often")
    hidden: Tensor = self.second(self.first(x.flatten(1)).relu())
    return hidden


def test_a_forward_that_changes_its_module_is_not_dense() -> None:
    assert dense_layers(own(counting, calls=0)) is None


def test_a_hook_on_a_parameter_keeps_a_model_alone() -> None:
    model = Shallow(in_features=64, num_classes=10, neurons=5)
    model.hidden.weight.register_hook(lambda gradient: gradient * 10)
    assert shape_of(model, config()) is None


def test_recognising_leaves_the_model_as_it_was() -> None:
    model = Net(1, 10, widths=[4], dropout=0.5).eval()
    before = set(vars(model))
    shape_of(model, config())
    assert set(vars(model)) == before
    assert not model.training


def forward(self: nn.Module, x: Tensor) -> Tensor:
    raise AssertionError("never called")


def named(value: object) -> str:
    """Return a case's name, the same in every process: of functions no address."""
    return re.sub(r" at 0x\w+| of type object at 0x\w+", "", str(value))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"slope": 0.1}, {"slope": 0.1}, True),
        ({"slope": 0.1}, {"slope": 0.2}, False),
        ({"slope": 1}, {"slope": True}, False),
        ({"act": functional.relu}, {"act": functional.relu}, True),
        ({"act": functional.relu}, {"act": torch.tanh}, False),
        ({"options": {"a": [1, 2]}}, {"options": {"a": [1, 2]}}, True),
        ({"options": {"a": [1, 2]}}, {"options": {"a": [2, 1]}}, False),
        ({"kind": nn.ReLU}, {"kind": nn.ReLU}, True),
        ({"inner": nn.ReLU()}, {"inner": nn.Tanh()}, False),
        ({"width": 4}, {"width": 5}, False),
    ],
    ids=named,
)
def test_models_are_alike_when_all_that_a_forward_may_look_at_is(
    one: dict[str, object], other: dict[str, object], same: bool
) -> None:
    kind = type("Own", (Own,), {})
    shapes = [structure_of(kind(forward, **attributes)) for attributes in (one, other)]
    assert None not in shapes
    assert (shapes[0] == shapes[1]) is same


def test_what_cannot_be_compared_is_never_alike() -> None:
    def closure(power: int) -> Callable[[Tensor], Tensor]:
        return lambda x: x**power

    kind = type("Own", (Own,), {})
    for attribute in (object(), closure(2), torch.zeros(3)):
        assert structure_of(kind(forward, attribute=attribute)) is None
    recipe = config()
    assert stack_group_of(recipe, None, STILL) != stack_group_of(recipe, None, STILL)


def test_dropout_probabilities_are_data_and_other_attributes_are_not() -> None:
    low, high = (make_portable(Net(1, 10, widths=[4], dropout=p)) for p in (0.1, 0.9))
    assert structure_of(low) == structure_of(high)
    assert structure_of(Net(1, 10, widths=[4], activation="tanh")) != structure_of(Net(1, 10, widths=[4]))


def test_a_model_that_draws_shares_its_seed_and_one_that_does_not_need_not() -> None:
    drawing, still = make_portable(Net(1, 10, widths=[4], dropout=0.3)), DENSE["shallow"]
    before = torch.get_rng_state()
    assert behaviour_of(drawing, (1, 8, 8)) == DRAWING
    assert behaviour_of(still, (1, 8, 8)) == STILL
    assert torch.equal(before, torch.get_rng_state())
    shape = shape_of(drawing, config())
    assert stack_group_of(config(seed=0), shape, DRAWING) != stack_group_of(config(seed=1), shape, DRAWING)
    assert stack_group_of(config(seed=0), shape, STILL) == stack_group_of(config(seed=1), shape, STILL)


def noisy_evaluation(self: nn.Module, x: Tensor) -> Tensor:
    logits: Tensor = self.first(x.flatten(1))
    return logits if self.training else logits + torch.randn_like(logits)


def test_drawing_only_while_evaluating_is_drawing() -> None:
    assert behaviour_of(own(noisy_evaluation), (1, 8, 8)).draws


class Remembering(nn.Module):
    """Keeps something between calls in a buffer that is not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)
        self.register_buffer("mean", torch.ones(10), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layer(x.flatten(1))
        self.mean.mul_(0.9).add_(logits.detach().mean(0), alpha=0.1)
        return logits + self.mean


class Late(nn.Module):
    """Registers a buffer when it is first called."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        self.register_buffer("mask", torch.ones(10))
        logits: Tensor = self.layer(x.flatten(1)) * self.mask
        return logits


@pytest.mark.parametrize("model", [Remembering(), Late(), own(counting, calls=0)], ids=["buffer", "late", "counter"])
def test_a_model_that_remembers_outside_its_state_is_alone(model: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in model.named_buffers()}
    behaviour = behaviour_of(model, (1, 8, 8))
    assert behaviour.remembers
    assert stack_group_of(config(), "shape", behaviour) != stack_group_of(config(), "shape", behaviour)
    assert before.keys() == dict(model.named_buffers()).keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.named_buffers())


def test_layers_in_another_order_are_another_shape() -> None:
    class Square(nn.Module):
        def __init__(self, order: str) -> None:
            super().__init__()
            self.order = order
            self.a, self.b = nn.Linear(64, 64), nn.Linear(64, 64)

        def forward(self, x: Tensor) -> Tensor:
            first, second = (self.a, self.b) if self.order == "ab" else (self.b, self.a)
            logits: Tensor = second(first(x.flatten(1)).relu())
            return logits

    assert dense_layers(Square("ab")) and dense_layers(Square("ba"))
    assert shape_of(Square("ab"), config()) != shape_of(Square("ba"), config())


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 32},
        {"data_seed": 1},
        {"optimizer": "adam"},
        {"momentum": 0.9, "nesterov": True},
        {"dataset": "other"},
    ],
    ids=str,
)
def test_what_cannot_differ_within_a_stack(change: dict[str, object]) -> None:
    assert stack_group_of(config(), "shape", STILL) != stack_group_of(config(**change), "shape", STILL)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.5},
        {"epochs": 9},
        {"schedule": "cosine"},
        {"momentum": 0.9},
        {"weight_decay": 0.1},
        {"l1": 0.1},
    ],
    ids=str,
)
def test_what_may_differ_within_a_stack(change: dict[str, object]) -> None:
    assert stack_group_of(config(), "shape", STILL) == stack_group_of(config(**change), "shape", STILL)


def test_dense_networks_with_a_faster_step_keep_to_themselves() -> None:
    shape = ("dense", "layer", "weight")
    plain, *others = (
        stack_group_of(config(**more), shape, STILL) for more in ({}, {"momentum": 0.9}, {"weight_decay": 0.1})
    )
    assert (plain.plain, others) == (True, [replace(plain, plain=False)] * 2)


def test_two_models_are_of_two_kinds_however_alike_they_look() -> None:
    shape = shape_of(DENSE["shallow"], config())
    groups = {stack_group_of(config(model=model), shape, STILL) for model in ("shallow", "shallow", "nets:Shallow")}
    assert len(groups) == 2


def _pair() -> nn.Module:
    return nn.ModuleDict({"a": nn.Linear(4, 6), "b": nn.Linear(6, 4)})


def transposed(model: nn.Module) -> None:
    model["b"].weight.data = model["a"].weight.data.t()  # type: ignore[index]


def viewed(model: nn.Module) -> None:
    model.c = nn.Parameter(model["a"].weight.data.view(2, 12))  # type: ignore[index]


def buffered(model: nn.Module) -> None:
    model.register_buffer("c", model["a"].weight.detach()[1:])  # type: ignore[index]


def sliced(model: nn.Module) -> None:
    flat = torch.randn(48)
    model["a"].weight.data, model["b"].weight.data = flat[:24].view(6, 4), flat[24:].view(4, 6)  # type: ignore[index]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("tie", "stacked"), [(transposed, False), (viewed, False), (buffered, False), (sliced, True)], ids=named
)
def test_tensors_that_share_memory_are_not_stacked(
    tie: Callable[[nn.Module], None], stacked: bool, device: str
) -> None:
    with torch.device(device):
        model = _pair()
        tie(model)
    assert (structure_of(model) is not None) == stacked
