"""Sheets of pictures as files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import paths
from gridsearch.cli.streams import data
from gridsearch.errors import GridsearchError
from gridsearch.output_places import not_written

if TYPE_CHECKING:
    from gridsearch.visualization.pictures import Sheet


SampleSeed = Annotated[int, typer.Option("--seed", min=0, help="Random seed for choosing the images.")]


PictureFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help=f"File to write: .html or .png. Default: a page in {paths.DASHBOARDS_NAME}/."),
]


def check_suffix(target: Path) -> None:
    """Refuse a file whose name does not tell one of the two forms."""
    if target.suffix.lower() not in (".html", ".png"):
        raise GridsearchError(f"--output {target}: the name must end in .html or .png")


def write_sheet(sheet: Sheet, target: Path, store: str = "") -> None:
    """Write pictures in the form that the file's name tells, and print the name."""
    from gridsearch.atomic import write_named
    from gridsearch.visualization.page import Stamp
    from gridsearch.visualization.pictures import sheet_page, sheet_png

    content = (
        sheet_png(sheet)
        if target.suffix.lower() == ".png"
        else sheet_page(sheet, Stamp(datetime.now(UTC), store)).encode(errors="backslashreplace")
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_named(target, content)
    except OSError as error:
        raise not_written(f"--output {target}", target, error) from None
    data(str(target))
