"""The curves of the places with names, laid over each other: as a figure, and on a page in a real browser."""

import json
from pathlib import Path

import pytest

from gridsearch.analysis.curves import curves
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.ties import ties
from gridsearch.notebook_figures import Figures
from gridsearch.visualization.dashboards import write_page
from gridsearch.visualization.figures.together import together_figure
from tests.analysis.grids import SHALLOW, grid, job_data, make_epochs, make_job, make_trial, shallow_score
from tests.visualization.browser import Browser, in_a_browser, open_at_all_widths

SEEDS = (0, 1, 2)


def repeated() -> JobData:
    rows = [
        make_trial({"neurons": n, "kind": k, "seed": s}, 0.6 + n / 200 + s / 50 + len(k) / 100, parameters=n)
        for n in (10, 20)
        for k in ("<b>x</b>", "b")
        for s in SEEDS
    ]
    job = make_job({"neurons": [10, 20], "kind": ["<b>x</b>", "b"]}, name="repeated", repeats=3)
    return job_data(job, rows, make_epochs(rows))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(repeated(), tmp_path_factory.mktemp("page") / "repeated.html")


def test_a_line_for_each_place_named_once() -> None:
    figure = Figures(grid(SHALLOW, shallow_score)).together()
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert shown == [
        "worst · #192",
        "median · #96",
        "cheapest as good · #5",
        "runner-up · #2",
        "best · #1",
    ]
    assert figure.layout.yaxis.type == "log" and set(figure.layout.meta) == {"log", "linear"}
    with pytest.raises(TableError, match="unknown metric 'val_los'"):
        Figures(grid(SHALLOW, shallow_score)).together("val_los")


def test_of_repeats_the_mean_the_band_and_each_training_with_its_seed() -> None:
    figure = Figures(repeated()).together("val_accuracy")
    best = {trace.name: trace for trace in figure.data if trace.legendgroup == "best"}
    lowest, highest, mean = (best[f"best · #1, {end}"] for end in ("lowest", "highest", "mean of 3"))
    assert highest.fill == "tonexty" and highest.fillcolor.startswith("rgba(0,114,178,")
    assert lowest.y[-1] < mean.y[-1] < highest.y[-1]
    assert {f"best · #1, seed {seed}" for seed in SEEDS} < set(best)
    assert "seed 2" in best["best · #1, seed 2"].text and "&lt;b&gt;x&lt;/b&gt;" in best["best · #1, seed 2"].text
    assert mean.y[-1] == pytest.approx(sum(best[f"best · #1, seed {seed}"].y[-1] for seed in SEEDS) / 3, rel=1e-4)


def test_jobs_with_little_to_draw_draw_it() -> None:
    for data in (grid({}, lambda p: 0.5), grid({"n": [1, 2]}, lambda p: None), grid({"n": [1, 2]}, lambda p: 0.5)):
        assert together_figure(curves(data, tied=ties(data))).layout.height


class TestInABrowser:
    pytestmark = in_a_browser("curves laid over each other")

    def test_the_page_draws_what_the_notebook_draws(self, browser: Browser, page: Path) -> None:
        open_at_all_widths(browser, page)
        drawn = browser.run("document.getElementById('together').data.map(t => [t.name, t.y, t.fillcolor || ''])")
        figure = json.loads(Figures(repeated()).together().to_json())
        assert drawn == [[trace["name"], trace["y"], trace.get("fillcolor", "")] for trace in figure["data"]]
        browser.run("document.querySelector('input[name=scale][value=linear]').click()")
        browser.wait("document.getElementById('together')._fullLayout.yaxis.type === 'linear'")
        # The dark page has its own colours, of bands too.
        browser.run("document.querySelector('#theme input[value=dark]').click()")
        fills = "[...document.getElementById('together').data].map(t => t.fillcolor).filter(Boolean)"
        browser.wait(f"!{fills}.includes('rgba(0,114,178,0.2)') && {fills}.includes('rgba(74,163,230,0.2)')")
        browser.run("document.querySelector('#theme input[value=light]').click()")
        assert browser.complaints == []

    def test_chosen_trials_are_named_with_their_seed_and_shown_as_points(self, browser: Browser, page: Path) -> None:
        browser.open(page)
        for place in (0, 3):
            browser.run(f"document.querySelectorAll('#trials tbody input')[{place}].click()")
        lines = "document.getElementById('chosen-curves').data"
        browser.wait(f"{lines}.filter(t => t.showlegend).length === 2")
        names = browser.run(f"{lines}.filter(t => t.showlegend).map(t => t.name)")
        assert [name.rpartition(" · ")[2] for name in names] == ["seed 2", "seed 2"]
        browser.run("document.querySelector('input[name=chosen-of][value=points]').click()")
        browser.wait(f"{lines}.some(t => t.fill === 'tonexty')")
        told = browser.run(f"{lines}.filter(t => !t.line.dash || t.line.dash === 'solid').map(t => t.y)")
        found = curves(repeated()).named[0].band("val_loss")
        assert found is not None
        assert told[:3] == [pytest.approx(list(one), rel=1e-4) for one in (found.low, found.high, found.mean)]
        assert browser.run("location.hash").endswith("chosen-of=points")
        # A link shows what was chosen.
        browser.send("Page.reload")
        restored = "document.getElementById('chosen-curves')?.data?.some(t => t.fill === 'tonexty')"
        browser.wait(f"document.documentElement?.dataset.drawn === 'yes' && {restored}")
        assert browser.complaints == []
