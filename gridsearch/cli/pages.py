"""Writing pages where a person asked for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.cli.streams import data, say
from gridsearch.output_places import not_written, require_writable

if TYPE_CHECKING:
    from gridsearch.store.contract import Store


def check_folder(folder: Path) -> None:
    """Refuse a folder that pages cannot be written to, by writing; makes nothing that stays."""
    require_writable(f"--output {folder}", folder)


def write_pages(store: Store, folder: Path, name: str | None) -> Path:
    """Write the pages of a job, or of all, and print where they are; return the first."""
    from gridsearch.visualization.dashboards import write_dashboards

    try:
        pages = write_dashboards(store, folder, name)
    except OSError as error:
        raise not_written(f"--output {folder}", folder, error, "folder") from None
    if sys.stdout.isatty():
        say(f"page: {pages[0]}" + (f" (and {len(pages) - 1} more in {folder})" if len(pages) > 2 else ""))
    else:
        data("\n".join(map(str, pages)))
    return pages[0]
