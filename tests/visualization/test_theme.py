"""Colours: seen on light and on dark pages, and told apart by colour-blind readers too."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import pytest
from plotly.colors import sample_colorscale

from gridsearch.analysis.comparing.jobs import compare
from gridsearch.analysis.comparing.sides import sides_of
from gridsearch.analysis.comparison import comparison
from gridsearch.analysis.curves import curves
from gridsearch.analysis.scatter import board
from gridsearch.visualization.figures.comparison import comparison_figure
from gridsearch.visualization.figures.curves import curve_figure, shared_axes
from gridsearch.visualization.figures.paired import differences_figure, scores_figure
from gridsearch.visualization.figures.scatter import scatter_figure
from gridsearch.visualization.inlining import asset, page_script
from gridsearch.visualization.paper import paper_figures
from gridsearch.visualization.theme import (
    BEHIND,
    DIVERGING,
    ERRORS,
    GRID,
    INK,
    LINE,
    MUTED,
    NEUTRAL,
    PAPER,
    SHARES,
    TEMPLATE,
    TRAIN,
    VALIDATION,
    band_color,
    band_look,
    dark_colors,
    level_markers,
)
from tests.analysis.grids import SHALLOW, grid, shallow_score
from tests.visualization.marks import channels, contrast, pale_marks
from tests.visualization.test_compared_page import MOMENTUM, PLAIN
from tests.visualization.test_page import evaluated
from tests.visualization.test_together import repeated

LIGHT = {color: color for color in (INK, MUTED, LINE, NEUTRAL, TRAIN, VALIDATION, PAPER)}
#: How the cones of the three kinds of colour-blind readers mix linear RGB (Machado, Oliveira and Fernandes, 2009).
BLIND = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(color: str) -> npt.NDArray[np.float64]:
    shares = np.array(channels(color)[:3]) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def lab(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light.clip(0, 1)
    x, y, z = [np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz / [0.9505, 1, 1.089]]
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def shown(theme: dict[str, str], color: str) -> str:
    return theme.get(color, color)


@pytest.mark.parametrize("theme", [LIGHT, dark_colors()], ids=["light", "dark"])
def test_marks_and_text_of_figures_are_seen(theme: dict[str, str]) -> None:
    paper = shown(theme, PAPER)
    marks = {NEUTRAL, TRAIN, VALIDATION, LINE}
    for count in range(1, 11):
        marks |= {marker["color"] for marker in level_markers(count, ordered=True)}
    marks |= {marker["color"] for marker in level_markers(8, ordered=False)}
    assert {
        color: contrast(shown(theme, color), paper) for color in marks if contrast(shown(theme, color), paper) < 3
    } == {}
    for color in (INK, MUTED):
        assert contrast(shown(theme, color), paper) >= 4.5


def every_figure() -> Iterator[tuple[str, go.Figure]]:
    diverged = grid({"rate": [1, 2, 3]}, lambda p: None if p["rate"] == 3 else p["rate"] / 9, name="diverged")
    for data in (evaluated(grid(SHALLOW, shallow_score), 1), repeated(), diverged):
        yield from ((one.name, one.figure) for one in paper_figures(data, 85))
    drawn = curves(diverged)
    for curve in (*drawn.best, *drawn.worst):
        panel = replace(curve, overfit_epoch=1)
        yield "panel", curve_figure(panel, drawn.plots[0], shared_axes([panel], drawn.plots[0]))
    compared = comparison(grid(SHALLOW, shallow_score), "neurons")
    late = replace(compared, curves=tuple(replace(curve, overfit_epoch=2) for curve in compared.curves))
    yield "compared", comparison_figure(late)
    yield "names", scatter_figure(board(grid({"kind": list("abcdefgh")}, lambda p: 0.5)), "kind", "kind")
    pair = compare(sides_of([(PLAIN, ""), (MOMENTUM, "")])).pairings[0]
    yield from (("cells", scores_figure(pair)), ("differences", differences_figure(pair)))


@pytest.mark.parametrize("theme", [LIGHT, dark_colors()], ids=["light", "dark"])
def test_every_mark_of_every_figure_is_seen(theme: dict[str, str]) -> None:
    figures = list(every_figure())
    assert {"axis", "cost", "spread", "together", "parallel", "effects", "confusion"} <= {
        part for name, _ in figures for part in name.split("-")
    }
    assert {name: pale for name, figure in figures if (pale := pale_marks(figure, theme))} == {}


def test_what_lets_the_paper_through_is_paler() -> None:
    def points(**marker: Any) -> dict[str, float]:
        return pale_marks(go.Figure(go.Scatter(x=[1], y=[1], mode="markers", name="p", marker=marker)), LIGHT)

    assert points(color=NEUTRAL) == points(color=NEUTRAL, opacity=0.8) == {}
    # What a reviewer measured in a screenshot.
    assert points(color=NEUTRAL, opacity=0.45) == {"0 p: marker": pytest.approx(1.88, abs=0.02)}
    assert points(color=GRID) and not points(color=GRID, line={"width": 1, "color": INK})
    band = go.Figure(layout={"shapes": [{"type": "rect", "fillcolor": band_color(VALIDATION), "line": {"width": 0}}]})
    assert list(pale_marks(band, LIGHT)) == ["shape 0 None"]
    assert not pale_marks(go.Figure(layout={"shapes": [{"type": "rect"} | band_look()]}), LIGHT)


@pytest.mark.parametrize("theme", [LIGHT, dark_colors()], ids=["light", "dark"])
def test_numbers_are_read_on_every_cell(theme: dict[str, str]) -> None:
    for stops in (DIVERGING, SHARES, ERRORS):
        scale = [[place, shown(theme, color)] for place, color in stops]
        for cell in sample_colorscale(scale, list(np.linspace(0, 1, 201))):
            assert contrast(shown(theme, INK), cell) >= 4.5, cell
    assert contrast(shown(theme, MUTED), shown(theme, BEHIND)) >= 4.5
    # What is right in a confusion matrix.
    assert contrast(shown(theme, INK), shown(theme, GRID)) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, dark_colors()], ids=["light", "dark"])
@pytest.mark.parametrize("kind", BLIND)
def test_colours_without_an_order_are_told_apart(theme: dict[str, str], kind: str) -> None:
    colors = [shown(theme, marker["color"]) for marker in level_markers(8, ordered=False)]
    seen = [lab(np.array(BLIND[kind]) @ linear(color)) for color in colors]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > 10


@pytest.mark.parametrize("theme", [LIGHT, dark_colors()], ids=["light", "dark"])
def test_levels_in_order_grow_lighter(theme: dict[str, str]) -> None:
    for count in range(2, 11):
        levels = [lab(linear(shown(theme, one["color"])))[0] for one in level_markers(count, ordered=True)]
        assert levels == sorted(levels) and min(np.diff(levels)) > 2


def test_every_colour_of_the_template_has_one_on_a_dark_page() -> None:
    told = json.loads(go.Figure(layout={"template": TEMPLATE}).to_json())["layout"]["template"]["layout"]
    assert set(re.findall(r"#[0-9a-f]{6}", json.dumps(told))) <= dark_colors().keys()


def test_colours_that_the_script_draws_with_have_one_on_a_dark_page_too() -> None:
    assert set(re.findall(r"#[0-9a-f]{6}", page_script())) <= dark_colors().keys()


def test_text_and_bars_of_the_page_are_seen_in_both_modes() -> None:
    pairs = dict(
        (name, (light, dark))
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", asset("page.css"))
    )
    for mode in (0, 1):
        color = {name: pair[mode] for name, pair in pairs.items()}
        for name in ("ink", "muted", "accent", "lost", "failure"):
            for below in ("paper", "soft", "lit"):
                assert contrast(color[name], color[below]) >= 4.5, (name, below, mode)
        assert contrast(color["ink"], color["hint"]) >= 4.5
        states = ("completed", "stopped", "diverged", "failed", "running", "pending", "cancelled")
        for name in (*states, "rule", "warm", "train", "tenth", "quarter", "others", "hint-rule"):
            assert contrast(color[name], color["paper"]) >= 3, (name, mode)
    # What lets the paper through has an edge, or is read beside words.
    for told in re.findall(r"[^{}]*\{[^{}]*opacity: 0?\.\d[^{}]*\}", asset("page.css") + asset("live.css")):
        assert "border" in told, told
    # A colour that stands nowhere but here would have no counterpart.
    outside = re.sub(r"light-dark\([^)]*\)", "", str(asset("page.css")))
    assert not re.search(r"#[0-9a-fA-F]{6}\b", outside)
