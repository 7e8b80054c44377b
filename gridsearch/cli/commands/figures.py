"""`gridsearch figures`: the figures of a job's page as files for a paper."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_STORE, JobName, StoreOption
from gridsearch.cli.pages import check_folder
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.streams import data, say, write_output
from gridsearch.errors import GridsearchError
from gridsearch.output_places import not_written
from gridsearch.paths import FIGURES_NAME, store_option
from gridsearch.quantities import counted
from gridsearch.shell_words import quoted


class FigureFormat(StrEnum):
    """How figures are written."""

    SVG = "svg"
    PDF = "pdf"
    PNG = "png"


Folder = Annotated[Path, typer.Option("--output", "-o", help="Folder for the figures.", show_default=True)]
Format = Annotated[FigureFormat, typer.Option("--format", "-f", help="svg and pdf are drawn in lines, png in 300 dpi.")]
Width = Annotated[
    str,
    typer.Option(
        "--width",
        metavar="column|page|MM",
        help="Width on paper: a column (85 mm), a page (175 mm), or so many millimetres. Letters have 8 points in any.",
    ),
]


def figures(
    job: JobName,
    output: Folder = Path(FIGURES_NAME),
    format_: Format = FigureFormat.SVG,
    width: Width = "column",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write every figure of a job's page as a file, with letters and widths for a paper.

    Takes kaleido (pip install 'gridsearch[figures]') and a Chromium or Chrome on this machine.
    """
    from gridsearch.analysis.frames import load_to_show
    from gridsearch.visualization.paper import paper_figures
    from gridsearch.visualization.rendering import rendered, require_renderer

    millimetres = _millimetres(width)
    require_renderer()
    check_folder(output)
    with open_to_read(store, job) as opened:
        loaded = load_to_show(opened, jobs.stored_name(opened, job), ["overfit_epoch"])
        drawn = list(paper_figures(loaded, millimetres))
    if not drawn:
        name = loaded.job.name
        raise GridsearchError(
            f"job {name!r} has no results to draw yet; see: gridsearch status {quoted(name)}{store_option(store)}"
        )
    written = []
    for one, content in rendered(drawn, format_.value):
        page = output / f"{one.name}.{format_.value}"
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise not_written(f"--output {output}", output, error, "folder") from None
        write_output(page, content)
        written.append(page)
    if sys.stdout.isatty():
        say(f"{counted(len(written), 'figure')} in {output}")
    else:
        data("\n".join(map(str, written)))


def _millimetres(width: str) -> float:
    from gridsearch.visualization.paper import NARROWEST, WIDEST, WIDTHS

    if width in WIDTHS:
        return WIDTHS[width]
    number = float(width.removesuffix("mm")) if re.fullmatch(r"\d+(\.\d+)?(mm)?", width) else 0.0
    if not NARROWEST <= number <= WIDEST:
        raise typer.BadParameter(
            f"--width {width}: write column, page, or millimetres from {NARROWEST:g} to {WIDEST:g}"
        )
    return number
