"""The pages in a real browser: that they draw, answer, fit, and stay off the network."""

import base64
import json
from pathlib import Path

import pytest

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.scatter import board
from gridsearch.visualization.dashboards import write_dashboards, write_page
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.latex_text import as_latex
from gridsearch.visualization.figures.scatter import scatter_figure
from gridsearch.visualization.inlining import asset
from tests.analysis.grids import SHALLOW, grid, shallow_score
from tests.visualization.browser import Browser, in_a_browser
from tests.visualization.stores import filled_store
from tests.visualization.test_page import HOSTILE, evaluated

pytestmark = in_a_browser("how pages look and answer in a browser")
DATA = grid(SHALLOW, shallow_score, name="shallow")
UNLUCKY = grid(
    {
        "kind": ["</script><script>alert(2)</script>", "<b>x</b>"],
        "hidden": [[512, 256], [1024]],
        "neurons": [1, 2, 3],
    },
    lambda point: None if point["neurons"] == 3 else point["neurons"] / 10,
    name=HOSTILE,
)
WIDE = grid({f"a_rather_long_hyperparameter_{n}": [32, 64] for n in range(7)}, lambda point: 0.5, name="w" * 90)
JOBS = {
    "shallow": DATA,
    "unlucky": UNLUCKY,
    "wide": WIDE,
    "diverged": grid({"neurons": [1, 2, 3]}, lambda point: None),
    "single": grid({}, lambda point: 0.5),
    "evaluated": evaluated(UNLUCKY, 1, 2),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: write_page(data, folder / f"{name}.html") for name, data in JOBS.items()}


