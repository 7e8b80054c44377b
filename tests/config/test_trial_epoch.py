"""Which epoch's weights are a trial's."""

from __future__ import annotations

import math

import pytest

from gridsearch.config.events import EpochRecord
from gridsearch.config.sections import Objective
from gridsearch.config.trial import TrialConfig
from gridsearch.config.trial_epoch import reading_epoch

NAN = math.nan


def history(*losses: float) -> list[EpochRecord]:
    return [EpochRecord("a", 1, e, loss, 0.5, loss, 1 - loss, 0.1, 0.1) for e, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("objective", "epochs", "losses", "expected"),
    [
        (Objective(), 3, (0.9, 0.1, 0.2, 0.3, 0.4), 3),
        (Objective(), 3, (0.9, 0.1, 0.2), None),
        (Objective(at="best"), 4, (0.0, 0.3, 0.1, 0.1, 0.2), 2),
        (Objective(at="best"), 1, (0.0, 0.3, 0.1), 1),
        (Objective(at="best"), 9, (0.0, 0.3, 0.1), 2),
        (Objective(at="best"), 9, (0.0,), None),
        (Objective(metric="val_loss", at="best"), 4, (0.0, 0.3, NAN, 0.1, 0.2), 3),
        (Objective(metric="val_loss", at="best", mode="max"), 4, (0.9, 0.3, 0.4, 0.4, NAN), 2),
        (Objective(metric="val_loss", at="best"), 4, (0.9, NAN), None),
    ],
)
def test_the_reading_of_a_trial(
    objective: Objective, epochs: int, losses: tuple[float, ...], expected: int | None
) -> None:
    config = TrialConfig(batch_size=1, epochs=epochs, learning_rate=0.1, dataset="d", model="shallow")
    assert reading_epoch(config, objective, history(*losses)) == expected
