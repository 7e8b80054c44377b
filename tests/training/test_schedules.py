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
        ({"schedule": "polynomial", "epochs": 12}, lambda o: lr_scheduler.PolynomialLR(o, 12)),
        ({"schedule": "polynomial", "epochs": 12, "power": 0.9}, lambda o: lr_scheduler.PolynomialLR(o, 12, 0.9)),
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


@pytest.mark.parametrize(
    ("recipe", "after"),
    [
        ({}, lambda o: lr_scheduler.ConstantLR(o, 1.0)),
        ({"schedule": "step", "step_size": 3, "gamma": 0.5}, lambda o: lr_scheduler.StepLR(o, 3, 0.5)),
        ({"schedule": "cosine"}, lambda o: lr_scheduler.CosineAnnealingLR(o, 10)),
        ({"schedule": "polynomial", "power": 2.0}, lambda o: lr_scheduler.PolynomialLR(o, 10, 2.0)),
    ],
    ids=["constant", "step", "cosine", "polynomial"],
)
def test_a_warm_up_is_a_linear_schedule_before_another(recipe: dict[str, Any], after: Any) -> None:
    chosen = config(epochs=12, warmup_epochs=2, warmup_start=0.1, **recipe)
    of = optimizer()
    reference = lr_scheduler.SequentialLR(of, [lr_scheduler.LinearLR(of, 0.1, total_iters=2), after(of)], [2])
    by_step = lr_scheduler.LinearLR(warm := optimizer(), 0.1, total_iters=10)
    for epoch in range(1, 13):
        rates = learning_rates(chosen, epoch, 5, ())
        assert rates[0] == pytest.approx(of.param_groups[0]["lr"], abs=1e-15)
        assert len(rates) == (5 if epoch <= 2 else 1)
        for rate in rates if epoch <= 2 else ():
            assert rate == pytest.approx(warm.param_groups[0]["lr"], abs=1e-15)
            warm.step()
            by_step.step()
        of.step()
        reference.step()


def test_a_warm_up_may_end_within_an_epoch_and_has_one_step_at_least() -> None:
    # 7 steps of warm-up, then epochs of 4 steps from there.
    chosen = config(epochs=4, warmup_epochs=1.75, warmup_start=0.3, schedule="step", step_size=1, gamma=0.5)
    rates = [rate for epoch in range(1, 5) for rate in learning_rates(chosen, epoch, 4, ())]
    rising = [0.1 * (0.3 + 0.7 * step / 7) for step in range(7)]
    assert rates == pytest.approx([*rising, *[0.1] * 4, *[0.05] * 4, 0.025], abs=1e-15)
    short = config(warmup_epochs=0.001)
    assert learning_rates(short, 1, 4, ()) == pytest.approx([0.001, 0.1, 0.1, 0.1])


def test_plateau_looks_at_epochs_that_begin_after_the_warm_up() -> None:
    chosen = config(epochs=9, warmup_epochs=1.5, schedule="plateau", plateau_patience=0, gamma=0.5)
    losses = [2.3, 9.0, 9.0, 1.0, 1.0, 1.0]
    assert learning_rates(chosen, 3, 4, losses[:3]) == [0.1]
    assert learning_rates(chosen, 4, 4, losses[:4])[-1] == 0.1
    assert learning_rates(chosen, 5, 4, losses[:5])[-1] == 0.05
