from __future__ import annotations

import pytest
import torch

from gridsearch.training.schedules import learning_rate
from tests.training.conftest import config


def test_constant() -> None:
    assert {learning_rate(config(), epoch) for epoch in range(1, 5)} == {0.1}


@pytest.mark.parametrize(
    ("recipe", "scheduler"),
    [
        (
            {"schedule": "step", "step_size": 3, "gamma": 0.5},
            lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
        ),
        ({"schedule": "cosine", "epochs": 12}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12)),
    ],
)
def test_a_schedule_is_its_namesake(recipe, scheduler) -> None:  # type: ignore[no-untyped-def]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    reference = scheduler(optimizer)
    for epoch in range(1, 13):
        assert learning_rate(config(**recipe), epoch) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-15)
        optimizer.step()
        reference.step()
