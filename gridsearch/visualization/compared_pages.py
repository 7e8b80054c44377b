"""The pages of comparisons that lie in a folder of pages, told by what stands in their heads."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from gridsearch.regular_files import open_regular

#: What stands in the head before the title: the policy, with a hash for each script.
_HEAD_BYTES = 8192
_OURS = '<meta name="generator" content="gridsearch compare">'
_TITLE = re.compile(r"<title>(.*?) – gridsearch</title>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """A page of a comparison: the name of its file, and the jobs that it compares, as it calls them."""

    page: str
    title: str


def compared_pages(folder: Path) -> tuple[ComparedPage, ...]:
    """Return the pages of comparisons in a folder, in the order of their names; what cannot be read is passed over."""
    found = []
    for path in sorted(folder.glob("*.html")):
        try:
            with open_regular(path) as stream:
                head = stream.read(_HEAD_BYTES).decode(errors="replace")
        except OSError:
            continue
        title = _TITLE.search(head) if _OURS in head else None
        if title:
            found.append(ComparedPage(path.name, html.unescape(title[1])))
    return tuple(found)
