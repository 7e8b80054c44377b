"""The answer on a page: its sentence, advice, and figures of what matters, in Python and in a real browser."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from gridsearch.analysis.cells import cells
from gridsearch.analysis.costs import costs
from gridsearch.analysis.effects import effects
from gridsearch.analysis.factors import design
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import probability_text, score_text
from gridsearch.analysis.scatter import board
from gridsearch.analysis.ties import ties
from gridsearch.config.events import TrialState
from gridsearch.visualization.dashboards import write_page
from gridsearch.visualization.figures.cells import cells_figure
from gridsearch.visualization.figures.cost import cost_figure
from gridsearch.visualization.figures.panel import panel_figure
from gridsearch.visualization.figures.parallel import parallel_figure
from gridsearch.visualization.figures.shares import shares_figure
from tests.analysis.grids import SHALLOW, grid, job_data, make_epochs, make_job, make_trial, shallow_score
from tests.visualization.browser import Browser, in_a_browser, open_at_all_widths
from tests.visualization.test_page import HOSTILE

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}
DATA = grid(SHALLOW, shallow_score, name="shallow")


def priced() -> JobData:
    """A grid whose wider models cost more and are hardly better, with a peak along the learning rate."""
    peak = {0.001: 0.6, 0.01: 0.95, 0.1: 0.7}
    rows = [
        make_trial({"width": w, "learning_rate": lr}, peak[lr] + w / 10_000, parameters=100 * w, macs=90 * w)
        for w in (8, 16, 32)
        for lr in peak
    ]
    return job_data(
        make_job({"width": [8, 16, 32], "learning_rate": list(peak)}, name="priced"), rows, make_epochs(rows)
    )


def repeated() -> JobData:
    rows = [
        make_trial({"neurons": n, "batch_size": b, "seed": s}, 0.6 + n / 200 + [0.0, 0.02, -0.01][s])
        for n in (10, 20)
        for b in (4, 8)
        for s in (0, 1, 2)
    ]
    job = make_job({"neurons": [10, 20], "batch_size": [4, 8]}, name="repeated", repeats=3)
    return job_data(job, rows, make_epochs(rows))


JOBS = {
    "shallow": DATA,
    "priced": priced(),
    "repeated": repeated(),
    "loss": grid(
        {"neurons": [1, 2, 3], "batch_size": [4, 8]},
        lambda p: p["neurons"] / 10 + p["batch_size"] / 1000,
        name="loss",
        objective=LOSS,
    ),
    "names": grid({"kind": ["</script><b>x</b>", "b"], "n": [1, 2, 3, 4]}, lambda p: p["n"] / 10, name=HOSTILE),
    "equal": grid({"neurons": [1, 2, 3], "batch_size": [4, 8]}, lambda p: 0.5, name="equal"),
    "single": grid({}, lambda p: 0.5, name="single"),
    "one axis": grid({"neurons": [1, 2, 3, 4]}, lambda p: p["neurons"] / 10, name="one axis"),
    "diverged": grid({"neurons": [1, 2, 3]}, lambda p: None, name="diverged"),
    "open": job_data(
        make_job({"neurons": [1, 2]}, name="open"),
        [make_trial({"neurons": n}, state=TrialState.PENDING) for n in (1, 2)],
        [],
    ),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: write_page(data, folder / f"{name}.html") for name, data in JOBS.items()}


def text_of(page: Path, section: str) -> str:
    found = re.search(rf'<section id="{section}".*?</section>', page.read_text(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", found[0] if found else "").replace("&nbsp;", " ").split())


def test_the_answer_says_what_is_best_and_how_sure_that_is(pages: dict[str, Path]) -> None:
    said = text_of(pages["priced"], "answer")
    assert said.startswith("The best validation accuracy is 0.9532 (95 % interval 0.9244 to 0.9714), with width 32, ")
    assert "2 other trials of 9 cannot be told from it on 323 images (as independent samples: which each has" in said
    assert "is not known); the cheapest within one standard error of it has width 8" in said
    assert "with 800 parameters in place of 3,200" in said
    assert "gridsearch launch priced --set repeats=5 --only" in said
    assert "by more than chance explains" in text_of(pages["one axis"], "answer")
    assert "how far chance moves this score is not known" in text_of(pages["loss"], "answer")
    assert "5 other trials of 6 cannot be told from it on 323 images." in text_of(pages["equal"], "answer")
    assert "with 3 trainings each" in text_of(pages["repeated"], "answer")
    assert "All 3 trials diverged, so nothing can be ranked." in text_of(pages["diverged"], "answer")
    assert "Every trial with a result diverged (3)." in text_of(pages["diverged"], "answer")
    assert "No trial has a result yet. There is nothing to tell. gridsearch resume open" in text_of(
        pages["open"], "answer"
    )


def test_what_matters_names_its_basis(pages: dict[str, Path]) -> None:
    assert "The grid is whole, so shares of the variance are exact; " in text_of(pages["shallow"], "effects")
    assert "A correlation tells little of learning rate" in text_of(pages["priced"], "effects")
    assert "effect ±" in text_of(pages["repeated"], "effects")
    for none in ("equal", "single", "diverged", "open"):
        assert text_of(pages[none], "effects") == ""
    assert "1-3 are tied: how they differ may be chance." in text_of(pages["priced"], "ranking")


def test_what_is_tied_is_listed_with_its_chance_and_grouped_in_the_ranking(pages: dict[str, Path]) -> None:
    found = ties(JOBS["priced"])
    assert found is not None and found.best.chance is not None
    said = text_of(pages["priced"], "answer")
    told, html_of = probability_text(found.best.chance), pages["priced"].read_text()
    assert f"The 3 trials that are tied; the first is the best of all with a probability of {told}" in said
    (table,) = re.findall(r'<details id="tied">.*?</details>', html_of, re.DOTALL)
    cells = " ".join(re.sub(r"<[^>]+>", " ", table).split())
    assert "rank width learning rate score 95 % interval best with parameters multiply-adds epochs seconds" in cells
    for one in found.tied:
        assert f"{score_text(one.score)} {one.interval[0]:.4f} to {one.interval[1]:.4f}" in cells  # type: ignore[index]
        assert one.chance is not None and f" {probability_text(one.chance)} {one.cost('parameters'):,.0f} " in cells
    ranking = re.search(r'<section id="ranking".*?</section>', html_of, re.DOTALL)
    assert ranking and "1–3 are tied for the best" in text_of(pages["priced"], "ranking")
    rows = re.findall(r'<tr(?: class="([^"]*)")?><td class="number rank">(\d+)', ranking[0])
    assert rows[:4] == [("tied", "1"), ("tied", "2"), ("tied last", "3"), ("", "4")]
    assert "that are tied;" not in text_of(pages["one axis"], "answer")
    assert "The 6 trials that are tied" in text_of(pages["equal"], "answer")
    assert "1–6 have the same score" in text_of(pages["equal"], "ranking")


def test_of_many_that_are_tied_fifty_are_listed(tmp_path: Path) -> None:
    many = grid({"n": list(range(60))}, lambda p: 0.5 + p["n"] / 100_000, name="many")
    page = write_page(many, tmp_path / "many.html")
    assert "And 10 more." in text_of(page, "answer")
    assert page.read_text().count('<tr class="tied') == 10  # the five best and the five worst


def test_only_fitted_pairs_have_a_strongest(pages: dict[str, Path]) -> None:
    assert "The pair that explains most stands first." in text_of(pages["shallow"], "pairs")
    drawn = drawn_at_random(12)
    assert effects(drawn).pairs == ()
    said = text_of(write_page(drawn, pages["shallow"].parent / "drawn.html"), "pairs")
    assert "nothing is interpolated." in said and "stands first" not in said


def drawn_at_random(count: int) -> JobData:
    """A random search along an axis whose values are drawn, and one of three."""
    rates = [0.00137 * 1.31**place for place in range(count)]
    rows = [make_trial({"learning_rate": r, "width": 8 * (1 + n % 3)}, 0.5 + n / 50) for n, r in enumerate(rates)]
    job = make_job(
        {"learning_rate": rates, "width": [8, 16, 24]}, name="drawn", search={"random": count, "drawn": count}
    )
    return job_data(job, rows, make_epochs(rows))


def test_a_drawn_axis_has_median_and_best_of_each_range_and_round_labels() -> None:
    data = drawn_at_random(20)
    axis = next(one for one in effects(data).axes if one.name == "learning_rate")
    assert axis.ranges and len(axis.values) == 5
    figure = panel_figure(board(data), axis, None)
    _, median, best = figure.data
    rates = sorted(data.trials["learning_rate"])
    middles = [math.sqrt(rates[start] * rates[start + 3]) for start in range(0, 20, 4)]
    assert list(median.x) == list(best.x) == pytest.approx(middles)
    assert list(median.y) == [value.median for value in axis.values]
    assert list(best.customdata) == [value.text for value in axis.values]
    assert list(figure.layout.xaxis.ticktext) == ["0.01", "0.1"]
    width = next(one for one in effects(data).axes if one.name == "width")
    assert list(panel_figure(board(data), width, None).layout.xaxis.ticktext) == ["8", "16", "24"]
    scales = parallel_figure(board(data)).layout.annotations
    assert {note.text for note in scales} >= {"0.01", "0.1"} and "0.00137" not in {note.text for note in scales}


def test_bars_are_the_shares(pages: dict[str, Path]) -> None:
    found = effects(DATA)
    figure = shares_figure(found)
    axes, pairs, left = figure.data
    assert dict(zip(axes.y, axes.x, strict=True)) == {one.name.replace("_", " "): 100 * one.share for one in found.axes}
    assert len(pairs.x) == 6 and left.y[0] == "three and more, and chance"


def test_a_panel_has_every_trial_the_median_and_the_best() -> None:
    found = next(axis for axis in effects(DATA).axes if axis.name == "learning_rate")
    tied = ties(DATA)
    assert tied is not None
    figure = panel_figure(board(DATA), found, (tied.lowest, tied.best.score))
    points, median, best = figure.data
    assert len(points.x) == 192
    assert list(median.x) == [0.0001, 0.001, 0.01, 0.1] == list(best.x)
    by_value = DATA.trials.groupby("learning_rate")["score"]
    assert list(median.y) == list(by_value.median()) and list(best.y) == list(by_value.max())
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (tied.lowest, tied.best.score)
    assert set(figure.layout.meta) == {"all", "better", "error"}
    falling = JOBS["loss"]
    lowest = panel_figure(board(falling), effects(falling).axes[0], None)
    assert "error" not in lowest.layout.meta


def test_cells_show_their_numbers_and_stronger_is_better() -> None:
    figure = cells_figure(cells(design(DATA), "epochs", "neurons"), "bests", title="accuracy", highest=True)
    assert figure.data[0].z[1][3] == DATA.trials.query("epochs == 4 and neurons == 100")["score"].max()
    assert figure.data[0].text[1][3] == f"{figure.data[0].z[1][3]:.4f}" and figure.data[0].texttemplate == "%{text}"
    falling = cells_figure(cells(design(DATA), "epochs", "neurons"), "bests", title="loss", highest=False)
    first, last = figure.data[0].colorscale[0][1], figure.data[0].colorscale[-1][1]
    assert (falling.data[0].colorscale[0][1], falling.data[0].colorscale[-1][1]) == (last, first)


def test_the_frontier_is_the_best_at_each_price() -> None:
    data = priced()
    points = board(data)
    (cost, *others) = costs(data, points.trials)
    assert [cost.name, *(one.name for one in others)] == ["parameters", "macs"]
    line = cost_figure(points, cost).data[1]
    assert list(line.x) == [800, 1600, 3200] and list(line.y) == pytest.approx([0.9508, 0.9516, 0.9532])
    falling = JOBS["loss"]
    assert costs(falling, board(falling).trials) == ()


pytestmark_browser = in_a_browser("how the answer looks in a browser")


class TestInABrowser:
    """Every control of these sections, and that nothing complains or leaves the page."""

    pytestmark = pytestmark_browser

    @pytest.mark.parametrize("name", JOBS)
    def test_nothing_complains_and_nothing_sticks_out(
        self, browser: Browser, pages: dict[str, Path], name: str
    ) -> None:
        open_at_all_widths(browser, pages[name])

    def test_points_are_joined_to_panels_and_costs_as_in_python(self, browser: Browser, pages: dict[str, Path]) -> None:
        data = priced()
        points = board(data)
        browser.open(pages["priced"])
        for axis in effects(data).axes:
            drawn = browser.run(f"[...document.getElementById('axis-{axis.name}').data[0].x]")
            assert drawn == list(panel_figure(points, axis, None).data[0].x)
        shown = browser.run("[...document.getElementById('cost-plot').data[0].x]")
        assert shown == list(cost_figure(points, costs(data, points.trials)[0]).data[0].x)

    def test_each_control_changes_what_it_is_about(self, browser: Browser, pages: dict[str, Path]) -> None:
        browser.open(pages["shallow"])
        bars = "[...document.getElementById('shares-plot').data[0].x].join()"
        before = browser.run(bars)
        browser.run("document.querySelector('input[name=within][value=quarter]').click()")
        browser.wait(f"{bars} !== {json.dumps(before)}")
        assert (
            browser.run("[...document.querySelectorAll('#effects .note[data-within]')].filter(n => !n.hidden).length")
            == 1
        )
        panel = "document.getElementById('axis-neurons')._fullLayout.yaxis"
        browser.run("document.querySelector('input[name=zoom][value=error]').click()")
        browser.wait(f"{panel}.type === 'log'")
        browser.run("document.querySelector('input[name=zoom][value=better]').click()")
        browser.wait(f"{panel}.type === 'linear' && {panel}.range[0] > 0.5")
        cell = "JSON.stringify(document.getElementById('pair-plot').data[0].z)"
        first = browser.run("document.getElementById('pair').value").split(",")
        for script in (
            "document.querySelector('input[name=pair-within][value=half]').click()",
            "document.querySelector('input[name=cell][value=bests]').click()",
            "(list => { list.selectedIndex = 3; list.dispatchEvent(new Event('change', {bubbles: true})); })"
            "(document.getElementById('pair'))",
        ):
            before = browser.run(cell)
            browser.run(script)
            browser.wait(f"{cell} !== {json.dumps(before)}")
            if "pair-within" in script:
                half = cells(design(DATA, "half"), *first).means
                shown = browser.run(cell.removeprefix("JSON.stringify(").removesuffix(")"))
                assert shown == [[None if one is None else pytest.approx(one, abs=1e-6) for one in row] for row in half]
        address = browser.run("location.hash")
        assert all(
            word in address for word in ("within=quarter", "zoom=better", "cell=bests", "pair=", "pair-within=half")
        )
        assert browser.complaints == []

    def test_chosen_rows_light_up_in_panels_and_costs(self, browser: Browser, pages: dict[str, Path]) -> None:
        browser.open(pages["priced"])
        browser.run("document.querySelector('#trials tbody input[type=checkbox]').click()")
        for place in ("axis-width", "cost-plot"):
            browser.wait(f"document.getElementById('{place}').data.some(t => t.name === 'chosen')")
        assert browser.complaints == []


def test_of_repeats_the_frontier_is_that_of_the_means() -> None:
    scores = {10: (0.5, 0.95), 20: (0.8, 0.82)}
    rows = [
        make_trial({"width": width, "seed": seed}, score, parameters=width)
        for width, own in scores.items()
        for seed, score in enumerate(own)
    ]
    data = job_data(make_job({"width": [10, 20]}, repeats=2), rows)
    (cost,) = costs(data, board(data).trials)
    assert [(one.trial, one.value) for one in cost.frontier] == [(rows[0].trial_id, 10.0), (rows[2].trial_id, 20.0)]
    assert [one.score for one in cost.frontier] == pytest.approx([0.725, 0.81])
