"""Options that several commands share, declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gridsearch import paths
from gridsearch.cli.render.tables import Format
from gridsearch.config.events import EVERY_TRIAL

StoreOption = Annotated[
    Path,
    typer.Option("--store", envvar="GRIDSEARCH_STORE", help="The SQLite file with all results.", show_default=True),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help=f"Folder of data sets. Default: ${paths.DATA_VARIABLE}, or the platform's cache folder."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the job. VALUE is YAML: 3, [4,8], {range: [1, 5]}.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="EXPRESSION",
        help="Train only the trials that match, such as 'learning_rate == 0.1'; the job's grid, tables and page keep"
        " all trials. Repeatable: a trial must match every expression.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format", "-f", help="Output format. Default: by the suffix of the output file, or table on the terminal."
    ),
]
TableFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write: .csv, .json, .md, .tex or .txt. Default: stdout."),
]


def count_from(least: int) -> Callable[[str | int], int]:
    """Return what reads a number of rows, at least so many; `all` is every one."""

    def count(written: str | int) -> int:
        text = str(written)
        if text == "all":
            return EVERY_TRIAL
        if not text.isdecimal() or int(text) < least:
            raise typer.BadParameter(f"{text!r}: write a whole number of at least {least}, or all")
        return int(text)

    return count


TopOption = Annotated[
    int,
    typer.Option(
        "-n", "--top", parser=count_from(0), metavar="N|all", help="How many of the best trials to print, or all."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DashboardsOption = Annotated[Path, typer.Option("--output", "-o", help="Folder for the pages.", show_default=True)]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="A job in the store, by name or job file.")]
OptionalJobName = Annotated[
    str | None,
    typer.Argument(metavar="[JOB]", help="A job in the store, by name or job file. Default: all jobs."),
]
TrialOption = Annotated[
    str | None, typer.Option("--trial", help="A trial's id, or the first digits of it. Default: the best trial.")
]
JobFile = Annotated[str, typer.Argument(metavar="JOB", help=f"A job file, or the name of one in {paths.JOBS_NAME}/.")]

DEFAULT_STORE = Path(paths.STORE_NAME)
DEFAULT_DASHBOARDS = Path(paths.DASHBOARDS_NAME)
