"""`gridsearch report`: a job as one document, to hand in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_STORE, JobName, StoreOption
from gridsearch.cli.pages import check_folder
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.streams import data, say
from gridsearch.errors import FigureError
from gridsearch.paths import REPORTS_NAME
from gridsearch.quantities import counted
from gridsearch.visualization.document.formats import ReportFormat

Folder = Annotated[Path, typer.Option("--output", "-o", help="Folder for the document.", show_default=True)]
Format = Annotated[
    ReportFormat,
    typer.Option("--format", "-f", help="md for GitHub, tex for LaTeX (figures as PDF), html as a single file."),
]
WithFigures = Annotated[bool, typer.Option("--figures/--no-figures", help="With figures, or tables and text alone.")]


def report(
    job: JobName,
    output: Folder = Path(REPORTS_NAME),
    format_: Format = ReportFormat.MD,
    figures: WithFigures = True,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a job as one document: tables, figures, and what the numbers allow to say.

    Figures take kaleido (pip install 'gridsearch[figures]') and a Chromium or Chrome on this machine.
    """
    from gridsearch.analysis.frames import load_to_show
    from gridsearch.visualization.document.write import MEASURES, write_report

    check_folder(output)
    with open_to_read(store, job) as opened:
        loaded = load_to_show(opened, jobs.stored_name(opened, job), MEASURES)
        try:
            written = write_report(loaded, output, format_, figures=figures, source=str(store))
        except FigureError as error:
            raise FigureError(f"{error}; --no-figures writes tables and text alone") from None
    if sys.stdout.isatty():
        more = f" (and {counted(len(written) - 1, 'figure')} beside it)" if len(written) > 1 else ""
        say(f"report: {written[0]}{more}")
    else:
        data("\n".join(map(str, written)))
