"""The commands that write pages and files for other programs: dashboard, schema."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_DASHBOARDS,
    DEFAULT_STORE,
    DashboardsOption,
    OptionalJobName,
    StoreOption,
)
from gridsearch.cli.streams import data

OpenIt = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def dashboard(
    job: OptionalJobName = None,
    output: DashboardsOption = DEFAULT_DASHBOARDS,
    open_it: OpenIt = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write one self-contained page per job, and an index of all jobs."""
    from gridsearch.report.dashboards import write_dashboards
    from gridsearch.store.opening import open_store

    with open_store(store, create=False, read_only=True) as opened:
        pages = write_dashboards(opened, output, jobs.stored_name(opened, job) if job else None)
    for page in pages:
        data(str(page))
    if open_it:
        webbrowser.open(Path(pages[0]).absolute().as_uri())


def schema() -> None:
    """Print the JSON schema of job files, for editors."""
    from gridsearch.data.catalog import DATASETS
    from gridsearch.models.registry import MODELS
    from gridsearch.spec.schema import job_schema

    data(json.dumps(job_schema(datasets=list(DATASETS), models=list(MODELS)), indent=2))
