"""Figures as files for a paper: all of the page's, in the width asked for, drawn by a real browser."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from PIL import Image

from gridsearch.analysis.evaluation import scores
from gridsearch.analysis.scatter import board
from gridsearch.errors import GridsearchError
from gridsearch.store.rows import Evaluation
from gridsearch.visualization import rendering
from gridsearch.visualization.figures.confusion import confusion_figure
from gridsearch.visualization.figures.parallel import parallel_figure
from gridsearch.visualization.paper import WIDTHS, paper_figures
from gridsearch.visualization.rendering import PaperFormat, rendered, require_renderer
from tests.analysis.grids import SHALLOW, grid, shallow_score
from tests.visualization.browser import needs_browser
from tests.visualization.test_page import HOSTILE
from tests.visualization.test_together import repeated

DATA = grid(SHALLOW, shallow_score, name="shallow")
ODD = grid({"kind": ["</script><b>x</b>", "b"], "n": [1, 2, 3, 4]}, lambda p: p["n"] / 10, name=HOSTILE)


def test_every_figure_of_the_page_is_there() -> None:
    names = [one.name.removeprefix("shallow-") for one in paper_figures(DATA, 85)]
    assert len(names) == len(set(names))
    assert {"effects", "effects-better-half", "scatter", "curves-val_loss", "correlation-pearson"} <= set(names)
    assert {f"axis-{axis}" for axis in SHALLOW} <= set(names)
    assert len([name for name in names if name.startswith("pair-")]) == 2 * 6
    assert {"parallel", "together-val_loss"} <= set(names) and "spread" not in names
    assert "repeated-spread" in [one.name for one in paper_figures(repeated(), 85)]
    assert "compared-learning_rate-val_accuracy" in names and "compared-epochs-val_loss" not in names
    assert all(re.fullmatch(r"[\w-]+", one.name) for one in paper_figures(ODD, 85))
    assert list(paper_figures(grid({"n": [1]}, lambda p: None), 85)) != []


def test_parallel_coordinates_have_a_line_for_each_trial_from_its_settings_to_its_score() -> None:
    points = board(DATA)
    figure = parallel_figure(points)
    others, quarter, tenth = figure.data
    lines = [list(trace.y).count(None) for trace in figure.data]
    assert lines == [192 - 48, 48 - 19, 19] and [trace.name for trace in (quarter, tenth)] == [
        "best quarter",
        "best tenth",
    ]
    # The best of all is the first of the best tenth: the lowest batch size, the highest of all else.
    first = list(tenth.y)[:5]
    assert first == pytest.approx([0, 1, 1, 1, 1], abs=0.016)
    score = [point for x, point in zip(others.x, others.y, strict=True) if x == 4]
    span = max(points.scores) - min(points.scores)
    worst = sorted((one - min(points.scores)) / span for one in points.scores)[: len(score)]
    assert sorted(score) == pytest.approx(worst)
    for data in (grid({"n": [1, 2]}, lambda p: 0.5), ODD):
        assert parallel_figure(board(data)).layout.height


def test_widths_are_those_of_paper() -> None:
    for width in (50.0, WIDTHS["column"], WIDTHS["page"]):
        for one in paper_figures(ODD, width):
            wanted = max(width, WIDTHS["page"]) if "-curves-" in one.name else width
            assert one.width * one.scale * 25.4 / 96 == pytest.approx(wanted, abs=0.2)
            assert one.height > 0


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)
    with pytest.raises(GridsearchError, match=r"pip install 'gridsearch\[figures\]'"):
        require_renderer()


@pytest.mark.slow
@needs_browser("figures for papers")
# What kaleido leaves to the garbage collector is not ours.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
class TestDrawn:
    """Each format, as a browser draws it."""

    @pytest.mark.parametrize("format_", ["svg", "pdf", "png"])
    def test_a_file_has_the_size_on_paper(self, format_: PaperFormat) -> None:
        wanted = [one for one in paper_figures(ODD, 85) if one.name.endswith(("-scatter", "-axis-n"))]
        assert len(wanted) == 2
        for one, content in rendered(wanted, format_):
            if format_ == "svg":
                text = content.decode()
                width = re.search(r'<svg[^>]* width="([\d.]+)"', text)
                assert width and float(width[1]) * 25.4 / 96 == pytest.approx(85, abs=0.2)
                assert "<b>x</b>" not in text and "</script>" not in text
            elif format_ == "pdf":
                box = re.search(rb"MediaBox *\[0 0 ([\d.]+) ", content)
                assert box and float(box[1]) * 25.4 / 72 == pytest.approx(85, abs=0.4)
            else:
                image = Image.open(io.BytesIO(content))
                assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
                assert image.width * 25.4 / 300 == pytest.approx(85, abs=0.4)
            assert one.name

    def test_a_browser_that_is_none_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted = [next(iter(paper_figures(ODD, 85)))]
        monkeypatch.setenv("BROWSER_PATH", "/bin/false")
        with pytest.raises(GridsearchError, match="gave up \\(The browser seemed to close immediately"):
            list(rendered(wanted, "svg"))
        monkeypatch.setenv("BROWSER_PATH", "/nonexistent")
        with pytest.raises(GridsearchError, match="no Chromium or Chrome was found"):
            list(rendered(wanted, "svg"))


LONG = "a" * 95
LONG_TOO = "a" * 94 + "b"


def test_long_values_are_shortened_and_stay_apart() -> None:
    values = [LONG, LONG_TOO, "<b>", "b"]
    data = grid({"kind": values, "n": [1, 2]}, lambda p: p["n"] / 10 + values.index(p["kind"]) / 100, name="long")
    figures = {one.name.removeprefix("long-"): one for one in paper_figures(data, 85)}
    for name, one in figures.items():
        seen = json.loads(one.figure.to_json())
        for trace in seen["data"]:  # what is shown where it is pointed at
            for key in ("customdata", "hovertemplate", "text", "legendgroup"):
                trace.pop(key, None)
        assert "a" * 25 not in json.dumps(seen), name
    labels = figures["axis-kind"].figure.layout.xaxis.ticktext
    assert len(set(labels)) == 4 and "…" in labels[0] and labels[2:] == ("&lt;b&gt;", "b")
    assert figures["axis-kind"].figure.layout.xaxis.tickangle == -90
    assert figures["axis-kind"].height > figures["axis-n"].height
    cells = figures["pair-n-kind"].figure.data[0]
    assert len(set(cells.x)) == 4 and len(cells.z[0]) == 4
    assert len({trace.name for trace in figures["compared-kind-val_loss"].figure.data}) >= 4


def test_headings_of_parallel_coordinates_do_not_touch() -> None:
    axes = {f"long_name_{n}": [1, 2] for n in range(6)}
    points = board(grid(axes, lambda p: sum(p.values()) / 100))

    def headings(width: int) -> list[Any]:
        return [note for note in parallel_figure(points, width).layout.annotations if note.text.startswith("<b>")]

    assert {note.textangle for note in headings(387)} == {-40} and len(headings(387)) == 7
    wide = headings(797)
    assert {note.textangle for note in wide} == {None} and wide[-1].text == "<b>validation</b><br><b>accuracy</b>"
    for width in (387, 797):
        low, high = parallel_figure(points, width).layout.xaxis.range
        step = (width - 16) / (high - low)
        assert -low * step >= 14 and (high - 6) * step >= 40  # the labels of the first axis, and of the last


def test_a_confusion_matrix_of_a_file_has_squares_and_short_names() -> None:
    names = ("Great spotted woodpecker", "Great spotted treecreeper", "x" * 150, *(f"bird {n}" for n in range(7)))
    counts = tuple(tuple(9 if i == j else 1 for j in range(10)) for i in range(10))
    found = scores(Evaluation("t", 1, None, names, counts, 1.0))
    for width, most in ((387, 13), (797, 24)):
        figure = confusion_figure(found, width)
        labels = figure.layout.xaxis.ticktext
        assert labels == figure.layout.yaxis.ticktext and len(set(labels)) == 10
        assert max(map(len, labels)) <= most and labels[3] == "bird 0"
        assert (figure.layout.yaxis.scaleanchor, figure.layout.xaxis.tickangle) == ("x", -90)
    assert confusion_figure(found).layout.xaxis.ticktext == names
