"""The commands that read the store: status, top, export, verify."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsearch import paths
from gridsearch.cli import jobs, tables
from gridsearch.cli.file_formats import check_suffix
from gridsearch.cli.options import (
    DEFAULT_STORE,
    DataOption,
    FormatOption,
    JobName,
    OptionalJobName,
    StoreOption,
    TableFile,
    TopOption,
    TrialOption,
)
from gridsearch.cli.streams import columns, data, into, say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable
from gridsearch.cli.wording import plural, short_id
from gridsearch.errors import EXIT_STORE_DAMAGED, GridsearchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gridsearch.analysis.ranking import RankedTable
    from gridsearch.store.contract import Store

Bottom = Annotated[int, typer.Option("--bottom", min=0, help="How many of the worst.")]
Filter = Annotated[str | None, typer.Option("--filter", help="Only trials for which this holds: 'neurons == 50'.")]
State = Annotated[str | None, typer.Option("--state", help="Only trials in this state: failed, diverged, pending...")]
Sort = Annotated[list[str] | None, typer.Option("--sort", help="Sort by a column, -COLUMN descending; repeatable.")]
Columns = Annotated[
    str | None, typer.Option("--columns", help="Columns to show, separated by commas: trial, seconds...")
]
Each = Annotated[bool, typer.Option("--each", help="Single trials, where points have several: repeats, folds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ExportFormat = Annotated[
    str | None, typer.Option("--format", "-f", help="csv, json or parquet; else by the file's name.")
]
ExportFilter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        help="Only trials (or points) for which this holds, 'neurons == 50'; of epochs those of such trials.",
    ),
]
ExportTo = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write; stdout when left out.")]
OnnxTo = Annotated[
    Path | None, typer.Option("--onnx", help="Write the model of a trial to this file, for any runtime.")
]
What = Annotated[
    str,
    typer.Option(
        "--table", help="trials, points (means over repeats and folds), or epochs (one row per trial and epoch)."
    ),
]


def _open(path: Path, job: str | None) -> Store:
    from gridsearch.store.opening import open_store

    jobs.require_store(path, job)
    return open_store(path, create=False, read_only=True)


def status(job: OptionalJobName = None, store: StoreOption = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Print how each job stands: counts, launches, failures; and what the store takes of the disk."""
    from gridsearch.cli.disk import use_text
    from gridsearch.cli.standing import standing, standing_text
    from gridsearch.engine.disk.disk_use import disk_use

    with _open(store, job) as opened:
        names = [jobs.stored_name(opened, job)] if job else [row.name for row in opened.jobs()]
        found = [standing(opened, name) for name in names]
    used = disk_use(store)
    if as_json:
        data(json.dumps([one | {"disk": used.json()} for one in found], indent=2))
    elif found:
        width = columns(sys.stdout)
        data("\n\n".join([*(standing_text(one, width=width) for one in found), use_text(used, width=width)]))
    else:
        say(f"{store}: no job has been launched yet")


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

    They are ranked by the job's objective among the trials of its grid as last launched that have a result.
    Each begins with its rank and id, for the command show. Where a job has repeats or folds, its points are ranked by
    their means; the id is that of a point's first trial.
    """
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.measures import need_epochs
    from gridsearch.analysis.ranking import TableOptions, elsewhere
    from gridsearch.analysis.ranking import table as ranking_table

    kind = tables.format_of(format_, output)
    chosen = [name.strip() for name in (columns or "").split(",") if name.strip()]
    by_epochs = need_epochs(*chosen, *(sort or ()), filter_ or "")
    with _open(store, job) as opened:
        loaded = load(opened, jobs.stored_name(opened, job), with_epochs=by_epochs)
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
    if kind is tables.Format.TABLE and not (filter_ or state or sort or chosen):
        from gridsearch.analysis.edges import BEYOND, edge_notes

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
        headings, numeric = ["rank" if whole else "#", table.id_heading, *headings], [True, False, *numeric]
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


def _notes(table: RankedTable, *, by_rank: bool) -> Iterator[str]:
    if table.omitted:
        yield f"{len(table.rows)} of {plural(table.total, table.unit)}"
    if by_rank and "over" in table.columns and any(row.over and row.rank for row in table.rows):
        yield f"a {table.unit} over a limit of the job (column over) ranks below those within the limits"
    if table.rounded:
        yield f"rounded here, in full with --format csv: {', '.join(table.rounded)}"


def _ranked_json(table: RankedTable, row: Any) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "trial": row.trial,
        "state": row.state,
        **dict(zip(table.headings, row.values, strict=True)),
    }


@supervisable
def export(
    job: JobName,
    output: ExportTo = None,
    format_: ExportFormat = None,
    table: What = "trials",
    filter_: ExportFilter = None,
    onnx: OnnxTo = None,
    trial: TrialOption = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
) -> None:
    """Write a job's trials, points or epochs as CSV, JSON or Parquet; with --onnx the model of one of its trials."""
    if onnx is not None:
        if output or format_ or filter_ or table != "trials":
            raise GridsearchError("--onnx writes a model: leave out --output, --format, --filter and --table")
        check_suffix(onnx, "onnx", "--onnx")
        _export_onnx(job, trial, onnx, store, data_dir)
        return
    if trial is not None:
        raise GridsearchError("--trial names the model to write: add --onnx FILE")
    from gridsearch.analysis.filtering import matching
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.groups import grouped
    from gridsearch.analysis.own_curves import own_curves
    from gridsearch.cli.epoch_files import write_epochs
    from gridsearch.cli.exporting import export_format, write

    if table not in ("trials", "points", "epochs"):
        raise GridsearchError(f"--table {table}: must be trials, points or epochs")
    kind = export_format(format_, output)
    with _open(store, job) as opened:
        name = jobs.stored_name(opened, job)
        if table == "epochs":
            rows = write_epochs(own_curves(opened, name, filter_), kind, output)
        else:
            loaded = load(opened, name, with_epochs=True)
    if table != "epochs":
        frame = grouped(loaded).trials if table == "points" else loaded.trials
        rows = write(matching(frame, filter_) if filter_ else frame, kind, output, loaded.lacking)
    if output:
        say(f"{plural(rows, 'row')} written to {output}")


def _export_onnx(job: str, trial: str | None, target: Path, store: Path, data_dir: Path | None) -> None:
    with _open(store, job) as opened:
        name = jobs.stored_name(opened, job)
        chosen = jobs.chosen_trial(opened, name, trial)
        require_own_process(models_behind(opened, [chosen]))
        from gridsearch.engine.executors.descriptors import stdout_to_stderr
        from gridsearch.engine.trained.load import ModelSource, trained
        from gridsearch.engine.trained.onnx import check_onnx, write_onnx

        check_onnx()
        source = ModelSource(opened, store, paths.data_dir(data_dir), note=say)
        with stdout_to_stderr():  # what models print
            write_onnx(trained(source, name, chosen), target)
    say(f"model of trial {short_id(chosen)} written to {target}")


def verify(store: StoreOption = DEFAULT_STORE) -> None:
    """Check every invariant of the store; changes nothing."""
    from gridsearch.store.opening import open_store

    with open_store(store, create=False, read_only=True, examine=False) as opened:
        problems = opened.verify()
        trials = 0 if problems else len(opened.trials())
    for problem in problems:
        data(f"{problem.rule}: {problem.subject}: {problem.text}")
    if problems:
        say(f"{store}: {plural(len(problems), 'problem')} found")
        raise typer.Exit(EXIT_STORE_DAMAGED)
    say(f"{store}: sound, {plural(trials, 'trial')} checked")
