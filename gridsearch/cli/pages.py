"""Writing pages where a person asked for them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.cli.streams import data, say
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.store.contract import Store


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
    from gridsearch.visualization.dashboards import write_dashboards

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
    return GridsearchError(f"--output {folder}: pages cannot be written there ({reason}); choose another folder")
