"""The pages of a server, which nobody waits for longer than a moment."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridsearch.serve import pages
from gridsearch.store.opening import open_store
from tests.store.grids import grid, start

NAME = "shallow.html"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "results.db"
    with open_store(path) as store:
        start(store, grid())
    return path


def test_a_page_that_takes_long_is_waited_for_by_one_that_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    made = []

    def slowly(*arguments: Any) -> str:
        begun.set()
        assert go_on.wait(60)
        made.append(arguments)
        return real(*arguments)

    real = pages.job_page
    monkeypatch.setattr(pages, "job_page", slowly)
    monkeypatch.setattr(pages, "_PATIENCE_SECONDS", 0.05)
    served = pages.Pages(path)
    for _ in range(2):  # who asks again waits for the same page
        text, status = served.text(NAME)
        assert (status, served.version(NAME)) == (200, None)
        assert "This page is being made" in text and 'id="live"' in text
    assert begun.wait(60)
    go_on.set()
    monkeypatch.setattr(pages, "_PATIENCE_SECONDS", 60.0)
    text, status = served.text(NAME)
    assert status == 200 and "This page is being made" not in text and served.version(NAME) in text
    assert len(made) == 1


def test_a_page_that_there_is_does_not_wait_for_its_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = pages.Pages(path)
    first, _ = served.text(NAME)
    with open_store(path) as store:
        start(store, grid(rates=(0.3,)), job="other")
    version, go_on = served.version(NAME), threading.Event()
    real = pages.job_page
    monkeypatch.setattr(pages, "job_page", lambda *arguments: real(*arguments) if go_on.wait(60) else "")
    monkeypatch.setattr(pages, "_PATIENCE_SECONDS", 0.05)
    served._made[NAME] = replace(served._made[NAME], next_at=0.0)
    assert served.text(NAME) == (first, 200)
    go_on.set()
    monkeypatch.setattr(pages, "_PATIENCE_SECONDS", 60.0)
    assert served.text(NAME)[0] != first and served.version(NAME) != version


def test_a_fault_while_a_page_is_made_reaches_who_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = pages.Pages(path)
    assert served.text("unknown.html")[1] == 404
    monkeypatch.setattr(pages, "job_page", lambda *_: 1 / 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            served.text(NAME)
