"""Odd models against torch alone, and stacked against alone: the same numbers wherever they are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gridsearch.models.registry import find_model
from gridsearch.training.loop.evaluation import EVALUATION_BATCH, evaluate
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import WorkerContext
from gridsearch.training.recipe.randomness import derive, epoch_order
from gridsearch.training.stacking.autotune import STRATEGIES
from gridsearch.training.stacking.parity import proved
from gridsearch.training.strategies.sequential import Single
from tests.training import odd_models
from tests.training.conftest import MakePlace, task
from tests.training.test_oracle import place as oracle_place
from tests.training.test_oracle import run

STEPPED = [
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.05},
    {"optimizer": "adam", "weight_decay": 0.05},
    {"optimizer": "adamw", "weight_decay": 0.05},
    {"optimizer": "rmsprop", "momentum": 0.5, "weight_decay": 0.05},
    {"optimizer": "adam", "clip_norm": 0.1},
    {"optimizer": "sgd", "momentum": 0.5, "l1": 0.001},
]
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


def members(kind: str, where: WorkerContext, count: int = 1, **recipe: Any) -> list[Member]:
    name = f"tests.training.odd_models:{kind}"
    made = []
    for index in range(count):
        changes = {"batch_size": 16, "learning_rate": 0.01, **recipe}
        what = task(
            name=f"{index:064x}", model=name, model_code=find_model(name).code, hyper={"scale": 1.0 + index}, **changes
        )
        made.append(Member(what, where))
        made[-1].module.to(where.train.images.dtype)
    return made


def trained_by_torch(member: Member, where: WorkerContext, epochs: int) -> tuple[nn.Module, float]:
    """Train as anyone would with torch alone; return the model and its validation loss."""
    model, config = member.begun_anew(where).module.to(where.train.images.dtype), member.config
    own = {key: getattr(config, key) for key in ("momentum", "weight_decay") if getattr(config, key)}
    optimizer = OPTIMIZERS[config.optimizer](model.parameters(), lr=config.learning_rate, **{"weight_decay": 0.0} | own)
    for epoch in range(1, epochs + 1):
        torch.manual_seed(derive(config.seed, "draws", epoch))
        model.train()
        for batch in torch.split(epoch_order(len(where.train), data_seed=0, epoch=epoch), config.batch_size):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(where.train.images[batch]), where.train.labels[batch])
            if config.l1:
                loss = loss + config.l1 * sum(parameter.abs().sum() for parameter in model.parameters())
            loss.backward()
            if config.clip_norm:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(where.validation.images)
    return model, float(functional.cross_entropy(outputs, where.validation.labels))


@pytest.mark.parametrize("recipe", STEPPED, ids=str)
@pytest.mark.parametrize("kind", ["FrozenBody", "EvaluationHead", "LayerDrop"])
def test_a_parameter_without_a_gradient_is_left_as_torch_leaves_it(
    kind: str, recipe: dict[str, Any], tmp_path: Path
) -> None:
    where = oracle_place(tmp_path, torch.float64)
    (member,) = members(kind, where, **recipe)
    strategy = Single([member])
    run(strategy, where, 2)
    state = strategy.states()[0]
    model, _ = trained_by_torch(member, where, 2)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(state[f"model.{name}"], tensor, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("kind", "strategy"),
    [*((kind, "stacked") for kind in odd_models.ALL)]
    + [pytest.param(kind, "compiled", marks=pytest.mark.slow) for kind in ("EvaluationHead", "BatchStatistics")],
)
def test_an_odd_model_has_the_same_numbers_stacked_alone_and_by_torch(kind: str, strategy: str, tmp_path: Path) -> None:
    where = oracle_place(tmp_path, torch.float64)
    made = members(kind, where, 5, optimizer="adam", weight_decay=0.05)
    together = STRATEGIES[strategy](made)
    numbers = run(together, where, 2)
    for slot, (member, state) in enumerate(zip(made, together.states(), strict=True)):
        alone = Single([member])
        own = run(alone, where, 2)
        expected = alone.states()[0]
        assert state.keys() == expected.keys()
        for name, tensor in expected.items():
            torch.testing.assert_close(state[name], tensor, rtol=1e-10, atol=1e-10, msg=name)
        mine = [numbers[slot], numbers[len(made) + slot]]
        torch.testing.assert_close(torch.tensor(mine), torch.tensor(own), rtol=1e-10, atol=1e-10)
        assert own[1][0] == pytest.approx(trained_by_torch(member, where, 2)[1], abs=1e-10)


@pytest.mark.parametrize("kind", odd_models.ALL)
def test_the_proof_lets_an_odd_model_be_stacked(kind: str, make_place: MakePlace) -> None:
    where = make_place()
    assert (
        proved(STRATEGIES["stacked"], members(kind, where, 3, optimizer="adam", weight_decay=0.05), where) == [True] * 3
    )


def test_what_goes_on_from_a_checkpoint_knows_which_steps_were_missed(tmp_path: Path) -> None:
    where = oracle_place(tmp_path, torch.float64)
    made = members("LayerDrop", where, 2, optimizer="adam")
    whole = STRATEGIES["stacked"](made)
    run(whole, where, 3)
    first = STRATEGIES["stacked"](made)
    run(first, where, 1)
    for member, state in zip(made, first.states(), strict=True):
        member._state = {name: tensor.clone() for name, tensor in state.items()}
    for strategy in (STRATEGIES["stacked"](made), Single(made[:1])):
        run(strategy, where, 2, first=2)
        for name, tensor in whole.states()[0].items():
            torch.testing.assert_close(strategy.states()[0][name], tensor, rtol=1e-10, atol=1e-10, msg=name)


def test_what_is_evaluated_at_once_depends_on_the_images_alone(make_place: MakePlace, monkeypatch: Any) -> None:
    where = make_place()
    seen: dict[str, list[int]] = {}
    for strategy, count in (("alone", 1), ("stacked", 2), ("stacked", 9), ("concatenated", 9)):
        if strategy == "concatenated":
            made = [Member(task(name=f"{index:064x}", batch_size=1024), where) for index in range(count)]
        else:
            made = members("Odd", where, count, batch_size=1024)
        one = Single(made) if strategy == "alone" else STRATEGIES[strategy](made)
        sizes: list[int] = []
        given = one.logits

        def watched(images: Tensor, sizes: list[int] = sizes, given: Any = given) -> Tensor:
            sizes.append(len(images))
            answer: Tensor = given(images)
            return answer

        monkeypatch.setattr(one, "logits", watched)
        evaluate(one, where.train)
        seen[f"{strategy} {count}"] = sizes
    assert len({tuple(sizes) for sizes in seen.values()}) == 1
    assert max(seen["alone 1"]) == EVALUATION_BATCH


def test_hooks_that_wait_for_an_accumulated_gradient_run(tmp_path: Path) -> None:
    where = oracle_place(tmp_path, torch.float64)
    (member,) = members("Odd", where)
    strategy = Single([member])

    def forget(parameter: Tensor) -> None:
        parameter.grad = None

    strategy.model.head.weight.register_post_accumulate_grad_hook(forget)
    before = strategy.model.head.weight.clone()
    run(strategy, where, 1)
    assert torch.equal(strategy.model.head.weight, before)
    assert not torch.equal(strategy.model.head.bias, member.begun_anew(where).module.head.bias.double())


def test_a_parameter_that_is_thawed_later_is_told_of(tmp_path: Path) -> None:
    where = oracle_place(tmp_path, torch.float64)
    (member,) = members("Odd", where, freeze="body.*")
    strategy = Single([member])
    strategy.model.body.requires_grad_(True)
    with pytest.raises(Exception, match=r"'body.weight' is frozen when the model is made and has a gradient later"):
        run(strategy, where, 1)


def test_a_model_of_which_nothing_is_trained_is_told_of(tmp_path: Path) -> None:
    where = oracle_place(tmp_path, torch.float64)
    (member,) = members("FrozenBody", where, freeze="head.*")
    with pytest.raises(Exception, match="nothing of the model is trained"):
        run(Single([member]), where, 1)
