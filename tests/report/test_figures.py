import math

import pytest

from gridsearch.analysis.correlation import Correlation, correlation
from gridsearch.analysis.curves import curves
from gridsearch.analysis.scatter import board
from gridsearch.report.figures.curves import curve_figure, curves_figure, shared_ranges
from gridsearch.report.figures.heatmap import coefficient_text, heatmap_figure
from gridsearch.report.figures.scatter import scatter_figure
from gridsearch.report.theme import level_markers
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
    assert figure.layout.xaxis.title.text == "learning rate (per step)"
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


def test_the_panels_of_a_group_share_a_scale() -> None:
    best = curves(DATA).best
    ranges = shared_ranges(best)
    figure = curve_figure(best[0], ranges)
    assert list(figure.layout.yaxis.range) == ranges["linear"]
    assert ranges["linear"][0] == 0 and ranges["linear"][1] > 2.4
    assert 10 ** ranges["log"][0] < 2.3 / 5 and math.isclose(sum(shared_ranges([])["linear"]), 1.0)


def test_lines_are_training_and_validation_with_the_lowest_marked() -> None:
    curve = curves(DATA).best[0]
    figure = curve_figure(curve, shared_ranges([curve]))
    named = {trace.name: trace for trace in figure.data}
    assert tuple(named["training"].y) == curve.train_loss and tuple(named["validation"].y) == curve.val_loss
    assert named["lowest validation loss"].x == (4,)


def test_a_diverged_curve_ends_in_a_gap_and_a_line() -> None:
    worst = curves(grid({"neurons": [1, 2, 3]}, lambda p: None if p["neurons"] == 1 else 0.5)).worst[0]
    figure = curve_figure(worst, shared_ranges([worst]))
    assert figure.data[0].y[-1] is None and figure.layout.shapes[0].x0 == 2


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
    for count in range(1, 9):
        for ordered in (True, False):
            markers = level_markers(count, ordered=ordered)
            assert len({marker["color"] for marker in markers}) == count
