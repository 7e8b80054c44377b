"""The list of all jobs of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gridsearch.analysis.summary import Summary
from gridsearch.report import wording
from gridsearch.report.inlining import asset, environment, policy
from gridsearch.report.page import Stamp


@dataclass(frozen=True, slots=True)
class Entry:
    """A job in the list: its name, the file name of its page (empty when it has none yet), its summary."""

    name: str
    page: str
    dataset: str
    model: str
    updated: datetime
    summary: Summary


def index_page(entries: Sequence[Entry], stamp: Stamp) -> str:
    """Return the page that lists jobs, in the order given; it needs no script."""
    template = environment().get_template("index.html")
    return template.render(
        entries=entries,
        stamp=stamp,
        wording=wording,
        policy=policy([]),
        style=asset("page.css"),
    )