def test_every_plot_is_drawn(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    # That of chosen trials waits for a choice, and parallel coordinates are not plotly's.
    plots = "[...document.querySelectorAll('.plot:not(#parallel-plot, #chosen-curves)')]"
    assert browser.run("document.querySelectorAll('#curves .plot, #compare .plot').length") == 12
    assert browser.run(f"{plots}.every(p => p.querySelector('.main-svg'))")
    assert browser.run("document.querySelectorAll('#parallel-plot [role=slider]').length") == 5
    assert browser.run("document.querySelectorAll('#scatter-plot .points path').length") == 192
    assert browser.run("document.querySelectorAll('#heatmap .annotation').length") == 25
    ticks = browser.run("[...document.querySelectorAll('#scatter-plot .xtick text')].map(t => t.textContent)")
    assert ticks == ["0.0001", "0.001", "0.01", "0.1"]


@pytest.mark.parametrize("name", JOBS)
def test_no_complaint_and_no_network(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    browser.run("new Promise(done => setTimeout(done, 100))")
    assert browser.complaints == []
    assert [url[:5] for url in browser.requests if not url.startswith(("data:", "blob:"))] == ["file:"]
    assert "alert(" not in browser.run("[...document.scripts].filter(s => !s.type).slice(-1)[0].textContent")


@pytest.mark.parametrize("name", JOBS)
def test_the_body_never_scrolls_sideways(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    for width in (1400, 800, 420):
        browser.resize(width)
        browser.wait(f"innerWidth === {width}")
        browser.wait("document.body.scrollWidth <= window.innerWidth", seconds=5)
        inside = "[...document.querySelectorAll('.main-svg')].every("
        inside += "s => s.getBoundingClientRect().right <= innerWidth"
        inside += " && s.getBoundingClientRect().bottom <= s.closest('.plot').getBoundingClientRect().bottom"
        inside += " && s.clientHeight === s.closest('.plot')._fullLayout.height)"
        browser.wait(inside, seconds=5)


def test_every_choice_of_axes_draws_what_the_notebook_draws(browser: Browser, pages: dict[str, Path]) -> None:
    for name, data in (("shallow", DATA), ("unlucky", UNLUCKY)):
        browser.open(pages[name])
        for x in data.axis_columns:
            for color in ("", *data.axis_columns):
                assert _chosen(browser, x, color) == _expected(data, x, color), (x, color)


def test_the_switches_change_the_plots(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    cells = "[...document.querySelectorAll('#heatmap .annotation-text')].map(t => t.textContent).join()"
    before = browser.run(cells)
    browser.run("document.querySelector('input[value=spearman]').click()")
    browser.wait(f"{cells} !== {json.dumps(before)}")
    for scale in ("linear", "log"):
        browser.run(f"document.querySelector('input[name=scale][value={scale}]').click()")
        panels = "[...document.querySelectorAll('[data-curve]')]"
        browser.wait(f"{panels}.every(p => p._fullLayout.yaxis.type === '{scale}')")
        ranges = f"{panels}.every(p => p._fullLayout.yaxis.range[1] === p.layout.meta.{scale}.range[1])"
        assert browser.run(ranges)
    assert browser.complaints == []


def test_the_curves_follow_the_choice_of_axis_lines_and_scale(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    lines = "document.querySelectorAll('#compare-{} .scatterlayer .js-line').length"
    browser.wait(f"{lines.format(0)} === 4 && {lines.format(1)} === 4")
    field = "document.getElementById('compare-axis')"
    browser.run(f"{field}.value = 'batch_size'; {field}.dispatchEvent(new Event('change'))")
    browser.wait(f"{lines.format(0)} === 6")
    browser.run("document.querySelector('input[name=compare-lines][value=both]').click()")
    browser.wait(f"{lines.format(0)} === 12 && {lines.format(1)} === 12")
    browser.run("document.querySelector('input[name=compare-scale][value=linear]').click()")
    browser.wait("document.getElementById('compare-0')._fullLayout.yaxis.type === 'linear'")
    assert browser.run("document.getElementById('compare-1')._fullLayout.yaxis.type") == "linear"
    assert browser.run("document.querySelector('[data-curve]')._fullLayout.yaxis.type") == "log"
    assert browser.complaints == []


def test_what_the_legend_hides_stays_hidden_until_the_legend_is_another(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["shallow"])
    _chosen(browser, "learning_rate", "neurons")
    hidden = "document.getElementById('{}').data.filter(t => t.visible === 'legendonly').map(t => t.name).join()"
    for place in ("scatter-plot", "compare-0"):
        first = browser.run(f"document.getElementById('{place}').data[0].name")
        toggle = f"document.querySelector('#{place} .legendtoggle')"
        for event in ("mousedown", "mouseup"):
            browser.run(f"{toggle}.dispatchEvent(new MouseEvent('{event}', {{bubbles: true}}))")
        browser.wait(f"{hidden.format(place)} === {json.dumps(first)}")
    # It stands in the address: whoever opens the link sees the same, and going back shows all.
    link = browser.run("location.hash")
    assert "hidden-scatter-plot=10" in link and "hidden-compare-0=0.0001" in link
    browser.open(pages["wide"])
    browser.visit(pages["shallow"].absolute().as_uri() + link, drawn=True)
    assert browser.run(hidden.format("scatter-plot")) == "10" and browser.run(hidden.format("compare-0")) == "0.0001"
    browser.run("location.hash = '#color=neurons&x=learning_rate'")
    browser.wait(f"{hidden.format('scatter-plot')} === ''")
    browser.run(f"location.hash = {json.dumps(link)}")
    browser.wait(f"{hidden.format('scatter-plot')} === '10'")
    _chosen(browser, "epochs", "neurons")
    assert browser.run(hidden.format("scatter-plot")) == "10"
    _chosen(browser, "epochs", "batch_size")
    assert browser.run(hidden.format("scatter-plot")) == ""
    browser.run("document.querySelector('input[name=compare-lines][value=both]').click()")
    browser.wait(f"{hidden.format('compare-0')} === '0.0001,0.0001'")
    browser.run("document.querySelector('input[name=compare-scale][value=linear]').click()")
    browser.wait("document.getElementById('compare-0')._fullLayout.yaxis.type === 'linear'")
    assert browser.run(hidden.format("compare-0")) == "0.0001,0.0001"


def test_no_number_of_a_tile_is_broken(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["wide"])
    lines = "[...document.querySelectorAll('.settings dd, .big')].map(d => {"
    lines += "const r = document.createRange(); r.selectNodeContents(d.firstChild); return r.getClientRects().length})"
    for width in (1400, 1090, 800, 420):
        browser.resize(width)
        browser.wait(f"innerWidth === {width}")
        assert set(browser.run(lines)) == {1}, width


def test_the_confusion_matrix_is_drawn_with_its_numbers(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["evaluated"])
    numbers = "[...document.querySelectorAll('#confusion .annotation-text')].map(t => t.textContent).join()"
    assert browser.run(numbers) == "80,20,10,90"
    # The diagonal lies over the cells and below the numbers; errors are seen, from the least to the most frequent.
    order = "[...document.querySelectorAll('#confusion .hm, #confusion .shapelayer path, #confusion .annotation-text')]"
    kinds = browser.run(f"{order}.map(e => e.closest('.hm') ? 'cells' : e.closest('.shapelayer') ? 'shape' : 'text')")
    assert kinds == ["cells", "shape", *["text"] * 4]
    assert browser.run("document.getElementById('confusion').data[0].zmax") == 0.2


def test_on_paper_plots_have_the_width_of_the_paper(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["shallow"])
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run("Math.max(...[...document.querySelectorAll('.main-svg')].map(s => s.clientWidth))") <= 700
    assert browser.run("document.querySelector('#reproduce details').open")
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    browser.wait("document.querySelector('#scatter-plot .main-svg').clientWidth > 1000")
    assert browser.complaints == []


def test_paper_is_light_and_without_controls_and_headings_stay_with_what_follows(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["shallow"])
    browser.run("document.querySelector('#theme input[value=dark]').click()")
    background = "document.querySelector('#parallel-plot rect').getAttribute('fill')"
    assert browser.run(background) != "#ffffff"
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    browser.send("Emulation.setEmulatedMedia", media="print")
    try:
        seen = "[...document.querySelectorAll('{}')].filter(e => e.getClientRects().length).length"
        controls = "button, select, input, fieldset, .crumb, .tools, #trials table, #trials h2"
        assert browser.run(seen.format(controls)) == 0
        assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.run(background) == "#ffffff"
        assert browser.run("document.querySelector('#parallel-plot svg').clientWidth") <= 700
        papers = "[...document.querySelectorAll('.main-svg')].map(s => s.style.background).filter(Boolean)"
        assert set(browser.run(papers)) == {"rgb(255, 255, 255)"}
        after = "[...document.querySelectorAll('main h2, main h3, .headline, figcaption, summary')]"
        after += ".filter(e => e.getClientRects().length).map(e => getComputedStyle(e).breakAfter)"
        assert set(browser.run(after)) == {"avoid"}
        inside = "[...document.querySelectorAll('figure, .plot, tr, .tile')].map(e => getComputedStyle(e).breakInside)"
        assert set(browser.run(inside)) == {"avoid"}
        # What is folded away on the screen is there, and no column is as narrow as a letter.
        columns = "[...document.querySelectorAll('#effects th')].filter(e => e.getClientRects().length)"
        columns += ".map(e => e.getBoundingClientRect().width)"
        assert min(browser.run(columns)) > 20
        assert len(base64.b64decode(browser.send("Page.printToPDF")["data"])) > 20_000
    finally:
        browser.send("Emulation.setEmulatedMedia", media="")
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert browser.run("document.querySelectorAll('section > details[open]').length") == 0
    browser.wait(f"{background} !== '#ffffff'")
    browser.run("document.querySelector('#theme input[value=auto]').click()")
    assert browser.complaints == []


def test_the_list_leads_to_the_pages(browser: Browser, tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "shallow", HOSTILE) as store:
        index = write_dashboards(store, tmp_path / "out")[-1]
    for width in (1400, 800):
        browser.open(index, width=width)
        assert browser.run("document.body.scrollWidth <= window.innerWidth")
    assert browser.run("[...document.querySelectorAll('.job a')].map(a => a.textContent)").count(HOSTILE) == 1
    browser.run("document.querySelector('.job a[href=\"shallow.html\"]').click()")
    browser.wait("document.querySelector('#scatter-plot .main-svg') !== null")
    assert browser.complaints == []


def _chosen(browser: Browser, x: str, color: str) -> object:
    script = f"""(() => {{
      for (const [id, value] of [["x", {json.dumps(x)}], ["color", {json.dumps(color)}]]) {{
        const field = document.getElementById(id);
        field.value = value;
        field.dispatchEvent(new Event("change"));
      }}
      const plot = document.getElementById("scatter-plot");
      const layout = plot.layout;
      return {{
        traces: plot.data.map(t => [t.name, t.marker.color, t.marker.symbol, t.x, t.y, t.customdata]),
        x: [layout.xaxis.title.text, layout.xaxis.type, layout.xaxis.ticktext, plot._fullLayout.xaxis.range],
        legend: [layout.showlegend, layout.legend.title.text || ""],
      }};
    }})()"""
    return browser.run(script)


def _expected(data: JobData, x: str, color: str) -> object:
    figure = json.loads(scatter_figure(board(data), x, color or None).to_json())
    layout = figure["layout"]
    return {
        "traces": [
            [t["name"], t["marker"]["color"], t["marker"]["symbol"], t["x"], t["y"], t["customdata"]]
            for t in figure["data"]
        ],
        "x": [
            layout["xaxis"]["title"]["text"],
            layout["xaxis"]["type"],
            layout["xaxis"]["ticktext"],
            layout["xaxis"]["range"],
        ],
        "legend": [layout["showlegend"], layout["legend"]["title"].get("text", "")],
    }


def test_a_table_of_the_page_is_the_latex_of_the_terminal(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "blank.html").write_text("<!doctype html><title>blank</title>")
    browser.open(tmp_path / "blank.html")
    table = Grid(["a_b", "🎉 50 %"], [False, True], [["[x", "0.9 ± 0.1"], ["*", "--a---b"], ["中 é ł …−²", "<\\>~^{}"]])
    module = base64.b64encode(asset("page/download.js").encode()).decode()
    arguments = ", ".join(json.dumps(part) for part in (table.headings, table.numeric, table.rows))
    made = browser.run(f"import('data:text/javascript;base64,{module}').then(own => own.asLatex({arguments}))")
    assert made.rstrip("\n") == as_latex(table)
    assert "gridsearchsign" in made
