"""`gridsearch effects`: what each axis and each pair of axes does to the score."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch.analysis.choices import Within
from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_STORE, FormatOption, JobName, StoreOption, TableFile
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.render import tables
from gridsearch.cli.render.effects import MOST_PAIRS, Table, axes_grid, cells_grid, pairs_grid, remarks, values_grid
from gridsearch.cli.streams import columns, data, folded, into, say
from gridsearch.paths import store_option

if TYPE_CHECKING:
    from gridsearch.analysis.effects import Effects

WithinOption = Annotated[
    Within, typer.Option("--within", help="All trials with a score, or the better half or quarter of them.")
]
Pair = Annotated[
    str | None, typer.Option("--pair", metavar="AXIS,AXIS", help="Print the mean of each combination of two axes.")
]
TableOption = Annotated[
    Table | None, typer.Option("--table", help="Print one table. Default: all on the terminal, axes in other formats.")
]


def effects(
    job: JobName,
    within: WithinOption = "all",
    pair: Pair = None,
    table: TableOption = None,
    format_: FormatOption = None,
    output: TableFile = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print what each axis does to the score.

    For each axis and each pair the share of the scores' variance that it explains, exact on a whole grid; for each
    value the mean over all that the other axes hold, its deviation, and the best that is reached with it.
    """
    from gridsearch.analysis.cells import cells
    from gridsearch.analysis.effects import effects_of
    from gridsearch.analysis.factors import design
    from gridsearch.analysis.frames import load

    kind = tables.format_of(format_, output)
    with open_to_read(store, job) as opened:
        loaded = load(opened, jobs.stored_name(opened, job), with_cost=False)
        launches = opened.launches(loaded.job.name)
    runs = design(loaded, within)
    combined = cells(runs, *_two(pair)) if pair else None
    found = effects_of(loaded, runs)
    notes = list(remarks(found, loaded.job, launches, store_option(store)))
    if not found.n:
        from gridsearch.analysis.no_best import why_no_best

        say(f"{why_no_best(loaded.job, loaded.rows)}, so there is nothing to compare")
        if kind is tables.Format.TABLE and output is None:
            return
    with into(output):
        if kind is tables.Format.JSON:
            from dataclasses import asdict

            data(json.dumps(asdict(combined or found), indent=2))
        elif combined:
            tables.write(cells_grid(combined, whole=kind is tables.Format.CSV), kind)
        elif table or kind is not tables.Format.TABLE:
            tables.write(_one(found, table or Table.AXES, kind), kind)
        else:
            _print_all(found, notes)


def _two(pair: str) -> tuple[str, str]:
    names = [name.strip() for name in pair.split(",")]
    if len(names) != 2 or not all(names):
        raise typer.BadParameter(f"--pair {pair}: write two axes with a comma between them")
    return names[0], names[1]


def _one(found: Effects, table: Table, kind: tables.Format) -> tables.Grid:
    whole = kind is tables.Format.CSV
    if table is Table.PAIRS:
        return pairs_grid(found, whole=whole)
    return values_grid(found, whole=whole) if table is Table.VALUES else axes_grid(found, whole=whole)


def _print_all(found: Effects, notes: list[str]) -> None:
    if found.axes:
        tables.show(axes_grid(found))
        if found.pairs:
            data("")
            tables.show(pairs_grid(found, MOST_PAIRS))
        data("")
        tables.show(values_grid(found, whole=False))
        data("")
    width = columns(sys.stdout)
    for note in notes:
        data(folded(note, width))
