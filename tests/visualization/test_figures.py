from dataclasses import replace

import numpy as np
import pytest

from gridsearch.analysis.comparison import comparison
from gridsearch.analysis.correlation import Correlation, correlation
from gridsearch.analysis.curves import Curves, curves
from gridsearch.analysis.evaluation import scores
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.scatter import board
from gridsearch.store.rows import Evaluation
from gridsearch.visualization.figures.comparison import comparison_figure
from gridsearch.visualization.figures.confusion import confusion_figure
from gridsearch.visualization.figures.curves import curve_figure, curves_figure, shared_axes
from gridsearch.visualization.figures.heatmap import coefficient_text, heatmap_figure
from gridsearch.visualization.figures.scatter import scatter_figure
from gridsearch.visualization.figures.value_axis import log_ticks
from gridsearch.visualization.theme import GRID, level_markers
from tests.analysis.grids import SHALLOW, grid, shallow_score

DATA = grid(SHALLOW, shallow_score)


def test_the_heatmap_shows_every_coefficient_as_text() -> None:
    found = correlation(DATA)
    figure = heatmap_figure(found)
    texts = [note.text for note in figure.layout.annotations]
    assert texts == [coefficient_text(value) for row in found.matrix for value in row]
    assert figure.data[0].z[0][0] is None and figure.data[0].z[4][2] == pytest.approx(found.matrix[4][2])
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)


def test_a_missing_coefficient_is_a_dash_and_zero_has_no_sign() -> None:
    figure = heatmap_figure(Correlation("pearson", ("a", "b"), ((1.0, None), (None, 1.0)), 2, (), ()))
    assert [note.text for note in figure.layout.annotations] == ["+1.00", "–", "–", "+1.00"]
    assert coefficient_text(-1e-17) == "0.00" and coefficient_text(-0.345) == "−0.34"


def test_a_scatter_has_one_trace_a_level_and_every_trial_once() -> None:
    figure = scatter_figure(board(DATA), "learning_rate", "neurons")
    assert [trace.name for trace in figure.data] == ["10", "25", "50", "100"]
    assert sum(len(trace.x) for trace in figure.data) == 192
    assert figure.layout.legend.title.text == "neurons"
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.ticktext == ("0.0001", "0.001", "0.01", "0.1")
    assert figure.layout.xaxis.title.text == "learning rate"
    assert figure.layout.yaxis.title.text == "validation accuracy"
    assert len({trace.marker.color for trace in figure.data}) == 4


def test_pointing_at_a_point_shows_its_true_values() -> None:
    figure = scatter_figure(board(DATA), "learning_rate")
    first = DATA.trials.iloc[0]
    assert figure.data[0].customdata[0] == (
        f"<b>val_accuracy {first['score']:.6f}</b><br>batch_size = 4<br>epochs = 2<br>"
        f"learning_rate = 0.1<br>neurons = 10<br>trial {first['trial'][:8]}"
    )
    assert not figure.layout.showlegend


def test_text_is_shown_as_it_is_not_as_markup() -> None:
    figure = scatter_figure(board(grid({"kind": ["<b>x</b>", "<a href='x'>"]}, lambda p: 0.5)), "kind", "kind")
    assert figure.layout.xaxis.ticktext[0] == "&lt;b&gt;x&lt;/b&gt;"
    assert figure.data[0].name == "&lt;b&gt;x&lt;/b&gt;"
    assert "<a" not in figure.to_json()


def test_the_panels_of_a_group_share_a_scale_that_leaves_out_epoch_0() -> None:
    best, (plot, _) = curves(DATA).best, curves(DATA).plots
    axes = shared_axes(best, plot)
    figure = curve_figure(best[0], plot, axes)
    assert figure.layout.yaxis.type == "log" and list(figure.layout.yaxis.range) == axes["log"]["range"]
    low, high = (10**power for power in axes["log"]["range"])
    assert low < 2.3 / 5 and 2.4 / 2 < high < 2.3  # the losses of epochs 1 to 4; that of epoch 0 is 2.4
    assert axes["linear"]["range"] == [0, pytest.approx(1.12 * 1.2)]
    assert figure.layout.meta == axes
    untrained = replace(best[0], epochs=(0,), values={"train_loss": (2.3,), "val_loss": (2.4,)})
    assert 10 ** shared_axes([untrained], plot)["log"]["range"][1] > 2.4
    assert sum(shared_axes([], plot)["linear"]["range"]) == 1.12


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-1.05, 0.4, [0.1, 0.2, 0.5, 1, 2]),
        (-3.0, 0.4, [0.001, 0.01, 0.1, 1]),
        (-6.0, 9.0, [1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9]),
        (0.34, 0.39, [2.2, 2.25, 2.3, 2.35, 2.4, 2.45]),
        (0.0, 0.36, [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2]),
    ],
)
def test_the_ticks_of_a_logarithmic_axis_are_numbers_that_people_read(
    low: float, high: float, ticks: list[float]
) -> None:
    assert log_ticks(low, high) == ticks


def test_lines_are_training_and_validation_with_the_lowest_marked() -> None:
    curve, plot = curves(DATA).best[0], curves(DATA).plots[0]
    figure = curve_figure(curve, plot, shared_axes([curve], plot))
    named = {trace.name: trace for trace in figure.data}
    assert tuple(named["training"].y) == curve.metric("train_loss")
    assert tuple(named["validation"].y) == curve.metric("val_loss")
    assert named["lowest validation loss"].x == (4,)


