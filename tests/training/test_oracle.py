"""The oracle: whatever strategy trains a model, it gets the numbers it gets alone. Never skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsearch.config.trial import Split
from gridsearch.data.digits import load_digits
from gridsearch.data.splits import apply_split
from gridsearch.models.registry import MODELS, find_model
from gridsearch.training.arrays import DeviceArrays, to_device
from gridsearch.training.loop.epochs import train_epoch
from gridsearch.training.loop.evaluation import evaluate
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import WorkerContext
from gridsearch.training.recipe.normalization import make_normalizer
from gridsearch.training.recipe.randomness import derive
from gridsearch.training.recipe.schedules import learning_rates
from gridsearch.training.stacking.autotune import STRATEGIES
from gridsearch.training.stacking.grouping import behaviour_of, shape_of, stack_group_of
from gridsearch.training.strategies.base import Strategy
from gridsearch.training.strategies.sequential import Single
from tests.training.conftest import task

CPU = torch.device("cpu")
NET = "tests.training.architectures:Net"
#: 20 batches of 16, and a last one of 11: images enough for a hundred steps in five epochs.
IMAGES = 20 * 16 + 11
RATES = st.floats(0.001, 0.1)


def place(tmp_path: Path, dtype: torch.dtype, device: torch.device = CPU) -> WorkerContext:
    split = apply_split(load_digits(), Split(test=0.1), 0)
    train = to_device(split.train_images[:IMAGES], split.train_labels[:IMAGES], device)
    validation = to_device(split.validation_images[:50], split.validation_labels[:50], device)
    of_dtype = [DeviceArrays(arrays.images.to(dtype), arrays.labels) for arrays in (train, validation)]
    return WorkerContext(device, of_dtype[0], of_dtype[1], 10, tmp_path / "checkpoints")


def members(where: WorkerContext, changes: Sequence[dict[str, Any]]) -> list[Member]:
    made = []
    for index, change in enumerate(changes):
        code = find_model(NET).code if change.get("model") == NET else ""
        what = task(name=f"{index:064x}", **{"batch_size": 16, "epochs": 9, "model_code": code} | change)
        member = Member(what, where)
        member.module.to(where.train.images.dtype)
        made.append(member)
    groups = {
        stack_group_of(one.config, shape_of(one.module, one.config), behaviour_of(one.module, where.train.image_shape))
        for one in made
    }
    assert len(groups) == 1
    return made


def run(strategy: Strategy, context: WorkerContext, epochs: int, first: int = 1) -> list[tuple[float, float]]:
    steps = -(-len(context.train) // strategy.configs[0].batch_size)
    losses: list[list[float]] = [[2.3] for _ in strategy.configs]
    for epoch in range(first, first + epochs):
        torch.manual_seed(derive(strategy.configs[0].seed, "draws", epoch))
        pairs = zip(strategy.configs, losses, strict=True)
        strategy.start_epoch([learning_rates(config, epoch, steps, before) for config, before in pairs])
        last = [one[:2] for one in train_epoch(strategy, context, epoch)]
        validation = evaluate(strategy, context.validation)
        for before, (loss, _) in zip(losses, validation, strict=True):
            before.append(loss)
    return [*last, *validation]


def assert_same_as_alone(
    made: Sequence[Member], where: WorkerContext, strategy: str, epochs: int, tolerance: float
) -> None:
    packed = STRATEGIES[strategy](made)
    packed_numbers = run(packed, where, epochs)
    for index, (member, state) in enumerate(zip(made, packed.states(), strict=True)):
        alone = Single([member])
        numbers = run(alone, where, epochs)
        expected = alone.states()[0]
        assert state.keys() == expected.keys()
        for name, tensor in expected.items():
            assert torch.allclose(state[name], tensor, rtol=tolerance, atol=tolerance), name
        mine = [packed_numbers[index], packed_numbers[len(made) + index]]
        torch.testing.assert_close(torch.tensor(mine), torch.tensor(numbers), rtol=tolerance, atol=tolerance)


def some(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers that may be 0, which leaves out what they are for."""
    return st.just(0.0) | st.floats(low, high)


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Any]:
    """What all models of a stack share of their recipe."""
    optimizer = draw(st.sampled_from(["sgd", "sgd", "adam", "adamw", "rmsprop"]))
    momentum = draw(st.booleans()) if optimizer in ("sgd", "rmsprop") else False
    return {
        "optimizer": optimizer,
        "momentum": momentum,
        "nesterov": draw(st.booleans()) if momentum and optimizer == "sgd" else False,
        "weight_decay": draw(st.booleans()),
        # Where steps are normalised, a sign that changes at 0 makes rounding grow: that is held to torch elsewhere.
        "l1": optimizer == "sgd" and draw(st.booleans()),
        "smooth": draw(st.booleans()),
        **draw(st.fixed_dictionaries({}, optional={"flip": st.just(True), "crop_padding": st.just(1)})),
        **draw(st.fixed_dictionaries({}, optional={"rotation": st.just(20.0), "zoom": st.just(0.2)})),
        "data_seed": draw(st.integers(0, 3)),
    }


