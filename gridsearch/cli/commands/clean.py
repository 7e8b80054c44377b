"""The command that removes what trained commands have left: clean."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gridsearch.cli.options import DEFAULT_STORE, FormatOption, StoreOption, TableFile
from gridsearch.cli.render import tables
from gridsearch.cli.streams import answer, data, into, say
from gridsearch.config.byte_sizes import size_text
from gridsearch.quantities import counted

CleanJob = Annotated[str | None, typer.Argument(metavar="JOB", help="The job. Default: all jobs.")]
CleanYes = Annotated[bool, typer.Option("--yes", "-y", help="Remove the files; without it they are only shown.")]


def clean(
    job: CleanJob = None,
    yes: CleanYes = False,
    format_: FormatOption = None,
    output: TableFile = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Remove the files in runs/ that the commands of finished trials wrote; shows them first.

    Results, logs and the files of trials that are still to be trained are kept. Nothing is removed during a launch.
    """
    from gridsearch.store.opening import open_store, refuse_unsound

    kind = tables.format_of(format_, output)
    with open_store(store, create=False, read_only=True) as opened:
        refuse_unsound(opened, store)
        from gridsearch.engine.disk.run_folders import check_nobody_works, finished_runs, remove_runs

        if job is not None:
            opened.job(job)  # or there is none of this name
        if yes:
            check_nobody_works(opened, store)
        runs, stay = finished_runs(opened, store, job)
        if yes:
            removed = remove_runs(runs)
            held, runs = len(runs) - len(removed), removed
    jobs = list(dict.fromkeys(run.job for run in runs))
    by_job = [[run for run in runs if run.job == name] for name in jobs]
    rows = [(own[0].job, len(own), sum(run.files for run in own), sum(run.size for run in own)) for own in by_job]
    files, size = sum(run.files for run in runs), sum(run.size for run in runs)
    if kind is tables.Format.JSON:
        found = [dict(zip(("job", "trials", "files", "bytes"), row, strict=True)) for row in rows]
        with into(output):
            data(json.dumps({"removed": yes, "jobs": found, "files": files, "bytes": size, "kept": stay}, indent=2))
        return
    plain = kind is tables.Format.CSV
    cells = [
        [name, *((str(n), str(f), str(b)) if plain else (f"{n:,}", f"{f:,}", size_text(b)))] for name, n, f, b in rows
    ]
    if rows or output or kind is not tables.Format.TABLE:
        heads = ["job", "trials", "files", "bytes" if plain else "size"]
        with into(output):
            tables.write(tables.Grid(heads, [False, True, True, True], cells), kind)
    kept = f"; those of {counted(stay, 'trial')} still to train stay" if stay else ""
    if yes and held:
        kept += f"; those of {counted(held, 'trial')} are in use or cannot be removed"
    what = f"the files of {counted(len(runs), 'trial')}, {size_text(size)}"
    # A line in words would be none of a table for programs, nor of a file.
    tell = answer if kind is tables.Format.TABLE and output is None else say
    if not runs:
        tell(f"{store}: nothing to remove{kept}")
    elif yes:
        tell(f"{store}: removed {what}{kept}")
    else:
        tell(f"{store}: would remove {what}{kept}; run it with --yes to remove them")
