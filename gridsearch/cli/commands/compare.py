"""`gridsearch compare`: jobs against each other."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch.analysis.choices import By
from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_DASHBOARDS, DEFAULT_STORE, FormatOption
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.render import tables
from gridsearch.cli.render.compared import MOST_CELLS, Table, bests_grid, cells_grid, is_whole, settings_grid
from gridsearch.cli.streams import columns, data, folded, into, say
from gridsearch.errors import GridsearchError
from gridsearch.output_places import not_written

if TYPE_CHECKING:
    from gridsearch.analysis.comparing.jobs import JobComparison
    from gridsearch.analysis.comparing.sides import Side
    from gridsearch.store.contract import Store

JobNames = Annotated[
    list[str], typer.Argument(metavar="JOB", help="Jobs, by name or job file; the first is the reference.")
]
Stores = Annotated[
    list[Path] | None,
    typer.Option(
        "--store",
        envvar="GRIDSEARCH_STORE",
        help="The SQLite file with all results. Given several times: one for each job, in their order; or for one job"
        f" the stores that it is compared in. Default: {DEFAULT_STORE}.",
        show_default=False,
    ),
]
BaselineOption = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="TRIAL",
        help="A trial of one of the jobs, by the first digits of its id: scores are told"
        " as differences from its score.",
    ),
]
ByOption = Annotated[By, typer.Option("--by", help="What stands for a shared cell in which a job has several points.")]
TableOption = Annotated[
    Table | None, typer.Option("--table", help="Print one table. Default: all on the terminal, cells in other formats.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write: a page as .html, a table as .csv, .json, .md, .tex or .txt."
        f" Default: tables on the terminal, and a page in {DEFAULT_DASHBOARDS}.",
    ),
]


def compare(
    names: JobNames,
    baseline: BaselineOption = None,
    by: ByOption = "best",
    table: TableOption = None,
    format_: FormatOption = None,
    output: Output = None,
    store: Stores = None,
) -> None:
    """Hold jobs against each other: what differs, the cells that they share, the best of each.

    Cells are the combinations of values on the axes that two jobs share; each has the difference of its scores, and all
    of them the mean difference with its 95 % interval.
    """
    from gridsearch.analysis.comparing.jobs import compare as compare_jobs

    if output is not None and output.suffix.lower() in (".html", ".htm"):
        if format_ is not None or table is not None:
            raise GridsearchError(f"--output {output} is a page, which has all tables; leave out --format and --table")
        kind, page = tables.Format.TABLE, output
    else:
        kind, page = tables.format_of(format_, output, also=("html",)), None
    with ExitStack() as opened:
        found = compare_jobs(_sides(names, store or [], opened), baseline=baseline, by=by)
        # A page is for people: whoever asks for one table in a format, or in a file, wants just that.
        if page is None and kind is tables.Format.TABLE and output is None and table is None:
            from gridsearch.paths import compared_page

            page = compared_page(DEFAULT_DASHBOARDS, found.labels)
        if page is not output or page is None:
            with into(output):
                _print(found, table, kind)
        if page is not None:
            _write_page(found, page, store or [DEFAULT_STORE])


def _sides(names: list[str], stores: list[Path], opened: ExitStack) -> tuple[Side, ...]:
    """Open the stores and return the jobs, each in its own."""
    from gridsearch.analysis.comparing.sides import sides_of
    from gridsearch.analysis.frames import load_to_show

    places = stores or [DEFAULT_STORE]
    if len(names) == 1 and len(places) > 1:
        names = names * len(places)
    if len(places) == 1:
        places = places * len(names)
    if len(places) != len(names):
        raise GridsearchError(
            f"{len(names)} jobs and {len(places)} stores: give one --store for all jobs, or one for each in their order"
        )
    if len(names) < 2:
        raise GridsearchError(
            f"one job alone: name another to compare it with, such as `gridsearch compare {names[0]} OTHER`, or give"
            " --store twice to compare it in two stores"
        )
    open_: dict[Path, Store] = {}
    found = []
    for name, place in zip(names, places, strict=True):
        if place not in open_:
            open_[place] = opened.enter_context(open_to_read(place, name))
        found.append((load_to_show(open_[place], jobs.stored_name(open_[place], name), ()), str(place)))
    return sides_of(found)


def _print(found: JobComparison, table: Table | None, kind: tables.Format) -> None:
    if kind is tables.Format.JSON:
        from gridsearch.cli.render.compared_json import as_json

        data(json.dumps(as_json(found), indent=2))
    elif table is None and kind is tables.Format.TABLE:
        _print_all(found)
    else:
        grids = _grids(found, table or Table.CELLS, kind)
        for number, grid in enumerate(grids):
            if number:
                data("")
            tables.write(grid, kind)


def _grids(found: JobComparison, table: Table, kind: tables.Format) -> list[tables.Grid]:
    if table is Table.SETTINGS:
        return [settings_grid(found)]
    if table is Table.BESTS:
        return [bests_grid(found, whole=is_whole(kind))]
    for pair in found.pairings:
        if pair.problem:
            say(pair.problem)
    # A program that reads a table is given its headings where no cell is shared, as by `export`.
    pairs = [pair for pair in found.pairings if pair.cells] or found.pairings[: kind is not tables.Format.TABLE]
    return [cells_grid(found, pair, whole=kind is not tables.Format.TABLE) for pair in pairs]


def _print_all(found: JobComparison) -> None:
    from gridsearch.analysis.comparing.telling import answer_text, pairing_notes, pairing_text

    width = columns(sys.stdout)
    data(folded(answer_text(found), width))
    for caution in found.cautions:
        data(folded(caution, width))
    data("")
    if found.contrasts:
        tables.show(settings_grid(found))
    else:
        data("no setting differs")
    data("")
    tables.show(bests_grid(found, whole=False))
    for pair in found.pairings:
        data("")
        if pair.cells:
            tables.show(cells_grid(found, pair, whole=False))
        data(folded(pairing_text(pair), width))
        if len(pair.cells) > MOST_CELLS:
            data(folded(f"shown are the {MOST_CELLS} that differ most; all are in --format csv", width))
        for note in pairing_notes(pair, found.by):
            data(folded(note, width))


def _write_page(found: JobComparison, page: Path, stores: list[Path]) -> None:
    from gridsearch.visualization.dashboards import write_compared_page

    source = ", ".join(dict.fromkeys(place.name for place in stores))
    try:
        write_compared_page(found, page, source=source)
    except OSError as error:
        raise not_written(str(page), page, error) from None
    say(f"page: {page}")
