"""Colours: seen on light and on dark pages, and told apart by colour-blind readers too."""

import itertools
import json
import re

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import pytest
from plotly.colors import sample_colorscale

from gridsearch.visualization.inlining import asset, page_script
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
    dark_colors,
    level_markers,
)

LIGHT = {color: color for color in (INK, MUTED, LINE, NEUTRAL, TRAIN, VALIDATION, PAPER)}
#: How the cones of the three kinds of colour-blind readers mix linear RGB (Machado, Oliveira and Fernandes, 2009).
BLIND = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(color: str) -> npt.NDArray[np.float64]:
    if color.startswith("#"):
        parts = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
    else:
        parts = [round(float(part)) for part in re.findall(r"[\d.]+", color)]
    shares = np.array(parts) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    high, low = sorted((float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


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
    # A colour that stands nowhere but here would have no counterpart.
    outside = re.sub(r"light-dark\([^)]*\)", "", str(asset("page.css")))
    assert not re.search(r"#[0-9a-fA-F]{6}\b", outside)
