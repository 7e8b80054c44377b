import pytest

from gridsearch.analysis.comparison import comparison, comparisons
from gridsearch.analysis.filtering import TableError
from tests.analysis.grids import SHALLOW, grid, shallow_score

DATA = grid(SHALLOW, shallow_score)


def test_the_best_trial_of_each_value_stands_for_it() -> None:
    found = comparison(DATA, "batch_size")
    assert found.values == ("4", "8", "16", "32", "64", "128") and found.ordered
    for value, curve in zip(found.values, found.curves, strict=True):
        own = DATA.trials[DATA.trials["batch_size"] == int(value)]
        assert curve.score == own["score"].max()
        assert dict(curve.settings)["batch_size"] == value
        assert len(curve.metric("val_accuracy")) == len(curve.metric("train_accuracy")) == len(curve.epochs) == 5


def test_axes_whose_lines_can_be_told_apart() -> None:
    assert [one.axis for one in comparisons(DATA)] == ["batch_size", "learning_rate", "neurons"]  # epochs: one line
    assert [len(one.values) for one in comparisons(grid({"batch_size": [2**n for n in range(9)]}, lambda p: 0.5))] == [
        9
    ]
    assert comparisons(grid({"neurons": list(range(1, 12))}, lambda point: 0.5)) == ()
    assert comparisons(grid({"kind": list("abcdefghi")}, lambda point: 0.5)) == ()  # nine colours without an order
    assert comparisons(grid({"neurons": [3]}, lambda point: 0.5)) == ()


def test_a_value_that_only_diverged_is_shown_to_its_end() -> None:
    data = grid({"learning_rate": [0.1, 9.0], "neurons": [1, 2]}, lambda p: None if p["learning_rate"] == 9 else 0.5)
    found = comparison(data, "learning_rate")
    assert found.values == ("0.1", "9")
    assert found.curves[1].diverged_epoch == 2 and found.curves[1].metric("val_loss")[-1] is None


def test_unknown_axes_are_one_line() -> None:
    with pytest.raises(TableError, match="did you mean 'neurons'"):
        comparison(DATA, "neuron")
