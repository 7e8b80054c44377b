"""The curves that `show TRIAL` draws with characters: of metrics that have one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridsearch.cli.render.trial import trial_text
from tests.analysis.own_grids import Report, own_grid

F1 = {"metric": "val_f1", "at": "last", "mode": "max"}


def shown(report: Report, epochs: int = 4) -> str:
    data = own_grid({"depth": [1]}, report, F1, epochs=epochs)
    return trial_text(data.rows[0], {"depth": 1}, data.epoch_rows, ())


def test_a_metric_of_one_value_has_no_curve() -> None:
    def report(point: Mapping[str, Any], epoch: int) -> dict[str, float | None]:
        return {"val_f1": 0.1 * epoch, "val_loss": 1.0 / epoch} | ({"test_f1": 0.5} if epoch == 4 else {})

    text = shown(report)
    assert "epochs 1 to 4 (losses on a log scale)" in text
    assert text.count("val_f1") == text.count("val_loss") == 2 and text.count("test_f1") == 1
    assert "▁▃▆█  0.1 to 0.4" in text


def test_without_epochs_there_is_no_curve() -> None:
    text = shown(lambda point, epoch: {"val_f1": 0.5, "r2": -1e-9}, epochs=1)
    assert "epochs 1" not in text and "val_f1           0.500000" in text and "-1.00000e-09" in text


def test_what_is_measured_in_every_other_epoch_is_drawn_without_gaps() -> None:
    def report(point: Mapping[str, Any], epoch: int) -> dict[str, float | None]:
        return {"val_f1": float(epoch), "odd": None if epoch == 3 else 1.0} if epoch % 2 else {"other": 1.0}

    text = shown(report, epochs=5)
    assert "▁▅█  1 to 5" in text and "▁×▁  1 to 1" in text
    assert "log scale" not in text


def test_losses_of_any_size_are_logarithmic() -> None:
    text = shown(lambda point, epoch: {"val_f1": 0.5, "val_loss": 10.0**-epoch, "tiny_loss": 10.0 ** (-8 - epoch)})
    assert text.count("█▆▃▁") == 2
    assert "▁▁▁█" in shown(lambda point, epoch: {"val_f1": 0.5, "elbo_loss": -1.0 if epoch < 4 else 5.0})