def test_a_diverged_curve_ends_in_a_gap_and_a_line() -> None:
    found = curves(grid({"neurons": [1, 2, 3]}, lambda p: None if p["neurons"] == 1 else 0.5))
    (worst,), plot = found.worst, found.plots[0]
    figure = curve_figure(worst, plot, shared_axes([worst], plot))
    assert figure.data[0].y[-1] is None and figure.layout.shapes[0].x0 == 2


def test_a_line_stands_where_overfitting_begins() -> None:
    curve, plots = replace(curves(DATA).best[0], overfit_epoch=2), curves(DATA).plots
    assert [line.x0 for line in curve_figure(curve, plots[0], shared_axes([curve], plots[0])).layout.shapes] == [2]
    assert [line.x0 for line in curves_figure(Curves((curve,), (), (), 1, plots=plots)).layout.shapes] == [2]


@pytest.mark.parametrize(("metric", "of_training"), [("val_loss", "train_loss"), ("val_accuracy", "train_accuracy")])
def test_compared_curves_have_one_colour_for_a_value(metric: str, of_training: str) -> None:
    found = comparison(DATA, "batch_size")
    found = replace(found, curves=(replace(found.curves[0], overfit_epoch=3), *found.curves[1:]))
    figure = comparison_figure(found, metric)
    solid = [trace for trace in figure.data if trace.showlegend]
    assert [trace.name for trace in solid] == list(found.values)
    assert len({trace.line.color for trace in solid}) == 6
    assert solid[0].y == pytest.approx(found.curves[0].metric(metric), rel=1e-4)
    dotted = [trace for trace in figure.data if trace.meta == "training"]
    assert [trace.line.color for trace in dotted] == [trace.line.color for trace in solid]
    assert dotted[0].y == pytest.approx(found.curves[0].metric(of_training), rel=1e-4)
    (ring,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert ring.x == (3,) and ring.y[0] == solid[0].y[3] and ring.marker.line.color == solid[0].line.color
    assert "<b>batch_size = 4</b> (0.957000)<br>epochs = 4<br>learning_rate = 0.1<br>neurons = 100" in solid[0].text
    assert len(comparison_figure(found, metric, training=False).data) == 7


def test_a_loss_that_explodes_does_not_press_the_others_flat() -> None:
    found = comparison(DATA, "neurons")
    wild = replace(found.curves[0], values={"val_loss": (2.4, 1e6, 1e9, None, None)})
    figure = comparison_figure(replace(found, curves=(wild, *found.curves[1:])), log=False)
    assert 2.4 < figure.layout.yaxis.range[1] < 12 and figure.layout.meta["both"]["log"]["range"][1] > 9


def test_only_loss_and_accuracy_can_be_compared() -> None:
    with pytest.raises(TableError, match="unknown metric 'val_los' .did you mean 'val_loss'"):
        comparison_figure(comparison(DATA, "neurons"), "val_los")


def test_a_confusion_matrix_is_divided_by_its_rows_and_numbered() -> None:
    figure = confusion_figure(
        scores(Evaluation("t", 1, None, ("<a>", "b", "c"), ((996, 4, 0), (1, 1, 2), (0, 0, 0)), 1.0))
    )
    assert [list(row) for row in figure.data[0].z[1:]] == [[0.25, 0.25, 0.5], [0, 0, 0]]
    assert figure.data[0].customdata[0][1] == "4 of 1,000 &lt;a&gt; predicted as b"
    assert [note.text for note in figure.layout.annotations] == ["100", "0.4", "", "25", "25", "50", "", "", ""]
    # Colours are of errors: the diagonal is covered, and the largest share of an error has the strongest.
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 0.5)
    (diagonal,) = figure.layout.shapes
    assert diagonal.path.count("M") == 3 and diagonal.layer == "above" and diagonal.fillcolor == GRID
    right = scores(Evaluation("t", 1, None, ("a", "b"), ((5, 0), (0, 5)), 1.0))
    assert confusion_figure(right).data[0].zmax == 1
    assert figure.layout.yaxis.ticktext == ("&lt;a&gt;", "b", "c")


def test_a_confusion_of_many_classes_has_no_numbers_and_fewer_ticks() -> None:
    for classes, numbers, ticks in ((15, 225, 15), (16, 0, 16), (100, 0, 25)):
        counts = tuple(map(tuple, np.eye(classes, dtype=int).tolist()))
        figure = confusion_figure(scores(Evaluation("t", 1, None, tuple(map(str, range(classes))), counts, 1.0)))
        assert (len(figure.layout.annotations), len(figure.layout.xaxis.ticktext)) == (numbers, ticks)


@pytest.mark.parametrize("log", [False, True])
def test_all_curves_in_one_figure_for_a_notebook(log: bool) -> None:
    figure = curves_figure(curves(DATA), log=log)
    assert len(figure.layout.annotations) == 9
    assert figure.layout.annotations[0].text.startswith("<b>best · #1 · 0.957000</b><br>batch size 4 · epochs 4")
    assert {figure.layout[f"yaxis{n or ''}"].type for n in (0, 2, 9)} == {"log" if log else "linear"}


@pytest.mark.parametrize("axes", [{}, {"neurons": [1]}, {"neurons": [1, 2]}])
def test_small_jobs_have_figures_too(axes: dict[str, list[int]]) -> None:
    for score in (0.5, None):
        data = grid(axes, lambda point, score=score: score)
        assert heatmap_figure(correlation(data)).data
        assert curves_figure(curves(data)).layout.height
        for name in axes:
            assert scatter_figure(board(data), name).layout.xaxis.range


def test_levels_are_told_apart() -> None:
    for count in range(1, 11):
        for ordered in (True, False)[: 2 if count <= 8 else 1]:
            markers = level_markers(count, ordered=ordered)
            assert len({marker["color"] for marker in markers}) == count
