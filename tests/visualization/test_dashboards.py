import os
from pathlib import Path

import pytest

from gridsearch.analysis.comparing.jobs import compare
from gridsearch.analysis.comparing.sides import sides_of
from gridsearch.errors import StoreError
from gridsearch.paths import dashboard_page
from gridsearch.visualization.dashboards import write_compared_page, write_dashboards
from tests.analysis.grids import START, grid
from tests.visualization.stores import filled_store
from tests.visualization.test_page import HOSTILE, Outline


def test_a_page_for_every_job_and_the_list(tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "shallow", HOSTILE, "index") as store:
        written = write_dashboards(store, tmp_path / "out", source="results.db", now=START)
    pages = {dashboard_page(tmp_path / "out", name) for name in ("shallow", HOSTILE, "index")}
    assert set(written[:-1]) == pages and written[-1].name == "index.html"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in written}
    shown = Outline(written[-1].read_text(encoding="utf-8"))
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    assert sorted(links) == sorted(page.name for page in pages)  # type: ignore[type-var]
    assert HOSTILE in shown.text and "12 of 12" in shown.text and "0.650000" in shown.text
    assert not shown.scripts


def test_one_job_alone_still_lists_all_but_links_only_what_is_there(tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "shallow", "deep", failing=True) as store:
        written = write_dashboards(store, tmp_path / "out", "shallow")
    assert [path.name for path in written] == ["shallow.html", "index.html"]
    shown = Outline(written[-1].read_text(encoding="utf-8"))
    assert [attributes["href"] for tag, attributes in shown.elements if tag == "a"] == ["shallow.html"]
    assert "deep" in shown.text and "10 of 12" in shown.text and "2 failed" in shown.text
    assert "RuntimeError: no memory" in Outline(written[0].read_text(encoding="utf-8")).text


def test_an_unknown_job_writes_nothing(tmp_path: Path) -> None:
    with (
        filled_store(tmp_path / "results.db", "shallow") as store,
        pytest.raises(StoreError, match="shallow"),
    ):
        write_dashboards(store, tmp_path / "out", "shalow")
    assert not (tmp_path / "out").exists()


def test_an_empty_store_has_a_list_too(tmp_path: Path) -> None:
    from gridsearch.store.opening import open_store

    with open_store(tmp_path / "results.db") as store:
        (index,) = write_dashboards(store, tmp_path)
    assert "No jobs yet" in index.read_text(encoding="utf-8")


def test_the_list_links_the_comparisons_that_lie_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    one, other = (grid({"n": [1, 2, 3]}, lambda p: p["n"] / 10, name=name) for name in (HOSTILE, "other"))
    page = dashboard_page(folder, "compare-both")
    write_compared_page(compare(sides_of([(one, ""), (other, "")])), page, now=START)
    # What is no comparison, or cannot be read, is no link.
    (folder / "compare-notes.html").write_text("<title>mine – gridsearch</title>")
    (folder / "compare-folder.html").mkdir()
    os.mkfifo(folder / "compare-pipe.html")
    with filled_store(tmp_path / "results.db", "shallow") as store:
        index = write_dashboards(store, folder)[-1]
    shown = Outline(index.read_text(encoding="utf-8"))
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    assert links == ["shallow.html", page.name] and f"{HOSTILE}, other" in shown.text
    assert not shown.scripts
