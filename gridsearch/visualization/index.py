"""The list of all jobs of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gridsearch.analysis.summary import Summary
from gridsearch.paths import INDEX_PAGE
from gridsearch.visualization.compared_pages import ComparedPage
from gridsearch.visualization.inlining import environment, live_scripts, policy, style
from gridsearch.visualization.page import Stamp


@dataclass(frozen=True, slots=True)
class Entry:
    """A job in the list: its name, the file name of its page (empty when it has none yet), its summary."""

    name: str
    page: str
    dataset: str
    model: str
    updated: datetime
    summary: Summary


def index_page(entries: Sequence[Entry], stamp: Stamp, compared: Sequence[ComparedPage] = ()) -> str:
    """Return the page that lists jobs, in the order given, and pages of comparisons that lie beside it.

    It needs no script unless it is live.
    """
    template = environment().get_template("index.html")
    scripts = live_scripts(live=bool(stamp.live))
    return template.render(
        entries=entries,
        compared=compared,
        stamp=stamp,
        scripts=scripts,
        policy=policy(scripts, live=bool(stamp.live)),
        style=style(live=bool(stamp.live)),
    )


def waiting_page(title: str, why: str, stamp: Stamp) -> str:
    """Return the live page that stands where there is nothing to show yet, and says why."""
    template = environment().get_template("waiting.html")
    scripts = live_scripts(live=True)
    policy_text = policy(scripts, live=True)
    return template.render(
        title=title,
        why=why,
        stamp=stamp,
        scripts=scripts,
        policy=policy_text,
        style=style(live=True),
        index_page=INDEX_PAGE,
    )
