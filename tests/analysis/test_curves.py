import pytest

from gridsearch.analysis.curves import curves
from tests.analysis.grids import SHALLOW, grid, shallow_score


def test_three_best_three_median_three_worst() -> None:
    found = curves(grid(SHALLOW, shallow_score))
    ranks = {name: [curve.rank for curve in group] for name, group in found.groups}
    assert ranks == {"best": [1, 2, 3], "median": [95, 96, 97], "worst": [190, 191, 192]}
    best = found.best[0]
    assert best.epochs == (0, 1, 2, 3, 4) and best.score == pytest.approx(0.957)
    assert best.metric("val_loss") == pytest.approx([2.4 / (1 + epoch) for epoch in range(5)])
    assert best.metric("train_loss") == pytest.approx([2.3 / (1 + epoch) for epoch in range(5)])
    assert best.settings == (
        ("batch_size", "4"),
        ("epochs", "4"),
        ("learning_rate", "0.1"),
        ("neurons", "100"),
    )
    assert found.plots[0].best_epoch(best) == 4 and best.diverged_epoch is None


@pytest.mark.parametrize("count", range(12))
def test_no_trial_stands_twice_in_a_small_job(count: int) -> None:
    found = curves(grid({"neurons": list(range(1, count + 1))}, lambda point: point["neurons"] / 100))
    trials = [curve.trial for _, group in found.groups for curve in group]
    assert len(trials) == len(set(trials)) and found.total == count
    assert len(trials) == (count if count <= 3 else 3 * min(3, count // 3))


def test_a_shorter_trial_ends_at_its_own_last_epoch() -> None:
    found = curves(grid({"epochs": [1, 4]}, lambda point: point["epochs"] / 10))
    assert found.worst[0].epochs == (0, 1) and found.best[0].epochs == (0, 1, 2, 3, 4)


def test_a_diverged_trial_is_the_worst_and_its_loss_has_a_gap() -> None:
    found = curves(grid({"neurons": [1, 2, 3]}, lambda p: None if p["neurons"] == 1 else 0.5))
    worst = found.worst[0]
    assert worst.diverged_epoch == 2 and worst.score is None
    assert worst.metric("val_loss")[-1] is None and found.plots[0].best_epoch(worst) == 1


def test_where_all_diverged_none_is_the_best() -> None:
    found = curves(grid({"neurons": [1, 2, 3, 4]}, lambda point: None))
    assert not found.best and not found.median and len(found.worst) == 1
