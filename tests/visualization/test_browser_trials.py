"""The table of all trials, what is linked with it, and the page's choices, in a real browser."""

import csv
import io
import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from gridsearch.analysis.all_trials import all_trials
from gridsearch.analysis.filtering import TableError, matching
from gridsearch.analysis.frames import JobData
from gridsearch.visualization.dashboards import write_page
from tests.analysis.grids import SHALLOW, grid, job_data, make_job, make_trial, shallow_score
from tests.visualization.browser import DRAWN, Browser, in_a_browser
from tests.visualization.test_browser import JOBS

pytestmark = in_a_browser("how pages look and answer in a browser")
DATA = grid(SHALLOW, shallow_score, name="shallow")
AXES = {"optimizer": ["sgd", "adam"], "hidden": [[512, 256], [1024]], "neurons": [1, 2, 3], "nesterov": [True, False]}
MIXED = grid(AXES, lambda point: None if point["neurons"] == 3 else point["neurons"] / 10 + point["nesterov"] / 100)
FILTERS = [
    "neurons == 2 and optimizer == 'adam'",
    "neurons >= 2 or not nesterov",
    "hidden == [512, 256]",
    "optimizer in ['sgd', 'adamw'] and 1 < neurons <= 3",
    "optimizer not in ('sgd',)",
    "score > 0.15",
    "score == null",
    "not (score == null) and score * 10 % 2 >= 1",
    "nesterov == true and state != 'diverged'",
    "neurons // 2 == 1 and -neurons + 4 > 1 and neurons / 2 - 1 >= 0",
    "'ada' in optimizer",
    "diverged_epoch == 2",
]
BAD = [
    "neurons = 2",
    "neurons ==",
    "neuron == 2",
    "neurons == 'two'",
    "optimizer == 'sgd' or 'adam'",
    "neurons > 1 )",
    "1 / 0 == neurons",
    "hidden > 2",
    "__proto__ == 1",
    "toString == 1",
    "constructor",
    "hasOwnProperty in [1, 2]",
    "trial == '557e7bef'",
    "trial in ['557e7bef']",
    "learning rate > 0.1",
]
# What the terminal says of these, word for word.
TOLD = [
    "neurons == '2'",
    "nesterov == 'yes'",
    "optimizer == 3",
    "neurons > 'two'",
    "state == 'done'",
    "state in ['failed', 'x']",
]
ROWS = "[...document.querySelectorAll('#trials tbody tr[data-place]')]"
IDS = f"{ROWS}.map(r => r.lastElementChild.textContent)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: write_page(data, folder / f"{name}.html") for name, data in (JOBS | {"mixed": MIXED}).items()}


