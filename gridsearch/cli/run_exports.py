"""`export --tensorboard` and `export --mlflow`: a job's trials as the runs of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.cli import jobs
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.streams import say
from gridsearch.output_places import require_writable
from gridsearch.quantities import counted
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.export.runs import Runs
    from gridsearch.store.contract import Store


def export_tensorboard(job: str, folder: Path, filter_: str | None, store: Path) -> None:
    """Write a job's trials to a folder for TensorBoard, and say how many."""
    from gridsearch.export.tensorboard import check_tensorboard, write_tensorboard

    check_tensorboard()
    require_writable(f"--tensorboard {folder}", folder)
    with open_to_read(store, job) as opened:
        name = jobs.stored_name(opened, job)
        done = write_tensorboard(name, _runs(opened, name, filter_), folder)
    say(f"{_count(done.written, done.kept)} in {folder}; look with: tensorboard --logdir {quoted(str(folder))}")
    if done.others:
        say(f"{counted(done.others, 'run')} in {folder} were there before, of trials that are not among these")


def export_mlflow(job: str, uri: str, filter_: str | None, store: Path) -> None:
    """Log a job's trials to an MLflow tracking server, and say how many."""
    from gridsearch.export.addresses import shown_uri
    from gridsearch.export.mlflow_places import require_place
    from gridsearch.export.mlflow_tracking import check_mlflow, log_runs

    check_mlflow(uri)
    require_place(uri)
    with open_to_read(store, job) as opened:
        name = jobs.stored_name(opened, job)
        written, kept = log_runs(name, _runs(opened, name, filter_), uri)
    say(f"{_count(written, kept)} in experiment {name!r} at {shown_uri(uri)}")


def _runs(store: Store, name: str, filter_: str | None) -> Runs:
    from gridsearch.analysis.filtering import matching
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.measures import measures_in
    from gridsearch.export.runs import Runs

    data = load(store, name, measures=measures_in(filter_) if filter_ else ())
    return Runs(store, data, frozenset(matching(data.trials, filter_)["trial"]) if filter_ else None)


def _count(written: int, kept: int) -> str:
    return f"{counted(written, 'run')} written" + (f", {kept:,} there already" if kept else "")