@st.composite
def of_one_recipe(draw: st.DrawFn, size: int) -> list[dict[str, Any]]:
    """Recipes of one stack group whose numbers differ."""
    shared = draw(recipes())
    smooth = shared.pop("smooth")
    adaptive = shared["optimizer"] != "sgd"
    momenta = st.floats(0.1, 0.9) if shared["nesterov"] else some(0.1, 0.9)
    together = [
        {
            **shared,
            "learning_rate": draw(RATES) * (0.05 if adaptive else 1),
            "momentum": draw(momenta) if shared["momentum"] else 0.0,
            "weight_decay": draw(some(1e-5, 1e-2)) if shared["weight_decay"] else 0.0,
            "l1": draw(some(1e-5, 1e-3)) if shared["l1"] else 0.0,
            "label_smoothing": draw(st.floats(0.0, 0.5)) if smooth else 0.0,
            "schedule": draw(st.sampled_from(["constant", "step", "cosine", "one_cycle", "plateau"])),
            "step_size": 2,
            "plateau_patience": 0,
            "gamma": 0.5,
        }
        for _ in range(size)
    ]
    if len({not any(recipe[key] for key in ("momentum", "weight_decay", "l1")) for recipe in together}) == 2:
        for recipe in together:  # of dense networks, plain descent keeps to itself
            recipe["weight_decay"] = recipe["weight_decay"] or 1e-3
    return together


@st.composite
def dense_packs(draw: st.DrawFn) -> list[dict[str, Any]]:
    size, depth = draw(st.integers(2, 5)), draw(st.integers(0, 3))
    width = st.integers(1, 24)
    packs = []
    for recipe in draw(of_one_recipe(size)):
        hidden = draw(st.lists(width, min_size=depth, max_size=depth))
        model = {"model": "deep", "hyper": {"hidden": hidden}} if depth else {"model": "perceptron", "hyper": {}}
        packs.append({**recipe, **model, "seed": draw(st.integers(0, 5))})
    return packs


@st.composite
def general_packs(draw: st.DrawFn) -> list[dict[str, Any]]:
    size = draw(st.integers(2, 3))
    channels = draw(st.lists(st.integers(1, 4), max_size=1))
    drops, clips = draw(st.booleans()), draw(st.booleans())
    shape = {
        "channels": channels,
        "widths": draw(st.lists(st.integers(1, 12), max_size=2)),
        "activation": draw(st.sampled_from(["relu", "tanh", "sigmoid", "gelu"])),
        "norm": draw(st.booleans()),
        "drop_channels": draw(st.booleans()),
        "frozen": draw(st.booleans()),
    }
    return [
        {
            **recipe,
            "model": NET,
            "hyper": shape | ({"dropout": draw(st.floats(0.0, 0.9))} if drops else {}),
            "seed": 0 if drops else draw(st.integers(0, 5)),
            # Dense networks are concatenated where nothing limits their gradients, and stacked elsewhere.
            "clip_norm": draw(st.floats(0.0, 1.0, exclude_min=not channels)) if clips else 0.0,
        }
        for recipe in draw(of_one_recipe(size))
    ]


@settings(max_examples=20)
@given(pack=dense_packs())
def test_concatenated_is_alone_after_a_hundred_steps(pack: list[dict[str, Any]], tmp_path_factory: Any) -> None:
    where = place(tmp_path_factory.mktemp("dense"), torch.float64)
    assert_same_as_alone(members(where, pack), where, "concatenated", epochs=5, tolerance=1e-10)


@settings(max_examples=20)
@given(pack=general_packs())
def test_stacked_is_alone_after_a_hundred_steps(pack: list[dict[str, Any]], tmp_path_factory: Any) -> None:
    where = place(tmp_path_factory.mktemp("general"), torch.float64)
    seeded = [{**one, "seed": pack[0]["seed"]} for one in pack]
    assert_same_as_alone(members(where, seeded), where, "stacked", epochs=5, tolerance=1e-10)


