import pytest

from gridsearch.analysis.comparison import comparison
from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.curves import curves
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.measures import initial_val_loss, overfit_epoch
from gridsearch.analysis.plots import plot_named
from gridsearch.store.rows import LineageCurve
from tests.analysis.grids import SHALLOW, grid, shallow_score
from tests.analysis.own_grids import own_grid

F1 = {"metric": "val_f1", "at": "last", "mode": "max"}


def of(objective: str = "val_f1", mode: str = "max", epochs: int = 3, **metrics: float | None) -> JobData:
    """Two trials whose metrics grow by themselves in each epoch."""

    def report(point: object, epoch: int) -> dict[str, float | None]:
        return {name: None if value is None else value * epoch for name, value in metrics.items()}

    return own_grid({"depth": [1, 2]}, report, {"metric": objective, "at": "last", "mode": mode}, epochs=epochs)


def test_our_own_classifiers_have_a_loss_and_an_accuracy() -> None:
    loss, accuracy = curves(grid(SHALLOW, shallow_score)).plots
    assert (loss.metrics, loss.title, loss.log, loss.share) == (("val_loss", "train_loss"), "loss (nats)", True, False)
    assert accuracy.metrics == ("val_accuracy", "train_accuracy")
    assert (accuracy.title, accuracy.log, accuracy.share) == ("accuracy", False, True)
    assert (loss.line, loss.best_words, accuracy.better) == ("validation", "lowest validation loss", "max")


def test_the_loss_comes_first_then_the_objective_then_the_others() -> None:
    data = of(a=1.0, b=1.0, train_f1=0.1, train_loss=1.0, val_f1=0.1, val_loss=1.0, train_x=1.0)
    plots = curves(data).plots
    assert [plot.metrics for plot in plots] == [
        ("val_loss", "train_loss"),
        ("val_f1", "train_f1"),
        ("a",),
        ("b",),
        ("train_x",),
    ]
    assert [plot.words for plot in plots] == ["loss", "f1", "a", "b", "training x"]
    assert [plot.line for plot in plots] == ["validation", "validation", "a", "b", "training"]
    assert plots[0].title == "loss" and comparison(data, "depth").plots == plots


@pytest.mark.parametrize("prefix", ["val", "valid", "validation", "eval"])
def test_what_is_measured_in_training_is_beside_its_validation(prefix: str) -> None:
    (plot,) = curves(of(f"{prefix}_rmse", "min", **{f"{prefix}_rmse": 1.0, "train_rmse": 1.0})).plots
    assert plot.metrics == (f"{prefix}_rmse", "train_rmse") and plot.title == "rmse" and plot.better == "min"


def test_a_metric_of_one_value_in_each_trial_is_no_curve() -> None:
    def report(point: object, epoch: int) -> dict[str, float | None]:
        return {"val_f1": 0.1 * epoch} | ({"test_f1": 0.5} if epoch == 3 else {})

    data = own_grid({"depth": [1, 2]}, report, F1, epochs=3)
    assert [plot.metric for plot in curves(data).plots] == ["val_f1"]
    assert "test_f1" in data.trials
    with pytest.raises(TableError, match="unknown metric 'test_f1'"):
        plot_named(curves(data).plots, "test_f1")
    assert curves(of(epochs=1, val_f1=0.5, val_loss=1.0)).plots == ()
    assert curves(of(val_f1=None)).plots == ()


def test_a_metric_of_every_other_epoch_is_a_curve() -> None:
    def report(point: object, epoch: int) -> dict[str, float | None]:
        return {"val_f1": 0.1 * epoch} if epoch % 2 else {"other": 1.0}

    found = curves(own_grid({"depth": [1]}, report, F1, epochs=5))
    assert [plot.metric for plot in found.plots] == ["val_f1", "other"]
    assert [epoch for epoch, _ in found.best[0].known("val_f1")] == [1, 3, 5]


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ({"val_loss": 1.0}, True),
        ({"val_loss": 1e-9}, True),
        ({"val_loss": -1.0}, False),
        ({"val_loss": 0.0}, False),
        ({"val_rmse": 1.0}, False),
        ({"val_f1": 0.1}, False),
        ({"val_accuracy": 97.0}, False),
    ],
)
def test_losses_above_zero_can_be_logarithmic(values: dict[str, float], log: bool) -> None:
    (plot,) = curves(of(next(iter(values)), **values)).plots
    assert plot.log is log and not plot.share


def test_what_spans_much_can_be_logarithmic_but_no_share_of_what_is_right() -> None:
    def report(point: object, epoch: int) -> dict[str, float | None]:
        return {"cost": 10.0 ** (3 * epoch), "val_f1": 10.0 ** (-epoch), "gain": 10.0**epoch - 100}

    plots = {plot.metric: plot.log for plot in curves(own_grid({"depth": [1]}, report, F1)).plots}
    assert plots == {"val_f1": False, "cost": True, "gain": False}


def test_the_best_epoch_is_in_the_direction_of_the_metric() -> None:
    found = curves(of("gain", "max", gain=-1.0, val_rmse=1.0, odd=1.0))
    curve, plots = found.best[0], {plot.metric: plot for plot in found.plots}
    assert plots["gain"].best_epoch(curve) == plots["val_rmse"].best_epoch(curve) == 1
    assert plots["gain"].best_words == "highest gain" and plots["val_rmse"].best_words == "lowest validation rmse"
    assert plots["odd"].best_epoch(curve) is None and plots["odd"].best_words == ""


def test_overfitting_of_a_training_of_the_users_own_is_seen() -> None:
    losses = (1.0, 0.9, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
    more = tuple({"train_loss": 1 / (1 + epoch), "val_loss": loss} for epoch, loss in enumerate(losses))
    none = (None,) * 9
    own = LineageCurve("a", tuple(range(9)), none, none, none, none, none, (1.0,) * 9, more)
    assert overfit_epoch(own) == 2 and initial_val_loss(own) == 1.0


def test_a_setting_may_be_called_as_the_metric_that_ranks() -> None:
    def report(point: dict[str, int], epoch: int) -> dict[str, float | None]:
        return {"depth": 1.0 / point["depth"]}

    data = own_grid({"depth": [1, 2, 3]}, report, {"metric": "depth", "at": "last", "mode": "max"})  # type: ignore[arg-type]
    found = correlation(data, "spearman")
    assert found.names == ("depth", "metric_depth") and found.matrix[0][1] == -1
