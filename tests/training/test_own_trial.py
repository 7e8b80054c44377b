"""A trial as a training function sees it, and the states that it keeps without pickle."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

import gridsearch
from gridsearch.errors import TrialError
from gridsearch.training.own.numbers import checked_metrics
from gridsearch.training.own.saved_state import restore_state, state_of


def test_a_local_trial_prints_what_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    trial = gridsearch.Trial.local(learning_rate=0.1, epochs=3)
    assert dict(trial) == {"epochs": 3, "seed": 0, "early_stopping": 0, "learning_rate": 0.1}
    assert trial.restore(nn.Linear(1, 1)) == 0
    trial.report(1, val_f1=torch.tensor([0.5]), val_loss=np.float32(0.25))
    trial.report(3)
    assert capsys.readouterr().out == "epoch 1: val_f1 0.5, val_loss 0.25\nepoch 3: no metrics\n"
    assert trial.get("depth", 4) == 4
    with pytest.raises(KeyError, match="there is no setting 'learning_rat' .*'learning_rate'"):
        trial["learning_rat"]


@pytest.mark.parametrize(
    ("epochs", "said"),
    [([1, 1], "epoch 1 was reported after epoch 1"), ([2, 1], "ascending order"), ([4], "the trial has 3"),
     ([-1], "the trial has 3"), ([True], "takes a whole number first"), ([0.5], "takes a whole number first")],
)  # fmt: skip
def test_epochs_come_in_order(epochs: list[Any], said: str) -> None:
    trial = gridsearch.Trial.local(epochs=3)
    for epoch in epochs[:-1]:
        trial.report(epoch)
    with pytest.raises(TrialError, match=said):
        trial.report(epochs[-1])


@pytest.mark.parametrize(
    ("metrics", "said"),
    [({"f1": None}, "'f1' is None; give a number"), ({"f1": "0.5"}, "of type str"),
     ({"f1": torch.ones(2)}, r"has the shape \(2,\)"), ({"epoch": 1.0}, "name of something else"),
     ({"val f1": 1.0}, "no name of a metric")],
)  # fmt: skip
def test_a_metric_is_one_number_with_a_name(metrics: dict[str, Any], said: str) -> None:
    with pytest.raises(TrialError, match=said):
        checked_metrics(metrics)


class Kept:
    def __init__(self, state: Any = None) -> None:
        self.state = state

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        self.state = state


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(st.lists(plain, max_size=3))
def test_plain_states_come_back_as_they_were(states: list[Any]) -> None:
    kept = load(save(state_of([Kept(state) for state in states])))
    found = [Kept() for _ in states]
    restore_state(kept, found)
    assert [one.state for one in found] == states
    assert repr([one.state for one in found]) == repr(states)


@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.SGD, torch.optim.RMSprop, torch.optim.LBFGS])
def test_models_optimizers_and_schedulers_go_on_as_if_nothing_had_been(make: Any) -> None:
    def steps(model: nn.Module, optimizer: Any, scheduler: Any, count: int) -> torch.Tensor:
        loss = torch.zeros(())

        def closure() -> torch.Tensor:
            nonlocal loss
            optimizer.zero_grad()
            loss = model(torch.arange(8.0).reshape(2, 4)).square().mean()
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)
            scheduler.step()
        return loss

    def made(seed: int) -> tuple[nn.Module, Any, Any]:
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
        optimizer = make(model.parameters(), lr=0.01)
        return model, optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)

    whole, part, other = made(0), made(0), made(1)
    expected = steps(*whole, 7)
    steps(*part, 4)
    restore_state(load(save(state_of(part))), other)
    assert torch.equal(steps(*other, 3), expected)


def test_arrays_types_and_orders_are_kept() -> None:
    state = OrderedDict(
        b=np.arange(6, dtype=np.int16).reshape(2, 3), a=np.float64(0.5), n=float("nan"), e=np.zeros((0, 2))
    )
    found = Kept()
    restore_state(load(save(state_of([Kept(state)]))), [found])
    assert list(found.state) == ["b", "a", "n", "e"]
    assert found.state["b"].dtype == np.int16
    assert (found.state["b"] == state["b"]).all()
    assert np.isnan(found.state["n"])
    assert found.state["e"].shape == (0, 2)


def test_what_cannot_be_kept_is_said() -> None:
    with pytest.raises(TrialError, match="object has no state_dict"):
        state_of([object()])
    with pytest.raises(TrialError, match=r"0\.at\[1\] of its state is of type complex"):
        state_of([Kept({"at": [1, 2j]})])
    with pytest.raises(TrialError, match="given 2 objects, and 1 were saved"):
        restore_state(state_of([Kept(1)]), [Kept(), Kept()])