REGISTRY: list[tuple[str, list[dict[str, Any]]]] = [
    ("perceptron", [{}, {}, {}]),
    ("shallow", [{"neurons": 10}, {"neurons": 25}, {"neurons": 100}]),
    ("deep", [{"hidden": [10, 20]}, {"hidden": [30, 5]}, {"hidden": [30, 20]}]),
    ("deep2", [{"neurons_1": 10, "neurons_2": 50}, {"neurons_1": 50, "neurons_2": 10}]),
    ("deep3", [{"neurons_1": 9, "neurons_2": 8, "neurons_3": 7}, {"neurons_1": 7, "neurons_2": 8, "neurons_3": 9}]),
]


#: What is not dense: settings that suit images of 8 x 8, and how many epochs; 0 is one step, for what is large.
STACKED: list[tuple[str, dict[str, Any], int]] = [
    ("mlp", {"hidden": [20, 16, 12]}, 5),
    ("cnn", {"filters": [4, 5, 6], "dense": [9], "batch_norm": "all", "dropout_conv": 0.1, "dropout_dense": 0.2}, 5),
    ("squeezenet", {"base_expand": 16, "expand_increment": 8, "fires": 2}, 3),
    ("squeezenet", {"base_expand": 16, "fires": 1, "pools": 1, "batch_norm": True, "dropout": 0.0}, 0),
    ("wide_cnn", {}, 0),
    ("deep_cnn", {"dropout_flat": 0.05, "dropout_1": 0.25, "dropout_2": 0.25}, 0),
    ("wide_deep_cnn", {"batch_norm": "first"}, 0),
    ("one_conv_cnn", {"kernel_size": 5}, 0),
    ("three_conv_cnn", {"batch_norm": "convs"}, 0),
    ("custom_cnn", {}, 0),
    ("deepnn", {}, 0),
    ("lightnn", {}, 0),
    ("resnet18", {"resize": 16}, 0),
    ("resnet50", {}, 0),
    ("mobilenet_v3_small", {}, 0),
]


def test_no_model_is_left_out() -> None:
    assert {name for name, *_ in [*REGISTRY, *STACKED]} == set(MODELS)


@pytest.mark.parametrize(
    ("model", "hyper", "epochs"),
    [pytest.param(*case, id=case[0], marks=pytest.mark.slow if case[0] == "resnet50" else ()) for case in STACKED],
)
def test_every_other_model_of_the_registry(model: str, hyper: dict[str, Any], epochs: int, tmp_path: Path) -> None:
    changes = [{"model": model, "hyper": hyper, "learning_rate": 0.05 / 10**index} for index in range(2)]
    exact = place(tmp_path, torch.float64)
    where = exact if epochs else replace(exact, train=first_batch(exact.train))
    assert_same_as_alone(members(where, changes), where, "stacked", epochs=epochs or 1, tolerance=1e-10)


def first_batch(arrays: DeviceArrays) -> DeviceArrays:
    return DeviceArrays(arrays.images[:16], arrays.labels[:16])


@pytest.mark.parametrize(("model", "hypers"), REGISTRY, ids=[name for name, _ in REGISTRY])
@pytest.mark.parametrize("strategy", ["concatenated", "stacked", pytest.param("compiled", marks=pytest.mark.slow)])
def test_every_dense_model_of_the_registry(
    model: str, hypers: list[dict[str, Any]], strategy: str, tmp_path: Path
) -> None:
    if strategy != "concatenated":
        hypers = [hypers[0]] * len(hypers)
    changes = [
        {"model": model, "hyper": hyper, "learning_rate": 0.1 / 10**index, "seed": index}
        for index, hyper in enumerate(hypers)
    ]
    exact = place(tmp_path, torch.float64)
    assert_same_as_alone(members(exact, changes), exact, strategy, epochs=5, tolerance=1e-10)
    single = place(tmp_path, torch.float32)
    one_step = replace(single, train=first_batch(single.train))
    assert_same_as_alone(members(one_step, changes), one_step, strategy, epochs=1, tolerance=1e-5)


def test_no_form_is_left_out() -> None:
    assert set(STRATEGIES) == {"concatenated", "stacked", "graphed", "compiled"}


