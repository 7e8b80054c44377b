"""The page of compared jobs: what it says, its figures' numbers, and how it works in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import pytest

from gridsearch.analysis.comparing.jobs import compare
from gridsearch.analysis.comparing.sides import sides_of
from gridsearch.analysis.frames import JobData
from gridsearch.visualization.dashboards import write_compared_page
from gridsearch.visualization.figures.paired import MOST_DRAWN, differences_figure, scores_figure
from tests.analysis.grids import grid, job_data, make_epochs, make_job, make_trial
from tests.visualization.browser import Browser, in_a_browser, open_at_all_widths
from tests.visualization.test_page import HOSTILE

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}
RATES = [0.0001, 0.001, 0.01, 0.1]


def varied(name: str, gain: float, **settings: float) -> JobData:
    """A grid that is better by `gain` at small learning rates, and worse at large ones."""
    rows = [
        make_trial(
            {"learning_rate": rate, "neurons": n, **settings},
            0.9 - 0.12 * (3 - place) + gain * (1.5 - place) + n / 4000 + gain * ((7 * n + place) % 5) / 10,
        )
        for place, rate in enumerate(RATES)
        for n in (10, 25, 50)
    ]
    job = make_job({"learning_rate": RATES, "neurons": [10, 25, 50]}, name=name, fixed=settings)
    return job_data(job, rows, make_epochs(rows))


PLAIN, MOMENTUM, DECAY = (
    varied("plain", 0.0),
    varied("momentum", 0.03, momentum=0.9),
    varied("decay", -0.01, weight_decay=0.1),
)
ODD = grid({"kind": ["</script><b>x</b>", "b"], "n": [1, 2, 3, 4]}, lambda p: p["n"] / 10, name=HOSTILE)
ODD_TOO = grid(
    {"kind": ["</script><b>x</b>", "c"], "n": [1, 2]}, lambda p: p["n"] / 9, name=f"{HOSTILE} 2", model="<i>deep</i>"
)
FOREIGN = grid({"width": [1, 2]}, lambda p: 0.3, name="foreign")
FALLING = grid({"learning_rate": RATES}, lambda p: 0.5, name="falling", objective=LOSS)
LOST = grid({"learning_rate": RATES, "neurons": [10]}, lambda p: None, name="lost")

PAGES: dict[str, tuple[list[JobData], str | None]] = {
    "two": ([PLAIN, MOMENTUM], None),
    "three": ([PLAIN, MOMENTUM, DECAY], None),
    "baseline": ([PLAIN, MOMENTUM], PLAIN.trials["trial"][8]),
    "odd": ([ODD, ODD_TOO], None),
    "nothing shared": ([PLAIN, FOREIGN, FALLING, LOST], None),
    "lost": ([LOST, grid({"n": [1]}, lambda p: None, name="lost too")], None),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, (jobs, baseline) in PAGES.items():
        found = compare(sides_of([(job, "") for job in jobs]), baseline=baseline)
        made[name] = write_compared_page(found, folder / f"{name}.html", source="results.db")
    return made


def text_of(page: Path, section: str) -> str:
    found = re.search(rf'<section id="{section}".*?</section>', page.read_text(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", found[0] if found else "").replace("&nbsp;", " ").split())


def test_the_page_says_what_the_numbers_say(pages: dict[str, Path]) -> None:
    found = compare(sides_of([(PLAIN, ""), (MOMENTUM, "")]))
    pair = found.pairings[0]
    assert pair.mean is not None and pair.interval is not None
    said = text_of(pages["two"], "cells-0")
    assert f"Over 12 shared cells momentum differs from plain by +{pair.mean:.4f} in the mean" in said
    assert f"(95 % interval {pair.interval[0]:.4f} to +{pair.interval[1]:.4f})" in said
    assert "<tr><td>momentum</td><td>0</td><td>0.9</td></tr>" in pages["two"].read_text()
    tied = found.bests[0].ties
    assert tied is not None and f"{tied.count} of {tied.of}" in text_of(pages["two"], "bests")
    assert "The best val_accuracy is that of " in text_of(pages["two"], "answer")
    assert "No axis in common: plain has learning_rate, neurons and foreign has width." in text_of(
        pages["nothing shared"], "cells-0"
    )
    assert "There is no difference to tell: plain asks for the highest val_accuracy" in text_of(
        pages["nothing shared"], "cells-1"
    )
    assert "No trial of lost has a score yet." in text_of(pages["nothing shared"], "cells-2")
    assert text_of(pages["lost"], "answer") == "No job has a trial with a score yet."
    assert "Each best was chosen for its score" in text_of(pages["two"], "answer")
    assert pages["two"].read_text().count("was chosen for its score") == 1
    assert "The baseline, trial " in text_of(pages["baseline"], "answer")
    assert "<b>x</b>" not in pages["odd"].read_text() and "<i>deep" not in pages["odd"].read_text()


def test_figures_have_every_cell() -> None:
    pair = compare(sides_of([(PLAIN, ""), (MOMENTUM, "")])).pairings[0]
    diagonal, points = scores_figure(pair).data
    assert list(zip(points.x, points.y, strict=True)) == [cell.scores for cell in pair.cells]
    assert list(diagonal.x) == list(diagonal.y)
    over = scores_figure(pair, 0.5).data[1]
    assert list(over.x) == pytest.approx([cell.scores[0] - 0.5 for cell in pair.cells])
    figure = differences_figure(pair)
    (drawn,) = figure.data
    assert list(drawn.x) == sorted(cell.difference for cell in pair.cells)
    lows = [x - below for x, below in zip(drawn.x, drawn.error_x.arrayminus, strict=True)]
    assert lows == pytest.approx(
        [cell.interval[0] for cell in sorted(pair.cells, key=lambda c: c.difference) if cell.interval]
    )
    zero, band, mean = figure.layout.shapes
    assert (zero.x0, mean.x0) == (0, pair.mean) and (band.x0, band.x1) == pair.interval


def test_what_is_subtracted_has_room_below_the_axis() -> None:
    pair = compare(sides_of([(PLAIN, ""), (MOMENTUM, "")])).pairings[0]
    assert differences_figure(pair).layout.xaxis.title.text == "momentum minus plain"
    odd = compare(sides_of([(ODD, ""), (ODD_TOO, "")])).pairings[0]
    lines = differences_figure(odd).layout.xaxis.title.text.split("<br>")
    assert len(lines) == 2 and lines[1].startswith("minus ")
    same = compare(sides_of([(PLAIN, "/results/stores/before.db"), (PLAIN, "/results/stores/after.db")])).pairings[0]
    lines = differences_figure(same).layout.xaxis.title.text.split("<br>")
    assert lines == ["plain (/resu…es/after.db)", "minus plain (/resu…s/before.db)"]


def test_of_very_many_cells_so_many_are_drawn() -> None:
    many = [
        grid(
            {"n": list(range(50)), "m": list(range(50))},
            lambda p, s=s: 0.5 + s * p["n"] / 1000,
            name=f"m{s}",
            model=f"m{s}",
        )
        for s in (1, 2)
    ]
    pair = compare(sides_of([(job, "") for job in many])).pairings[0]
    drawn = differences_figure(pair).data[0].x
    assert len(pair.cells) == 2500 and len(drawn) == MOST_DRAWN
    assert (drawn[0], drawn[-1]) == (min(c.difference for c in pair.cells), max(c.difference for c in pair.cells))


class TestInABrowser:
    """Every control of the page, and that nothing complains or leaves it."""

    pytestmark: ClassVar = in_a_browser("compared jobs in a browser")

    @pytest.mark.parametrize("name", PAGES)
    def test_nothing_complains_and_nothing_sticks_out(
        self, browser: Browser, pages: dict[str, Path], name: str
    ) -> None:
        open_at_all_widths(browser, pages[name])

    def test_every_figure_draws_and_every_control_works(self, browser: Browser, pages: dict[str, Path]) -> None:
        browser.open(pages["three"])
        browser.wait("[...document.querySelectorAll('.plot')].every((one) => one.data && one.data.length)")
        assert browser.run("document.querySelectorAll('.plot').length") == 6
        names = browser.run("[...new Set(document.getElementById('compare-0').data.map((one) => one.name))]")
        assert names == ["plain", "momentum", "decay"]
        lines = "document.getElementById('compare-0').data.length"
        before = browser.run(lines)
        browser.run("document.querySelector('input[name=compare-lines][value=both]').click()")
        assert browser.run(lines) == 2 * before
        browser.run("document.querySelector('input[name=compare-scale][value=linear]').click()")
        assert browser.run("document.getElementById('compare-0').layout.yaxis.type") == "linear"
        assert browser.run("location.hash || location.search").count("linear") == 1
        browser.run("document.querySelector('#theme input[value=dark]').click()")
        assert browser.run("document.getElementById('scores-0').layout.template.layout.paper_bgcolor") == "#12171d"
        browser.run("document.querySelector('#theme input[value=auto]').click()")
        assert browser.run("document.querySelectorAll('#scores-0 + .foot button').length") == 2
        assert browser.complaints == []
