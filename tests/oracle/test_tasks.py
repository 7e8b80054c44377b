"""What `launch` stores of regression, of several labels, and of users' losses is what PyTorch alone makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

from tests.oracle.holding import Launched, assert_held, launch, packed
from tests.oracle.recipes import TASKS, job
from tests.oracle.test_numbers import plainly

TOLERANCE, EXACT = 1e-5, 1e-10
#: By which strategy the models of a case are trained together; a loss that `torch.func` cannot map has each alone.
STRATEGIES = {"focal": "stacked", "a loss that branches": "alone"}


def write_data(folder: Path) -> None:
    """Write real data with other targets than classes: diabetes, and which digits an image has something of."""
    diabetes, digits = datasets.load_diabetes(), datasets.load_digits()
    targets = (diabetes.target - diabetes.target.mean()) / diabetes.target.std()
    both = np.stack([targets, diabetes.data[:, 0] * 20], axis=1)
    several = np.stack([digits.target % 2, digits.target > 4, digits.target % 3 == 0], axis=1)
    np.savez(folder / "numbers.npz", x_train=diabetes.data.astype(np.float32) * 20, y_train=targets.astype(np.float32))
    np.savez(folder / "pairs.npz", x_train=diabetes.data[:, :9] * 20, y_train=both)
    np.savez(folder / "several.npz", x_train=(digits.images / 16).astype(np.float32)[:, None], y_train=several)
    np.savez(folder / "digits.npz", x_train=(digits.images / 16).astype(np.float32), y_train=digits.target)


@pytest.mark.parametrize("how", ["packed", "alone"])
@pytest.mark.parametrize("case", list(TASKS))
def test_the_store_has_what_torch_alone_makes_of_a_task(
    case: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_data(tmp_path)
    text = job(case.replace(" ", "-"), TASKS[case]).replace("validation: 600", "validation: 100")
    if how == "packed":
        with packed():
            found = launch(tmp_path, text)
        assert set(found.strategies.values()) == {STRATEGIES.get(case, "stacked")}
    else:
        found = launch(tmp_path, text, "--pack", "off")
    hold(found, tmp_path / text.partition("dataset: ")[2].splitlines()[0])


def hold(found: Launched, file: Path) -> None:
    trials = found.trials()
    assert len(trials) > 1
    for trial in trials:
        tolerance = EXACT if trial.config.get("precision") == "float64" else TOLERANCE
        assert_held(trial, plainly(trial, file), tolerance, images=100)