@pytest.mark.slow
def test_compiled_is_alone_after_a_hundred_steps(tmp_path: Path) -> None:
    hyper = {"channels": [4], "widths": [8], "norm": True, "activation": "gelu"}
    changes = [
        {"model": NET, "hyper": hyper | {"dropout": 0.2 * index}, "learning_rate": 0.1 / (index + 1), "momentum": 0.5}
        for index in range(3)
    ]
    where = place(tmp_path, torch.float64)
    assert_same_as_alone(members(where, changes), where, "compiled", epochs=5, tolerance=1e-10)


@pytest.mark.parametrize("normalization", ["channel", "image"])
def test_mixed_precision_is_alone_after_a_step(normalization: str, tmp_path: Path) -> None:
    single = place(tmp_path, torch.float32)
    normalizer = make_normalizer(normalization, single.train.images)
    arrays = DeviceArrays(single.train.images[:16], single.train.labels[:16], normalizer)
    where = replace(single, train=arrays, validation=replace(single.validation, normalizer=normalizer))
    # Without batch normalisation, which torch cannot stack on the CPU in this precision: such models train alone.
    net = {"model": NET, "hyper": {"channels": [4], "widths": [8]}, "precision": "mixed"}
    changes = [{**net, "learning_rate": rate, "clip_norm": 0.5} for rate in (0.1, 0.05)]
    # bfloat16 has 8 bits: another order of summing shows in the third digit.
    assert_same_as_alone(members(where, changes), where, "stacked", epochs=1, tolerance=2e-2)


STRATEGIES_AND_MODELS = [
    ("concatenated", [{"model": "shallow", "hyper": {"neurons": n}} for n in (10, 10, 30, 7)]),
    ("stacked", [{"model": NET, "hyper": {"widths": [8], "norm": True, "dropout": p}} for p in (0.1, 0.5, 0.2, 0.0)]),
]


@pytest.mark.parametrize(("strategy", "models"), STRATEGIES_AND_MODELS, ids=["concatenated", "stacked"])
@pytest.mark.parametrize("recipe", [{}, {"momentum": 0.9}, {"l1": 1e-4, "label_smoothing": 0.1}], ids=str)
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), 1e30])
def test_a_poisoned_model_leaves_the_others_bitwise(
    strategy: str, models: list[dict[str, Any]], recipe: dict[str, Any], poison: float, tmp_path: Path
) -> None:
    where = place(tmp_path, torch.float32)
    results = []
    for bad in (False, True):
        made = members(where, [{**one, **recipe} for one in models])
        packed = STRATEGIES[strategy](made)
        if bad:
            packed.configs[1] = packed.configs[1].model_copy(update={"learning_rate": poison})
        numbers = run(packed, where, 2)
        states = packed.states()
        results.append([(numbers[slot], numbers[4 + slot], states[slot]) for slot in (0, 2, 3)])
        if bad:
            assert not all(torch.isfinite(t).all() for t in states[1].values())
    for clean, beside in zip(*results, strict=True):
        assert clean[:2] == beside[:2]
        assert all(torch.equal(clean[2][name], beside[2][name]) for name in clean[2])


@pytest.mark.parametrize(("strategy", "models"), STRATEGIES_AND_MODELS, ids=["concatenated", "stacked"])
@pytest.mark.parametrize(
    "recipe",
    [{"optimizer": "sgd"}, {"optimizer": "adam"}, {"momentum": (0.9, 0.5, 0.0, 0.9), "weight_decay": 0.001}],
    ids=["sgd", "adam", "momentum of some"],
)
def test_any_form_goes_on_from_any_other_bitwise_in_the_same_shape(
    strategy: str, models: list[dict[str, Any]], recipe: dict[str, Any], tmp_path: Path
) -> None:
    where = place(tmp_path, torch.float32)
    of_each = [
        {key: value[i] if isinstance(value, tuple) else value for key, value in recipe.items()} for i in range(4)
    ]
    changes = [{**one, **own, "learning_rate": 0.01} for one, own in zip(models, of_each, strict=True)]
    whole = STRATEGIES[strategy](members(where, changes))
    expected = run(whole, where, 4)
    half = STRATEGIES[strategy](made := members(where, changes))
    run(half, where, 2)
    for member, state in zip(made, half.states(), strict=True):
        member._state = {name: tensor.clone() for name, tensor in state.items()}
    rest = STRATEGIES[strategy](made)
    assert run(rest, where, 2, first=3) == expected
    other = Single([made[2]])
    assert run(other, where, 2, first=3) == [pytest.approx(expected[2], rel=1e-3), pytest.approx(expected[6], rel=1e-3)]
