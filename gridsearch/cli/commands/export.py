"""`gridsearch export`: trials, points, epochs or a model, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridsearch import paths
from gridsearch.cli import jobs
from gridsearch.cli.file_formats import check_suffix
from gridsearch.cli.options import (
    DEFAULT_STORE,
    DataOption,
    JobName,
    StoreOption,
    TrialOption,
)
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.render.wording import short_id
from gridsearch.cli.run_exports import export_mlflow, export_tensorboard
from gridsearch.cli.secrets import forget, forget_values
from gridsearch.cli.streams import say
from gridsearch.cli.supervising import models_behind, require_own_process, supervisable
from gridsearch.errors import GridsearchError
from gridsearch.output_places import require_file
from gridsearch.quantities import counted

ExportFormat = Annotated[
    str | None,
    typer.Option("--format", "-f", help="csv, json or parquet. Default: by the suffix of the output file, or csv."),
]


ExportFilter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        help="Only trials (or points) that match, such as 'neurons == 50'; for epochs, only those of matching trials.",
    ),
]


ExportTo = Annotated[Path | None, typer.Option("--output", "-o", help="File to write. Default: stdout.")]


OnnxTo = Annotated[Path | None, typer.Option("--onnx", help="Write a trial's model to this ONNX file.")]


TensorBoardTo = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="DIR",
        help="Write every trial as a run of TensorBoard to this folder: curves, and settings and scores for HParams.",
    ),
]


def _without_password(uri: str | None) -> str | None:
    """Return the URI, and keep its password out of logs of the command line."""
    from gridsearch.export.addresses import shown_uri

    if uri is not None:
        forget(uri, shown_uri(uri))
        forget_values("--mlflow", shown_uri(uri))
    return uri


MlflowTo = Annotated[
    str | None,
    typer.Option(
        "--mlflow",
        metavar="URI",
        callback=_without_password,
        help="Log every trial as a run of MLflow: sqlite:///mlflow.db, file:./mlruns or http://localhost:5000.",
    ),
]


What = Annotated[
    str,
    typer.Option(
        "--table", help="trials, points (means over repeats and folds), or epochs (one row per trial and epoch)."
    ),
]


@supervisable
def export(
    job: JobName,
    output: ExportTo = None,
    format_: ExportFormat = None,
    table: What = "trials",
    filter_: ExportFilter = None,
    onnx: OnnxTo = None,
    tensorboard: TensorBoardTo = None,
    mlflow: MlflowTo = None,
    trial: TrialOption = None,
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataOption = None,
) -> None:
    """Write a job's trials, points or epochs as CSV, JSON or Parquet, or one trial's model as ONNX (--onnx).

    Or all trials as runs of TensorBoard (--tensorboard) or MLflow (--mlflow); doing so again adds what is new.
    """
    if tensorboard is not None or mlflow is not None:
        given = {
            "--tensorboard": tensorboard,
            "--mlflow": mlflow,
            "--onnx": onnx,
            "--trial": trial,
            "--output": output,
            "--format": format_,
            "--table": None if table == "trials" else table,
        }
        _alone([option for option, value in given.items() if value is not None])
        _export_runs(job, tensorboard, mlflow, filter_, store)
        return
    if onnx is not None:
        if output or format_ or filter_ or table != "trials":
            raise GridsearchError("--onnx writes a model: leave out --output, --format, --filter and --table")
        check_suffix(onnx, "onnx", "--onnx")
        require_file(f"--onnx {onnx}", onnx)
        _export_onnx(job, trial, onnx, store, data_dir)
        return
    if trial is not None:
        raise GridsearchError("--trial names the model to write: add --onnx FILE")
    from gridsearch.analysis.filtering import matching
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.groups import grouped
    from gridsearch.analysis.measures import MEASURES
    from gridsearch.analysis.named_curves import named_curves
    from gridsearch.cli.epoch_files import write_epochs
    from gridsearch.cli.exporting import export_format, write

    if table not in ("trials", "points", "epochs"):
        raise GridsearchError(f"--table {table}: must be trials, points or epochs")
    kind = export_format(format_, output)
    with open_to_read(store, job) as opened:
        name = jobs.stored_name(opened, job)
        if table == "epochs":
            own = bool(opened.job(name).record.training)
            rows = write_epochs(named_curves(opened, name, filter_), opened.metric_names(name), kind, output, own=own)
        else:
            loaded = load(opened, name, measures=MEASURES)
    if table != "epochs":
        frame = grouped(loaded).trials if table == "points" else loaded.trials
        rows = write(matching(frame, filter_) if filter_ else frame, kind, output, loaded.lacking)
    if output:
        say(f"{counted(rows, 'row')} written to {output}")


def _alone(options: list[str]) -> None:
    """Refuse what contradicts the first of these options."""
    first, *others = options
    if others:
        raise GridsearchError(f"{first} writes trials as runs: leave out {' and '.join(others)}")


def _export_runs(job: str, tensorboard: Path | None, mlflow: str | None, filter_: str | None, store: Path) -> None:
    if tensorboard is not None:
        export_tensorboard(job, tensorboard, filter_, store)
    if mlflow is not None:
        export_mlflow(job, mlflow, filter_, store)


def _export_onnx(job: str, trial: str | None, target: Path, store: Path, data_dir: Path | None) -> None:
    with open_to_read(store, job) as opened:
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
