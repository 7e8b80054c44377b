"""`gridsearch dashboard`: the pages of jobs."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.memory import share_the_heap
from gridsearch.cli.options import (
    DEFAULT_DASHBOARDS,
    DEFAULT_STORE,
    DashboardsOption,
    OptionalJobName,
    StoreOption,
)
from gridsearch.cli.pages import check_folder, write_pages

OpenIt = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def dashboard(
    job: OptionalJobName = None,
    output: DashboardsOption = DEFAULT_DASHBOARDS,
    open_it: OpenIt = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write one self-contained page per job, and an index."""
    from gridsearch.store.opening import open_store

    share_the_heap()
    check_folder(output)
    jobs.require_store(store, job)
    with open_store(store, create=False, read_only=True) as opened:
        first = write_pages(opened, output, jobs.stored_name(opened, job) if job else None)
    if open_it:
        webbrowser.open(first.absolute().as_uri())
