import numpy as np
import pytest

from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.filtering import TableError
from tests.analysis.grids import SHALLOW, grid, shallow_score

DATA = grid(SHALLOW, shallow_score)


def test_pearson_agrees_with_numpy() -> None:
    found = correlation(DATA)
    columns = DATA.trials[[*SHALLOW, "score"]].to_numpy(dtype=float)
    np.testing.assert_allclose(found.frame().to_numpy(), np.corrcoef(columns.T), atol=1e-12)
    assert found.names == (*SHALLOW, "val_accuracy") and found.n == 192


def test_spearman_is_pearson_of_the_ranks() -> None:
    found = correlation(DATA, "spearman").frame()
    ranks = DATA.trials[[*SHALLOW, "score"]].rank().to_numpy(dtype=float)
    np.testing.assert_allclose(found.to_numpy(), np.corrcoef(ranks.T), atol=1e-12)


def test_constant_and_text_axes_are_left_out_and_named() -> None:
    axes = {"neurons": [1, 2, 3], "seed": [0], "optimizer": ["sgd", "adam"], "hidden": [[1], [2, 3]]}
    found = correlation(grid(axes, lambda point: point["neurons"] / 10))
    assert found.names == ("neurons", "val_accuracy")
    assert found.constant == ("seed",) and found.text == ("optimizer", "hidden")
    assert found.matrix[0][1] == pytest.approx(1.0)


def test_true_and_false_count_as_one_and_zero() -> None:
    found = correlation(grid({"batch_norm": [False, True], "neurons": [1, 2]}, lambda p: 0.1 + 0.5 * p["batch_norm"]))
    assert found.matrix[0][2] == pytest.approx(1.0)
    assert found.matrix[1][2] == pytest.approx(0.0)


def test_only_trials_with_a_score_take_part() -> None:
    found = correlation(grid({"neurons": [1, 2, 3, 4]}, lambda p: None if p["neurons"] == 4 else p["neurons"] / 10))
    assert found.n == 3 and found.matrix[0][1] == pytest.approx(1.0)


def test_no_coefficient_where_there_is_none() -> None:
    assert correlation(grid({"neurons": [1, 2, 3]}, lambda point: 0.5)).matrix[0] == (1.0, None)
    assert correlation(grid({"neurons": [1, 2]}, lambda p: p["neurons"] / 10)).matrix == (
        (None, None),
        (None, None),
    )
    empty = correlation(grid({"neurons": [1]}, lambda point: None))
    assert empty.n == 0 and empty.names == ("val_accuracy",) and empty.matrix == ((None,),)


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(TableError, match="did you mean 'pearson'"):
        correlation(DATA, "pearsn")
