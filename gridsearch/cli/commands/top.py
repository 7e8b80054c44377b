"""`gridsearch top`: the best and the worst trials of a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_STORE,
    FormatOption,
    JobName,
    StoreOption,
    TableFile,
    TopOption,
)
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.render import tables
from gridsearch.cli.render.wording import short_id
from gridsearch.cli.streams import data, into, say
from gridsearch.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gridsearch.analysis.frames import JobData
    from gridsearch.analysis.ranking import RankedTable


Bottom = Annotated[int, typer.Option("--bottom", min=0, help="How many of the worst trials to print.")]


Filter = Annotated[str | None, typer.Option("--filter", help="Only trials that match, such as 'neurons == 50'.")]


State = Annotated[str | None, typer.Option("--state", help="Only trials in this state: failed, diverged, pending, ...")]


Sort = Annotated[
    list[str] | None, typer.Option("--sort", help="Sort by a column, or by -COLUMN in descending order; repeatable.")
]


Columns = Annotated[
    str | None, typer.Option("--columns", help="Columns to print, separated by commas: trial, seconds, ...")
]


Each = Annotated[
    bool, typer.Option("--each", help="Print single trials instead of points, in a job with repeats or folds.")
]


def top(
    job: JobName,
    n: TopOption = 5,
    bottom: Bottom = 5,
    filter_: Filter = None,
    state: State = None,
    sort: Sort = None,
    columns: Columns = None,
    each: Each = False,
    format_: FormatOption = None,
    output: TableFile = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print the best and the worst trials of a job.

    Ranks the trials of the job's grid, as last launched, by the job's objective; those without a result are left out.
    Each row starts with rank and id (for the command show). In a job with repeats or folds, points are ranked by their
    means, and the id is that of a point's first trial.
    """
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.measures import measures_in
    from gridsearch.analysis.ranking import TableOptions, elsewhere
    from gridsearch.analysis.ranking import table as ranking_table

    kind = tables.format_of(format_, output)
    chosen = [name.strip() for name in (columns or "").split(",") if name.strip()]
    measures = measures_in(*chosen, *(sort or ()), filter_ or "")
    with open_to_read(store, job) as opened:
        loaded = load(opened, jobs.stored_name(opened, job), measures=measures, with_cost=False)
        plain = kind is tables.Format.TABLE and not (filter_ or state or sort or chosen)
        tied = _tied(loaded) if plain else ""
    apart = kind in (tables.Format.JSON, tables.Format.CSV)
    options = TableOptions(n, bottom, filter_, tuple(sort or ()), tuple(chosen), state, each=each, apart=apart)
    table = ranking_table(loaded, options)
    if not table.total:
        missing = f"is {state}" if state else "has a result"
        more = f" and matches{elsewhere(loaded, options)}" if filter_ else "" if state else " yet"
        say(f"{loaded.job.name}: no trial {missing}{more}")
        if kind is tables.Format.TABLE and output is None:
            return
    notes = [*_notes(table, by_rank=not sort)]
    if plain:
        from gridsearch.analysis.edges import BEYOND, edge_notes

        notes += [tied] if tied else []
        edges = edge_notes(loaded)
        notes += [" ".join([*edges, BEYOND])] if edges else []
    with into(output):
        _print_ranking(table, kind, numbered=not chosen, notes=notes)


def _print_ranking(table: RankedTable, format_: tables.Format, *, numbered: bool, notes: Sequence[str]) -> None:
    """Print a ranking; `numbered` with ranks and ids."""
    if format_ is tables.Format.JSON:
        data(json.dumps([_ranked_json(table, row) for row in table.rows], indent=2))
        return
    # For programs whole, for people as many digits as `show` needs.
    whole = format_ is tables.Format.CSV
    named = str if whole else short_id
    rows = [
        [named(v) if c == "trial" else v for c, v in zip(table.columns, row.cells, strict=True)] for row in table.rows
    ]
    headings, numeric = list(table.headings), list(table.numeric)
    if numbered:
        headings, numeric = [table.rank_heading if whole else "#", table.id_heading, *headings], [True, False, *numeric]
        rows = [[str(row.rank or ""), named(row.trial), *cells] for row, cells in zip(table.rows, rows, strict=True)]
    grid = tables.Grid(
        headings=headings,
        numeric=numeric,
        rows=rows,
        gap_after=len(table.first) if table.omitted else None,
        caption="\n".join(notes),
        keys=2 * numbered,
    )
    tables.write(grid, format_)


def _tied(loaded: JobData) -> str:
    """Say which of the best are tied, while the store is open: it is asked what images they have right."""
    from gridsearch.analysis.ties import tied_text

    return tied_text(loaded)


def _notes(table: RankedTable, *, by_rank: bool) -> Iterator[str]:
    if table.omitted:
        yield f"{len(table.rows)} of {counted(table.total, table.unit)}"
    if by_rank and "over" in table.columns and any(row.over and row.rank for row in table.rows):
        yield f"a {table.unit} over a limit of the job (column over) ranks below those within the limits"
    if table.rounded:
        yield f"rounded here, in full with --format csv: {', '.join(table.rounded)}"


def _ranked_json(table: RankedTable, row: Any) -> dict[str, Any]:
    return {
        table.rank_heading: row.rank,
        "trial": row.trial,
        "state": row.state,
        **dict(zip(table.headings, row.values, strict=True)),
    }
