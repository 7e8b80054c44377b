"""Pages of trainings of the user's own in a real browser: no complaint, every plot drawn, every choice answered."""

import json
from pathlib import Path

import pytest

from gridsearch.visualization.dashboards import write_page
from tests.visualization.browser import Browser, in_a_browser
from tests.visualization.own_jobs import OWN_JOBS

pytestmark = in_a_browser("how pages look and answer in a browser")
DRAWN = "[...document.querySelectorAll('.plot:not(#chosen-curves)')].every(p => p.querySelector('svg'))"
LINES = "[...document.querySelectorAll('[data-curve] .scatterlayer')].every(l => l.querySelector('.js-line'))"


@pytest.mark.parametrize("name", OWN_JOBS)
def test_pages_draw_without_a_complaint_and_fit(browser: Browser, tmp_path: Path, name: str) -> None:
    browser.open(write_page(OWN_JOBS[name], tmp_path / f"{name}.html"))
    browser.wait(f"{DRAWN} && {LINES}")
    for width in (1400, 800):
        browser.resize(width)
        browser.wait(f"innerWidth === {width}")
        browser.wait("document.body.scrollWidth <= window.innerWidth", seconds=5)
    assert browser.complaints == []


def test_metrics_can_be_chosen(browser: Browser, tmp_path: Path) -> None:
    browser.open(write_page(OWN_JOBS["thirty"], tmp_path / "thirty.html"))
    for field, title in (("curves-metric", "[data-curve]"), ("compare-metric-1", "#compare-1")):
        choices = browser.run(f"[...document.getElementById('{field}').options].map(o => o.value)")
        for metric in choices[1::5]:
            change = f"f.value = {json.dumps(metric)}; f.dispatchEvent(new Event('change'))"
            browser.run(f"(f => {{ {change} }})(document.getElementById('{field}'))")
            words = metric.removeprefix("val_")
            text = f"document.querySelector('{title} .ytitle').textContent"
            browser.wait(f"{text} === {json.dumps(words)}")
    assert browser.run("document.querySelectorAll('.legend[data-metric]:not([hidden])').length") == 1
    # A metric with values below 0 has no logarithmic scale to choose.
    assert browser.run("document.getElementById('scale').offsetParent === null") is True
    assert browser.complaints == []
