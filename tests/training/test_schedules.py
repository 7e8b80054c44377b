from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from gridsearch.training.recipe.schedules import learning_rates
from tests.training.conftest import config


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)


def test_constant() -> None:
    assert {tuple(learning_rates(config(), epoch, 5, ())) for epoch in range(1, 5)} == {(0.1,)}


@pytest.mark.parametrize(
    ("recipe", "scheduler"),
    [
        ({"schedule": "step", "step_size": 3, "gamma": 0.5}, lambda o: lr_scheduler.StepLR(o, 3, 0.5)),
        ({"schedule": "cosine", "epochs": 12}, lambda o: lr_scheduler.CosineAnnealingLR(o, 12)),
    ],
)
def test_a_schedule_by_epoch_is_its_namesake(recipe: dict[str, Any], scheduler: Any) -> None:
    reference = scheduler(of := optimizer())
    for epoch in range(1, 13):
        (rate,) = learning_rates(config(**recipe), epoch, 5, ())
        assert rate == pytest.approx(of.param_groups[0]["lr"], abs=1e-15)
        of.step()
        reference.step()


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 3), (3, 1), (4, 25), (10, 7)])
def test_one_cycle_is_its_namesake(epochs: int, steps: int) -> None:
    reference = lr_scheduler.OneCycleLR(of := optimizer(), 0.1, total_steps=epochs * steps, cycle_momentum=False)
    for epoch in range(1, epochs + 1):
        rates = learning_rates(config(schedule="one_cycle", epochs=epochs), epoch, steps, ())
        assert len(rates) == steps
        for rate in rates:
            assert rate == pytest.approx(of.param_groups[0]["lr"], rel=1e-12)
            of.step()
            if reference.last_epoch < epochs * steps - 1:
                reference.step()


@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("lowest", [0.0, 0.02])
def test_plateau_is_its_namesake(patience: int, lowest: float) -> None:
    recipe = config(schedule="plateau", gamma=0.5, plateau_patience=patience, min_learning_rate=lowest)
    reference = lr_scheduler.ReduceLROnPlateau(of := optimizer(), factor=0.5, patience=patience, min_lr=lowest)
    losses = [2.3, 2.0, 1.9, 1.95, 1.9, 1.89999, 1.89, 1.9, 1.9, 1.9, 1.9, 1.9, 1.5, *[1.6] * 60]
    seen = set()
    for epoch in range(1, len(losses)):
        (rate,) = learning_rates(recipe, epoch, 5, losses[:epoch])
        assert rate == pytest.approx(of.param_groups[0]["lr"], abs=1e-15)
        seen.add(rate)
        reference.step(losses[epoch])
    assert len(seen) > 2