@pytest.fixture(scope="module")
def downloads(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("downloads")
    browser.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    return folder


def write_filter(browser: Browser, text: str) -> str:
    """Type an expression; return the one line that says what is wrong with it."""
    field = "document.getElementById('filter')"
    browser.run(f"{field}.value = {json.dumps(text)}; {field}.dispatchEvent(new Event('change'))")
    problem = "document.getElementById('filter-problem')"
    return str(browser.run(f"{problem}.hidden ? '' : {problem}.textContent"))


def saved(folder: Path, name: str) -> Path:
    end = time.monotonic() + 20
    while not (folder / name).exists():
        assert time.monotonic() < end, (name, [path.name for path in folder.iterdir()])
        time.sleep(0.02)
    return folder / name


def test_rows_are_the_ranking_and_only_those_in_view(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    table = all_trials(DATA)
    shown = browser.run(IDS)
    assert shown == [trial[:8] for trial in table.trials[: len(shown)]] and 15 < len(shown) < 60
    assert browser.run("document.querySelector('#trials table').getAttribute('aria-rowcount')") == "193"
    browser.run("document.querySelector('#trials .scroller').scrollTop = 1e6")
    browser.wait(f"{IDS}.slice(-1)[0] === {json.dumps(table.trials[-1][:8])}")
    assert browser.run(f"{ROWS}.length") < 60


@pytest.mark.parametrize("name", JOBS)
def test_every_cell_reads_as_it_does_in_print(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    above = "[...document.querySelectorAll('#ranking tbody:first-of-type tr:not(.group)')].slice(0, 3)"
    printed = browser.run(f"{above}.map(r => [...r.cells].map(c => c.textContent.trim()))")
    told = browser.run(f"{ROWS}.slice(0, 3).map(r => [...r.cells].slice(1).map(c => c.textContent.trim()))")
    assert told == printed
    assert browser.complaints == []


def test_expressions_hold_for_the_same_trials_as_in_the_terminal(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["mixed"])
    for text in FILTERS:
        expected = matching(MIXED.trials, text)["trial"].str[:8].tolist()
        assert write_filter(browser, text) == "", text
        assert sorted(browser.run(IDS)) == sorted(expected), text
        assert browser.run("document.getElementById('trials-count').textContent").startswith(f"{len(expected)} ")
    # What the terminal refuses is refused here too, in one line, and the rows stay.
    write_filter(browser, FILTERS[0])
    before = browser.run(IDS)
    for text in BAD:
        with pytest.raises(TableError):
            matching(MIXED.trials, text)
        said = write_filter(browser, text)
        assert said and "\n" not in said, text
        assert browser.run(IDS) == before
    for text in TOLD:
        with pytest.raises(TableError) as refused:
            matching(MIXED.trials, text)
        told = f"{str(refused.value).removeprefix('filter: ')} (the filter {FILTERS[0]} still applies)"
        assert write_filter(browser, text) == told
    assert write_filter(browser, "constructor").startswith("unknown column 'constructor'; there are ")
    assert write_filter(browser, "trial != '557e7bef'").startswith(
        "trial is never '557e7bef': the whole id has 64 digits"
    )
    # A word beside text needs no quotes here.
    assert write_filter(browser, "optimizer == adam and neurons == 2") == ""
    assert sorted(browser.run(IDS)) == sorted(before)
    assert browser.complaints == []


def test_columns_are_named_and_written_as_the_user_likes(browser: Browser, tmp_path: Path) -> None:
    names = {"constructor": [1, 2], "toString": [1, 2], "learning_rate": [0.1, 0.2]}
    data = grid(names, lambda point: point["constructor"] / 10 + point["learning_rate"])
    browser.open(write_page(data, tmp_path / "odd.html"))
    best = data.trials["trial"][0]
    for text in ["constructor == 1 and toString == 2", f"trial == {best!r}", f"trial != {best!r}", "'a' in trial"]:
        assert write_filter(browser, text) == ""
        assert sorted(browser.run(IDS)) == sorted(matching(data.trials, text)["trial"].str[:8]), text
    assert write_filter(browser, "learning rate > 0.1") == (
        "write learning_rate for learning rate (the filter 'a' in trial still applies)"
    )
    browser.run("location.hash = 'filter=__proto__ == 1'")
    browser.wait("document.getElementById('filter-problem').textContent.endsWith('(no filter applies)')")
    assert len(browser.run(IDS)) == 8 and browser.complaints == []


def test_columns_sort_both_ways_and_say_so(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["mixed"])
    head = "document.querySelector('#trials th button[data-column={}]')"
    for name in ("neurons", "optimizer", "score"):
        own = f"[...document.querySelectorAll('#trials th')].findIndex(h => h.querySelector('[data-column={name}]'))"
        cells = f"{ROWS}.map(r => r.cells[{own}].textContent)"
        found = {}
        for _ in range(2):
            browser.run(f"{head.format(name)}.click()")
            order = browser.run(f"{head.format(name)}.closest('th').getAttribute('aria-sort')")
            found[order] = [cell for cell in browser.run(cells) if cell != "diverged"]
        assert set(found) == {"ascending", "descending"}
        if name == "optimizer":
            assert found["ascending"] == ["sgd"] * 12 + ["adam"] * 12
        else:
            assert found["ascending"] == sorted(found["ascending"], key=float)
            assert found["descending"] == sorted(found["ascending"], key=float, reverse=True)
        assert browser.run(f"document.activeElement === {head.format(name)}")
    # Without a score comes last, whichever way.
    assert browser.run(f"{ROWS}.slice(-8).every(r => r.textContent.includes('diverged'))")


def test_rows_are_chosen_by_keyboard_and_light_up_everywhere(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    browser.run(f"{ROWS}[0].querySelector('input').focus()")
    for key in (" ", "ArrowDown", "ArrowDown", " "):
        code = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": 32 if key == " " else 40}
        browser.send("Input.dispatchKeyEvent", type="keyDown", text=" " if key == " " else "", **code)
        browser.send("Input.dispatchKeyEvent", type="keyUp", **code)
    browser.wait("document.querySelectorAll('#trials tr.chosen').length === 2")
    assert browser.run(f"{ROWS}.map(r => r.classList.contains('chosen')).slice(0, 4)") == [True, False, True, False]
    rings = "document.getElementById('scatter-plot').data.find(t => t.name === 'chosen')"
    browser.wait(f"{rings} && {rings}.x.length === 2")
    scores = next(column.values for column in all_trials(DATA).columns if column.name == "score")
    assert sorted(browser.run(f"{rings}.y")) == sorted([scores[0], scores[2]])
    browser.wait("document.querySelectorAll('#parallel-plot .lit').length === 2")
    # Of these the first has a panel; in that of the third stands the cheapest as good.
    assert browser.run("[...document.querySelectorAll('figure.lit .place')].map(p => p.textContent.slice(0, 2))") == [
        "#1"
    ]
    for place in ("chosen-curves", "compare-0", "compare-1"):
        solid = f"document.getElementById('{place}').data.filter(t => /^#/.test(t.name) && t.line.dash === 'solid')"
        browser.wait(f"{solid}.map(t => t.name.split(' ')[0]).join() === '#1,#3'")
    first = browser.run("document.getElementById('chosen-curves').data.find(t => t.line.dash === 'solid').y")
    assert first == [2.4, 1.2, 0.8, 0.6, 0.48][: len(first)] and len(first) > 2
    browser.run("document.querySelector('#chosen-count button').click()")
    browser.wait("document.getElementById('chosen').hidden && !document.querySelector('.lit')")
    assert browser.complaints == []


def test_a_link_shows_what_its_sender_saw(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    write_filter(browser, "neurons >= 25 and learning_rate > 0.001")
    for script in (
        "document.querySelector('[data-column=neurons]').click()",
        f"{ROWS}[1].querySelector('input').click()",
        "document.querySelector('#columns-choice input[value=seconds]').click()",
        "document.querySelector('input[name=scale][value=linear]').click()",
        "f = document.getElementById('x'); f.value = 'epochs'; f.dispatchEvent(new Event('change'))",
        "f = document.getElementById('compare-axis'); f.value = 'neurons'; f.dispatchEvent(new Event('change'))",
        "f = document.getElementById('chosen-metric'); f.selectedIndex = 1; f.dispatchEvent(new Event('change'))",
    ):
        browser.run(script)
    brush(browser, "batch_size", 0.9, 0.35)
    state = f"""JSON.stringify([{IDS}, [...document.querySelectorAll('#trials th')].map(h => h.textContent),
      document.getElementById('filter').value, document.getElementById('trials-count').textContent,
      [...document.querySelectorAll('#trials tr.chosen')].map(r => r.textContent),
      document.querySelector('.chips').textContent,
      document.getElementById('scatter-plot').layout.xaxis.title.text,
      document.getElementById('chosen-curves').layout.yaxis.title.text,
      document.querySelector('[data-curve]').layout.yaxis.type, document.getElementById('compare-0').data[0].name,
      document.querySelectorAll('#parallel-plot .brush').length])"""
    browser.wait("document.querySelectorAll('#parallel-plot .brush').length === 1")
    seen, link = browser.run(state), browser.run("location.hash")
    for part in ("filter=", "sort=neurons", "chosen=", "columns=", "scale=linear", "x=epochs", "brush-batch_size="):
        assert part in link
    browser.open(pages["unlucky"])
    browser.send("Page.navigate", url=pages["shallow"].absolute().as_uri() + link)
    browser.wait(f"{DRAWN} && document.getElementById('filter').value !== ''")
    browser.wait(f"{state} === {json.dumps(seen)}")
    # Another address while the page is open, as by the button for going back.
    browser.run("location.hash = '#x=neurons'")
    browser.wait("document.getElementById('trials-count').textContent === '192 trials'")
    assert browser.run("document.getElementById('scatter-plot').layout.xaxis.title.text").startswith("neurons")
    browser.wait("document.querySelectorAll('.chosen, .lit, .brush').length === 0")
    assert browser.complaints == []


def test_an_address_that_means_nothing_does_no_harm(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    url = (
        pages["shallow"].absolute().as_uri()
        + "#filter=%3D%3D&sort=-none&columns=&chosen=zz,1&x=nope&brush-neurons=a..b&scale=%22"
    )
    browser.open(pages["unlucky"])
    browser.send("Page.navigate", url=url)
    browser.wait(f"{DRAWN} && document.getElementById('filter').value === '=='")
    assert browser.run("document.getElementById('filter-problem').hidden") is False
    assert browser.run(f"{ROWS}.length") > 15
    assert browser.complaints == []


def brush(browser: Browser, axis: str, start: float, end: float) -> None:
    """Drag along an axis of the parallel coordinates, from one share of its height to another (1 is below)."""
    hit = f"document.querySelector('#parallel-plot [data-axis={axis}] .hit')"
    browser.run(f"{hit}.scrollIntoView({{block: 'center'}})")
    box = browser.run(f"(b => [b.left + b.width / 2, b.top, b.height])({hit}.getBoundingClientRect())")
    for kind, share in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
        at = {"x": box[0], "y": box[1] + share * box[2]}
        browser.send("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **at)


def test_brushes_narrow_the_table_by_pointer_and_keys(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    brush(browser, "learning_rate", 0.0, 0.4)
    chip = "document.querySelector('.chips').textContent"
    browser.wait(f"{chip} === 'learning rate 0.01 to 0.1 ×'")
    assert browser.run("document.getElementById('trials-count').textContent") == "96 of 192 trials"
    axis = "document.querySelector('#parallel-plot [data-axis=neurons]')"
    browser.run(f"{axis}.focus()")
    for key in ("ArrowUp", "ArrowUp", "ArrowDown"):
        browser.run(f"{axis}.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
    browser.wait(f"{chip} === 'learning rate 0.01 to 0.1 ×neurons 25 to 100 ×'")
    assert browser.run(f"document.activeElement === {axis}")
    assert browser.run("document.getElementById('trials-count').textContent") == "72 of 192 trials"
    assert (
        browser.run(
            "[...document.querySelectorAll('#parallel-plot [data-lines]')]"
            ".reduce((n, p) => n + Number(p.dataset.lines), 0)"
        )
        == 72
    )
    browser.run(f"{axis}.dispatchEvent(new KeyboardEvent('keydown', {{key: 'Escape', bubbles: true}}))")
    browser.run("document.querySelector('.chips button').click()")
    browser.wait("document.getElementById('trials-count').textContent === '192 trials'")
    assert browser.complaints == []


def test_tables_save_themselves(browser: Browser, pages: dict[str, Path], downloads: Path) -> None:
    browser.open(pages["unlucky"])
    write_filter(browser, "neurons == 2")
    name = browser.run("JSON.parse(document.getElementById('figures').textContent).job")
    browser.run("document.querySelector('#trials-save button').click()")
    rows = list(csv.reader(io.StringIO(saved(downloads, f"{name}-trials.csv").read_text())))
    frame = matching(JOBS["unlucky"].trials, "neurons == 2")
    assert rows[0] == ["rank", "score", "kind", "hidden", "neurons", "trial"]
    assert sorted((row[2], float(row[1]), row[-1]) for row in rows[1:]) == sorted(
        zip(frame["kind"], frame["score"], frame["trial"], strict=True)
    )
    browser.run("document.querySelectorAll('#trials-save button')[1].click()")
    text = saved(downloads, f"{name}-trials.tex").read_text()
    assert (
        text.startswith("\\begin{tabular}{rrllrl}")
        and r"\textless{}b\textgreater{}x" in text
        and text.count(r" \\") == 5
    )
    # Every other table has both buttons.
    tables = browser.run("document.querySelectorAll('main table:not(#trials table)').length")
    assert browser.run("document.querySelectorAll('main .foot > .save:only-child').length") == tables > 0
    browser.run("document.querySelector('#ranking .foot button').click()")
    printed = list(csv.reader(io.StringIO(saved(downloads, f"{name}-ranking-1.csv").read_text())))
    assert printed[0][:2] == ["#", "val accuracy"] and len(printed) == 11
    assert browser.complaints == []


def test_figures_save_themselves_and_have_their_numbers(
    browser: Browser, pages: dict[str, Path], downloads: Path
) -> None:
    browser.open(pages["evaluated"])
    browser.run(f"{ROWS}[0].querySelector('input').click()")
    plots = browser.run("[...document.querySelectorAll('.plot')].map(p => p.id || 'curve')")
    assert {"parallel-plot", "scatter-plot", "heatmap", "confusion", "chosen-curves", "compare-0", "curve"} <= set(
        plots
    )
    feet = "[...document.querySelectorAll('.plot')].map(p => p.nextElementSibling)"
    assert browser.run(
        f"{feet}.every(f => f.querySelectorAll('.save button').length === 2 && f.querySelector('details'))"
    )
    assert browser.run(
        "[...document.querySelectorAll('.plot')]"
        ".every(p => p.getAttribute('role') === 'img' || p.querySelector('[role=slider]'))"
    )
    assert browser.run("[...document.querySelectorAll('.plot')].every(p => p.getAttribute('aria-label'))")
    job = browser.run("JSON.parse(document.getElementById('figures').textContent).job")
    for place, file in (
        ("parallel-plot", "parallel"),
        ("scatter-plot", "scatter-plot"),
        ("heatmap", "heatmap"),
        ("confusion", "confusion"),
    ):
        for number, (kind, start) in enumerate((("svg", b"<svg"), ("png", b"\x89PNG"))):
            browser.run(
                f"document.getElementById('{place}').nextElementSibling"
                f".querySelectorAll('.save button')[{number}].click()"
            )
            assert saved(downloads, f"{job}-{file}.{kind}").read_bytes().startswith(start)
    browser.run(f"{feet}.forEach(f => f.querySelector('details').open = true)")
    browser.wait(f"{feet}.every(f => f.querySelectorAll('tbody tr').length > 0)")
    lines = "[...document.getElementById('{}').nextElementSibling.querySelectorAll('tbody tr')]"
    cells = f"{lines}.map(r => [...r.cells].map(c => c.textContent))"
    scatter = browser.run(cells.format("scatter-plot"))
    assert sorted(float(row[2]) for row in scatter) == pytest.approx(sorted(JOBS["evaluated"].trials["score"].dropna()))
    assert browser.run(cells.format("confusion"))[0][1:] == ["0.8", "0.2"]
    assert "<script>" in "".join(itertools.chain(*scatter))
    assert browser.complaints == []


def test_dark_and_light_follow_the_system_and_the_switch(browser: Browser, pages: dict[str, Path]) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    drawn = "document.getElementById('scatter-plot')._fullLayout.paper_bgcolor"
    try:
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        browser.open(pages["shallow"])
        browser.wait(f"{paper} === 'rgb(18, 23, 29)' && {drawn} === '#12171d'")
        browser.run("document.querySelector('#theme input[value=light]').click()")
        browser.wait(f"{paper} === 'rgb(255, 255, 255)' && {drawn} === '#ffffff'")
        browser.open(pages["shallow"])
        browser.wait(f"{paper} === 'rgb(255, 255, 255)' && {drawn} === '#ffffff'")
        browser.run("document.querySelector('#theme input[value=dark]').click()")
        browser.wait(f"{paper} === 'rgb(18, 23, 29)' && {drawn} === '#12171d'")
        browser.run("window.dispatchEvent(new Event('beforeprint'))")
        browser.wait(f"{paper} === 'rgb(255, 255, 255)' && {drawn} === '#ffffff'")
        browser.run("window.dispatchEvent(new Event('afterprint'))")
        browser.run("document.querySelector('#theme input[value=auto]').click()")
        browser.wait(f"{drawn} === '#12171d'")
    finally:
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    assert browser.complaints == []


def many(count: int) -> JobData:
    """A job of so many trials without epochs, as a store would give them."""
    axes: dict[str, list[Any]] = {
        "neurons": list(range(1, count // 40 + 1)),
        "learning_rate": [10.0**-n for n in range(1, 11)],
        "momentum": [0.0, 0.5, 0.9, 0.99],
    }
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    rows = [make_trial(point, 0.5 + (n * 7919 % count) / count / 2) for n, point in enumerate(points)]
    return job_data(make_job(axes), rows, ())


def test_twelve_thousand_rows_stay_quick(browser: Browser, tmp_path: Path) -> None:
    browser.open(write_page(many(12_000), tmp_path / "many.html"))
    assert browser.run("document.getElementById('trials-count').textContent") == "12,000 trials"
    assert browser.run("document.querySelectorAll('#trials tbody tr').length") < 60
    sort = "document.querySelector('[data-column=neurons]').click()"
    field = "document.getElementById('filter')"
    narrow = f"{field}.value = 'score > 0.6 and neurons % 2 == 0'; {field}.dispatchEvent(new Event('change'))"
    for script in (sort, narrow):
        took = browser.run(f"(() => {{ const t = performance.now(); {script}; return performance.now() - t }})()")
        assert took < 1000, script
    assert browser.run("document.getElementById('trials-count').textContent") == "4,800 of 12,000 trials"
    assert browser.complaints == []
