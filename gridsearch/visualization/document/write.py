"""Writes a job's document, and the figures beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.analysis.frames import JobData
from gridsearch.atomic import write_named
from gridsearch.errors import GridsearchError, nearest
from gridsearch.output_places import not_written
from gridsearch.paths import FIGURES_NAME, file_stem
from gridsearch.visualization.document.compose import document_of
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.formats import ReportFormat
from gridsearch.visualization.document.latex import latex
from gridsearch.visualization.document.markdown import markdown
from gridsearch.visualization.document.parts import Document

if TYPE_CHECKING:
    from gridsearch.visualization.paper import PaperFigure

#: What `load_to_show` must compute for a document, beside the curves.
MEASURES = ("overfit_epoch", "seconds_per_epoch", "ms_per_step")


def write_report(
    data: JobData,
    folder: Path,
    format_: str = ReportFormat.MD,
    *,
    figures: bool = True,
    source: str = "",
    now: datetime | None = None,
) -> list[Path]:
    """Write the document of a job, its figures first: what a document names is there.

    Args:
        data: The job; its curves must be at hand (`load_to_show` with `MEASURES`).
        folder: Where it is written, `NAME.md`, its figures in `figures/`; of HTML they are inside.
        format_: `md`, `tex` or `html`.
        figures: Whether it has figures, which a browser of this machine draws.
        source: What it calls the store.
        now: The time in it; by default the current time.

    Returns:
        The files written, the document first.

    Raises:
        GridsearchError: There is no such format, a program that draws is missing, or a file cannot be written.
    """
    if format_ not in list(ReportFormat):
        raise GridsearchError(f"format {format_!r} is not known{nearest(format_, [one.value for one in ReportFormat])}")
    chosen = ReportFormat(format_)
    drawn = _drawn(data) if figures else {}
    found = Findings(data, source, now or datetime.now(UTC), frozenset(drawn))
    document = document_of(found)
    images = _rendered([drawn[name] for name in document.figures], chosen)
    page = folder / f"{file_stem(data.job.name)}.{chosen.value}"
    if chosen is ReportFormat.HTML:
        from gridsearch.visualization.document.html import html

        _write(page, html(document, images))
        return [page]
    ending = "pdf" if chosen is ReportFormat.TEX else "svg"
    files = {name: f"{FIGURES_NAME}/{name}.{ending}" for name in images}
    for name, content in images.items():
        _write_bytes(folder / files[name], content)
    written: Callable[[Document, dict[str, str]], str] = latex if chosen is ReportFormat.TEX else markdown
    _write(page, written(document, files))
    return [page, *(folder / file for file in files.values())]


def _drawn(data: JobData) -> dict[str, PaperFigure]:
    from gridsearch.visualization.paper import WIDTHS, paper_figures

    return {one.name: one for one in paper_figures(data, WIDTHS["column"])}


def _rendered(figures: Sequence[PaperFigure], chosen: ReportFormat) -> dict[str, bytes]:
    if not figures:
        return {}
    from gridsearch.visualization.rendering import rendered

    return {one.name: content for one, content in rendered(figures, "pdf" if chosen is ReportFormat.TEX else "svg")}


def _write(path: Path, text: str) -> None:
    _write_bytes(path, text.encode(errors="backslashreplace"))


def _write_bytes(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_named(path, content)
    except OSError as error:
        raise not_written(str(path), path, error) from None
