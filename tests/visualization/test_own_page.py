"""Pages and figures of trainings that are the user's own: any metrics, of any number and any size."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from gridsearch.analysis.comparison import comparison
from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import Curves, curves
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.scatter import board
from gridsearch.visualization import page as page_module
from gridsearch.visualization.figures.comparison import comparison_figure
from gridsearch.visualization.figures.curves import curves_figure
from gridsearch.visualization.figures.scatter import scatter_figure
from gridsearch.visualization.figures.short_numbers import short_numbers
from gridsearch.visualization.inlining import page_script, plotly_script
from gridsearch.visualization.page import job_page
from tests.analysis.grids import SHALLOW, grid, shallow_score
from tests.analysis.own_grids import own_grid
from tests.visualization.own_jobs import AXES, F1, OWN_JOBS, one, thirty
from tests.visualization.test_page import STAMP, Outline, outline


def options(shown: Outline, field: str) -> list[str]:
    """The choices of a field, in order."""
    found: dict[str, list[str]] = {}
    inside = ""
    for tag, attributes in shown.elements:
        if tag == "select":
            inside = attributes["id"] or ""
        elif tag == "option":
            found.setdefault(inside, []).append(attributes["value"] or "")
    return found.get(field, [])


def test_the_head_names_the_function_and_no_data_set() -> None:
    data = OWN_JOBS["four"]
    told = replace(data, job=replace(data.job, spec={**data.job.spec, "inputs": {"data/churn.csv": "ab"}}))
    text = outline(told).text
    assert "Training function my_training:train Inputs data/churn.csv Objective highest validation f1 after" in text
    assert "Data set" not in text and "Model" not in text and "cross-entropy" not in text
    assert "Data set digits Model shallow" in outline(grid(SHALLOW, shallow_score)).text


def test_panels_show_the_loss_and_offer_the_others() -> None:
    shown = outline(OWN_JOBS["four"])
    figures = json.loads(shown.scripts[0])
    assert options(shown, "curves-metric") == ["val_loss", "val_f1"] == list(figures["curves"])
    assert [len(panels) for panels in figures["curves"].values()] == [9, 9]
    for metric, panels in figures["curves"].items():
        for panel, curve in zip(panels, _members(curves(OWN_JOBS["four"])), strict=True):
            drawn = figures["shared"][panel["data"][0]["y"]]
            assert drawn[0] is None and drawn[1:] == pytest.approx(curve.metric(metric)[1:], rel=1e-4)
    # Both plots are shown: there is nothing to choose.
    assert [
        a["data-metric"] for tag, a in shown.elements if a.get("id", "").startswith("compare-") and tag == "div"
    ] == [
        "val_loss",
        "val_f1",
    ]
    assert options(shown, "compare-metric-0") == []


def _members(found: Curves) -> list[Curve]:
    return [curve for _, group in found.groups for curve in group]


def test_one_metric_has_one_plot() -> None:
    shown = outline(OWN_JOBS["one"])
    places = [a["id"] for tag, a in shown.elements if tag == "div" and (a.get("id") or "").startswith("compare-")]
    assert places == ["compare-0"] and not options(shown, "curves-metric")
    assert "Curves of validation rmse" in shown.text and "lowest validation rmse" in shown.text


def test_of_thirty_metrics_twelve_plots_can_be_chosen() -> None:
    shown = outline(OWN_JOBS["thirty"])
    chosen = options(shown, "curves-metric")
    assert chosen[:3] == ["val_loss", "val_f1", "val_m00"] and len(chosen) == 12
    assert options(shown, "compare-metric-0") == options(shown, "compare-metric-1") == chosen
    assert "12 plots of 15 can be chosen" in shown.text


@pytest.mark.parametrize(
    ("name", "most"), [("one", 110_000), ("four", 145_000), ("thirty", 350_000), ("without-epochs", 90_000)]
)
def test_pages_of_many_metrics_stay_small(name: str, most: int) -> None:
    assert len(job_page(OWN_JOBS[name], STAMP)) - len(plotly_script()) - len(page_script()) < most


def test_of_very_many_numbers_fewer_plots_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_NUMBERS", 300)
    shown = outline(own_grid(AXES, thirty, F1, epochs=20))
    assert options(shown, "curves-metric") == []
    assert list(json.loads(shown.scripts[0])["compare"]["depth"]) == ["val_loss", "val_f1"]


def test_without_epochs_there_are_no_curves() -> None:
    shown = outline(OWN_JOBS["without-epochs"])
    for words in ("Curves", "Epochs trained", "ms per step", "after the last epoch"):
        assert words not in shown.text
    assert "Time of a trial 1.5s median From 1.5s to 1.5s" in shown.text
    assert "depth s per trial 3 0.500" in shown.text and "All trials added up." in shown.text
    assert "Objective highest validation f1 Last" in shown.text


def test_what_takes_no_time_is_told_in_milliseconds() -> None:
    quick = own_grid({"depth": [1, 2]}, lambda point, epoch: {"val_f1": 0.5}, F1, epochs=1, seconds=2.5e-4)
    text = outline(quick).text
    assert "depth ms per trial 1 0.250 2 0.250" in text and "Training time 0.5ms" in text


def test_an_epoch_of_the_users_own_has_no_steps() -> None:
    text = outline(OWN_JOBS["four"]).text
    assert "Time of an epoch depth s per epoch 3 0.500" in text and "ms per step" not in text


@pytest.mark.parametrize(
    ("name", "best"), [("negative", "-92."), ("tiny", "e-10"), ("huge", "e+08"), ("wide", "1.00000e-09")]
)
def test_scores_of_any_size_are_aligned(name: str, best: str) -> None:
    whole = job_page(OWN_JOBS[name], STAMP)
    cells = re.findall(r'<td class="number score">(.+?)</td>', whole)
    assert best in cells[0] and len(cells) == 10
    for cell in cells:
        assert re.fullmatch(r"-?\d+\.\d{6}|-?\d\.\d{5}e[+-]\d\d", cell), cell
    texts = json.loads(Outline(whole).scripts[0])["scatter"]["texts"]
    assert any(f" {cells[0]}</b>" in text for text in texts)


def test_axes_fit_what_is_negative_tiny_and_huge() -> None:
    def axis(name: str, metric: str, *, log: bool = True) -> Any:
        return comparison_figure(comparison(OWN_JOBS[name], "depth"), metric, log=log).layout.yaxis

    low, high = axis("negative", "val_loss").range
    assert low < high < 0 and axis("negative", "val_loss").type == "linear"
    tiny, wide = axis("tiny", "val_loss"), axis("wide", "val_wide")
    assert tiny.type == wide.type == "log"
    assert -10 < tiny.range[0] < tiny.range[1] < -8
    assert wide.range[0] < -8 and wide.range[1] > 7 and "1e+06" in wide.ticktext
    assert axis("huge", "cost").exponentformat == axis("tiny", "val_loss", log=False).exponentformat == "e"
    assert scatter_figure(board(OWN_JOBS["wide"]), "depth").layout.yaxis.type == "log"
    assert scatter_figure(board(OWN_JOBS["huge"]), "depth").layout.yaxis.exponentformat == "e"
    assert scatter_figure(board(OWN_JOBS["negative"]), "depth").layout.yaxis.type is None


def test_an_accuracy_in_percent_is_not_cut_at_one() -> None:
    percent = {"metric": "val_acc", "at": "last", "mode": "max"}
    data = own_grid({"depth": [1, 2]}, lambda point, epoch: {"val_acc": 50.0 + 10 * epoch}, percent, epochs=4)
    figure = comparison_figure(comparison(data, "depth"))
    assert figure.layout.yaxis.range[1] > 90
    assert scatter_figure(board(data), "depth").layout.yaxis.autorangeoptions.clipmax is None


@pytest.mark.parametrize("name", OWN_JOBS)
def test_a_notebook_draws_any_metric(name: str) -> None:
    data = OWN_JOBS[name]
    found = curves(data)
    assert curves_figure(found).layout.height
    for plot in found.plots[:3]:
        for metric in plot.metrics:
            figure = curves_figure(found, metric)
            assert {trace.name for trace in figure.data} >= {plot.line}
            assert comparison_figure(comparison(data, "depth"), metric).layout.yaxis.title.text == plot.title
    with pytest.raises(TableError, match="unknown metric 'val_los'"):
        curves_figure(found, "val_los")


def test_a_job_without_curves_says_so_in_a_notebook() -> None:
    found = comparison(OWN_JOBS["without-epochs"], "depth")
    with pytest.raises(TableError, match="no metric has a curve to compare along depth"):
        comparison_figure(found)


def test_a_metric_of_every_other_epoch_is_one_line() -> None:
    def report(point: object, epoch: int) -> dict[str, float | None]:
        return {"val_f1": 0.1 * epoch} if epoch % 2 else {"other": 1.0}

    figure = curves_figure(curves(own_grid({"depth": [1, 2]}, report, F1, epochs=7)))
    assert figure.data[0].connectgaps and figure.data[0].y[1:4] == (0.1, None, pytest.approx(0.3))


def test_numbers_that_lie_close_together_are_still_told_apart() -> None:
    close = [1_000_000.0 + 0.001 * place for place in range(5)]
    assert len(set(short_numbers(close))) == 5
    assert short_numbers([0.0, 1.23456789, None]) == [0.0, 1.2346, None]
    assert short_numbers([1e-9, 1e9]) == [1e-9, 1e9] and short_numbers([]) == []


def test_a_setting_that_is_called_like_one_of_ours_has_no_unit() -> None:
    titles = [axis.title for axis in board(own_grid(AXES, one, F1)).axes]
    assert titles == ["learning rate", "depth", "width"]
