"""Writing pages: into which folder, and the commands that write files for other programs: dashboard, schema."""

from __future__ import annotations

import json
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_DASHBOARDS,
    DEFAULT_STORE,
    DashboardsOption,
    OptionalJobName,
    StoreOption,
)
from gridsearch.cli.streams import data, say
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.store.contract import Store

OpenIt = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def dashboard(
    job: OptionalJobName = None,
    output: DashboardsOption = DEFAULT_DASHBOARDS,
    open_it: OpenIt = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write one self-contained page per job, and an index."""
    from gridsearch.store.opening import open_store

    check_folder(output)
    jobs.require_store(store, job)
    with open_store(store, create=False, read_only=True) as opened:
        first = write_pages(opened, output, jobs.stored_name(opened, job) if job else None)
    if open_it:
        webbrowser.open(first.absolute().as_uri())


def check_folder(folder: Path) -> None:
    """Refuse a folder that pages cannot be written to, by writing; makes nothing that stays."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _unusable(folder, error) from None


def write_pages(store: Store, folder: Path, name: str | None) -> Path:
    """Write the pages of a job, or of all, and print where they are; return the first."""
    from gridsearch.report.dashboards import write_dashboards

    try:
        pages = write_dashboards(store, folder, name)
    except OSError as error:
        raise _unusable(folder, error) from None
    if sys.stdout.isatty():
        say(f"page: {pages[0]}" + (f" (and {len(pages) - 1} more in {folder})" if len(pages) > 2 else ""))
    else:
        data("\n".join(map(str, pages)))
    return pages[0]


def _unusable(folder: Path, error: OSError) -> GridsearchError:
    reason = (error.strerror or str(error)).lower()
    return GridsearchError(f"--output {folder}: pages cannot be written there ({reason}); name another folder")


def schema() -> None:
    """Print the JSON schema of job files, for editors."""
    from gridsearch.config.json_schema import job_schema
    from gridsearch.data.catalog import DATASETS
    from gridsearch.models.registry import MODELS

    data(json.dumps(job_schema(datasets=list(DATASETS), models=list(MODELS)), indent=2))
