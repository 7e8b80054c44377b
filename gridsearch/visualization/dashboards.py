"""Writes the pages: one for each job, and the list of them all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gridsearch.analysis.comparing.jobs import JobComparison
from gridsearch.analysis.frames import JobData, load, load_to_show
from gridsearch.analysis.measures import TIMES
from gridsearch.analysis.summary import Summary, summary
from gridsearch.analysis.updated import updated_at
from gridsearch.atomic import write, write_named
from gridsearch.paths import INDEX_PAGE, dashboard_page
from gridsearch.store.contract import Store
from gridsearch.visualization.compared import compared_html
from gridsearch.visualization.compared_pages import compared_pages
from gridsearch.visualization.index import Entry, index_page
from gridsearch.visualization.page import Stamp, job_page


def write_dashboards(
    store: Store, folder: Path, job: str | None = None, *, source: str = "", now: datetime | None = None
) -> list[Path]:
    """Write the pages of all jobs, or of one, and the index of all jobs.

    A page appears complete or not at all: whoever has the old one open keeps it until then.

    Args:
        store: The store.
        folder: Where pages are written.
        job: The only job to write a page for; None for all.
        source: What pages call the store.
        now: The time on the pages; by default the current time.

    Returns:
        The files written, the index last.
    """
    stamp = Stamp(now or datetime.now(UTC), source)
    names = [row.name for row in store.jobs()]
    if job is not None:
        store.job(job)
    folder.mkdir(parents=True, exist_ok=True)
    written, entries = [], []
    for name in names:
        page, wanted = dashboard_page(folder, name), job is None or name == job
        data = load_to_show(store, name, TIMES) if wanted else load(store, name)
        glance = summary(data)
        if wanted:
            _write(page, job_page(data, stamp, glance))
            written.append(page)
        entries.append(entry(store, data, page.name if page.exists() else "", glance))
    index = folder / INDEX_PAGE
    _write(index, index_page(entries, stamp, compared_pages(folder)))
    return [*written, index]


def write_page(data: JobData, page: Path, *, source: str = "", now: datetime | None = None) -> Path:
    """Write the page of one job to this file."""
    page.parent.mkdir(parents=True, exist_ok=True)
    write_named(page, job_page(data, Stamp(now or datetime.now(UTC), source)).encode(errors="backslashreplace"))
    return page


def write_compared_page(found: JobComparison, page: Path, *, source: str = "", now: datetime | None = None) -> Path:
    """Write the page that holds jobs against each other to this file."""
    page.parent.mkdir(parents=True, exist_ok=True)
    write_named(page, compared_html(found, Stamp(now or datetime.now(UTC), source)).encode(errors="backslashreplace"))
    return page


def _write(page: Path, text: str) -> None:
    write(page, text.encode(errors="backslashreplace"))


def entry(store: Store, data: JobData, page: str, glance: Summary) -> Entry:
    """Return a job as the list of jobs has it; `page` is the name of its page, empty where it has none yet."""
    record = data.job.record
    return Entry(
        name=data.job.name,
        page=page,
        dataset=record.dataset_text,
        model=record.models_text,
        updated=updated_at(store, data.job),
        summary=glance,
    )
