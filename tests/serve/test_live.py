"""A page that follows a launch, in a real browser."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from gridsearch.quantities import duration
from gridsearch.store.opening import open_store
from tests.cli.paced import hurry, write_paced
from tests.cli.program import command, environment
from tests.serve.served import serving
from tests.visualization.browser import Browser, executable, in_a_browser
from tests.visualization.test_page import HOSTILE

pytestmark = in_a_browser("pages that follow a launch, in a browser")
ENDED = "Number((document.getElementById('live') || { dataset: {} }).dataset.ended || 0)"
FACTS = "(document.querySelector('.live-facts') || {}).textContent + ''"
#: The next page to come takes 40 seconds more by the page's clock: it would rest for minutes then.
LONG = """{
const now = performance.now.bind(performance);
let gone = false;
performance.now = function () {
  const drawn = "drawn" in document.documentElement.dataset;
  gone = gone || !drawn;
  return now() + (gone && drawn ? 40000 : 0);
};
}"""
#: Long enough that a machine with other work to do is not taken for a slow page.
PATIENCE = 90


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A browser of its own: another would bring the cookie of another server."""
    program = executable()
    assert program, "no browser is on PATH"
    with Browser(program) as running:
        yield running


def launch(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("launch", "small.yaml", "--inline", "--pack", "off", "--keep", "none"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def ended(folder: Path) -> int:
    with open_store(folder / "results.db", create=False, read_only=True) as store:
        counts = store.counts("small")
    return sum(count for state, count in counts.items() if state not in ("pending", "running"))


def test_a_page_follows_a_launch_from_before_there_is_a_store(tmp_path: Path, browser: Browser) -> None:
    write_paced(tmp_path)
    with serving(tmp_path) as server:
        browser.visit(server.url)
        browser.wait("((document.body || {}).textContent + '').includes('there is no store')", PATIENCE)
        assert browser.run("location.search") == ""
        training = launch(tmp_path)
        try:
            # The job appears by itself in the list, and then its page follows.
            browser.wait("(document.querySelector('td.job a') || {}).textContent === 'small'", PATIENCE)
            browser.run("window.stays = true")
            browser.run("document.querySelector('td.job a').click()")
            browser.wait("location.pathname === '/small.html' && document.readyState === 'complete'", PATIENCE)
            browser.wait(f"({FACTS}).includes('1 worker')", PATIENCE)
            browser.run("window.stays = 'since the first result'")
            browser.wait(f"{ENDED} >= 1", PATIENCE)
            # Within two seconds of a result: whatever stood in the store that long ago is shown.
            before = ended(tmp_path)
            time.sleep(2)
            assert browser.run(ENDED) >= before
            assert browser.run("document.querySelectorAll('.live-newest tbody tr').length") >= 1
            assert browser.run("document.querySelectorAll('.live-history circle').length") >= 1
            assert browser.run("document.querySelectorAll('.live-curves path[data-trial]').length") >= 1
            assert "left" in browser.run(FACTS).lower()
            # The rest of the page comes without a reload, and again later: the reader's choices are kept.
            browser.wait("document.getElementById('trials') && !document.getElementById('trials').hidden", PATIENCE)
            browser.run("document.querySelector('#trials details').open = true")
            browser.run("document.getElementById('filter').value = 'batch_size >= 64'")
            browser.run("document.getElementById('filter').dispatchEvent(new Event('change'))")
            browser.run("document.getElementById('filter').focus()")
            # However long a page took to come, the end of the launch is told at once.
            browser.run(LONG)
            shown = "document.documentElement.dataset.version"
            version = browser.run(shown)
            browser.wait(f"{shown} !== {json.dumps(version)}", PATIENCE)
            assert "still training" in browser.run("document.body.textContent")
            hurry(tmp_path)
            assert training.wait(PATIENCE) == 0
            browser.wait(f"{ENDED} === 8", PATIENCE)
            browser.wait("!document.body.textContent.includes('still training')", 20)
            browser.wait("document.querySelectorAll('#scatter-plot .points path').length === 8", PATIENCE)
            assert browser.run("window.stays") == "since the first result"
            assert browser.run("document.getElementById('filter').value") == "batch_size >= 64"
            browser.wait("document.activeElement.id === 'filter'", PATIENCE)
            browser.wait("document.querySelector('#trials details').open", PATIENCE)
            assert "no launch is at work" in browser.run(FACTS)
            assert browser.complaints == []
            assert {url.split("/")[2] for url in browser.requests if url.startswith("http")} == {server.host}
        finally:
            hurry(tmp_path)
            training.kill()
            training.wait()


def test_markup_in_names_is_shown_and_not_run_and_a_locked_store_is_told(tmp_path: Path, browser: Browser) -> None:
    job = {
        "name": HOSTILE,
        "dataset": "digits",
        "model": "shallow",
        "space": {"batch_size": [128], "epochs": [1], "learning_rate": [0.1], "neurons": [5, 10]},
    }
    (tmp_path / "job.yaml").write_text(json.dumps(job))
    subprocess.run(
        command("launch", "job.yaml", "--inline", "--keep", "none"),
        cwd=tmp_path,
        env=environment(),
        check=True,
        capture_output=True,
    )
    with serving(tmp_path) as server:
        browser.visit(server.url)
        browser.wait("!!document.querySelector('td.job a')", PATIENCE)
        browser.run("document.querySelector('td.job a').click()")
        browser.wait(f"location.pathname !== '/index.html' && {ENDED} === 2", PATIENCE)
        assert browser.run("document.querySelector('h1').textContent") == HOSTILE
        assert browser.complaints == []
        with sqlite3.connect(tmp_path / "results.db", isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            os.utime(tmp_path / "results.db")
            state = "document.querySelector('.live-state').textContent"
            browser.wait(f"{state}.includes('locked')", PATIENCE)
            other.execute("ROLLBACK")
            browser.wait(f"{state} === 'following the store'", PATIENCE)
        assert browser.complaints == []


def test_durations_read_as_everywhere_else(browser: Browser) -> None:
    drawing = resources.files("gridsearch.visualization").joinpath("assets", "live", "drawing.js").read_text()
    found = re.search(r"export (function timeText.*?\n\})", drawing, re.DOTALL)
    assert found
    for seconds in (12, 59.6, 60, 185, 3599.6, 14_580, 86_399, 187_200, 700_000):
        assert browser.run(f"(() => {{ {found[1]}; return timeText({seconds}); }})()") == duration(seconds)
