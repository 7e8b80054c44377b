"""What every test may rely on: no state left over; where their folders are, and in which order they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import memory_folder
from tests.served import served as served
from tests.visualization.browser import browser as browser
from tests.warm.processes import trying_processes

# Shared machines are slow now and then; how long an example takes is no property under test.
settings.register_profile("gridsearch", deadline=None, print_blob=True)
settings.load_profile("gridsearch")
# Here already, as fixtures of a whole file come before those of a test: pytest-xdist gives its processes 80 columns.
os.environ.pop("COLUMNS", None)


_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have the folders of tests in memory, unless `--basetemp` names a place: there they are kept after the run.

    What models of a test's own are tried in are copies of one process.
    """
    trying_processes()
    if not hasattr(config, "workerinput") and not config.option.basetemp and (folder := memory_folder.made_folder()):
        config.stash[_FOLDER] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the memory back."""
    if folder := config.stash.get(_FOLDER, None):
        memory_folder.removed(folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the fast tests first: a mistake should show in seconds.

    Where several processes take file after file, those with slow tests come first: at the end nobody waits for one.
    """
    shared = hasattr(config, "workerinput")
    items.sort(key=lambda item: (item.get_closest_marker("slow") is not None) != shared)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRIDSEARCH_STORE", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def _own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget the modules and folders of a test's own: another test has others of the same names."""
    path, known, folder = list(sys.path), set(sys.modules), str(tmp_path_factory.getbasetemp())
    yield
    sys.path[:] = path
    for name in sys.modules.keys() - known:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(folder):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _own_streams() -> Iterator[None]:
    """Forget where the command line wrote to in this process: pytest gives each test streams of its own."""
    yield
    if streams := sys.modules.get("gridsearch.cli.streams"):
        streams.out.cache_clear()
        streams.err.cache_clear()


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
