"""The runs of a job in MLflow: an experiment for the job, a run for each trial, told through MLflow's own client."""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

from gridsearch.analysis.labels import label
from gridsearch.config.events import OPEN_STATES, RESULT_STATES, SCORED_STATES, TrialState
from gridsearch.errors import GridsearchError, one_line
from gridsearch.export.addresses import shown_uri
from gridsearch.export.runs import SCORE, Run, Runs
from gridsearch.version import __version__

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

_SCHEMES = frozenset({"http", "https", "file", "sqlite", "postgresql", "mysql", "mssql", "databricks", "uc"})
#: Tags by which an export finds its runs again: whose run it is, and how far the trial was when it was logged whole.
_TRIAL, _LOGGED = "gridsearch.trial", "gridsearch.logged"
#: What MLflow's servers take at once (100 settings, and 1000 of everything), and how long texts may be.
_METRICS_AT_ONCE, _OTHERS_AT_ONCE, _LONGEST = 800, 100, 6000
_RUNS_AT_ONCE = 1000
#: For MLflow's client, unless a person has said otherwise: nothing is told to others, a server that does not answer
#: costs seconds, and a folder of runs, which newer versions refuse, is what was asked for.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}

T = TypeVar("T")


def check_mlflow(uri: str) -> None:
    """Raise `GridsearchError` where the package that talks to MLflow is missing, or a URI is none of a server."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in _SCHEMES or uri.strip() != uri:
        raise GridsearchError(
            f"--mlflow {shown_uri(uri)}: is no tracking URI, such as sqlite:///mlflow.db, file:./mlruns or"
            f" http://localhost:5000"
        )
    if importlib.util.find_spec("mlflow") is None:
        raise GridsearchError("--mlflow needs the package mlflow; install it with: pip install 'gridsearch[mlflow]'")


def log_runs(job: str, runs: Runs, uri: str) -> tuple[int, int]:
    """Log the runs of a job that MLflow does not have, and what is new of those that it has.

    Args:
        job: The job's name, and the experiment's.
        runs: Its runs.
        uri: A tracking URI (see `check_mlflow`).

    Returns:
        How many runs were written, and how many were there as they are.

    Raises:
        GridsearchError: MLflow refuses something, or cannot be reached.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.ERROR)  # it tells of each table that MLflow makes
    # What MLflow does with its libraries is no affair of whoever exports.
    with warnings.catch_warnings(action="ignore"):
        from mlflow.exceptions import MlflowException

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        try:
            return _log_all(job, runs, uri)
        except ImportError as error:  # the driver of a database
            raise GridsearchError(f"--mlflow {shown_uri(uri)}: {error}; install it with pip") from None
        except (MlflowException, OSError, ValueError) as error:
            raise GridsearchError(f"--mlflow {shown_uri(uri)}: {_said(error, uri)}") from None


def _log_all(job: str, runs: Runs, uri: str) -> tuple[int, int]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = _experiment(client, job)
    known = dict(_known(client, experiment))
    written = kept = 0
    for run in runs:
        if _log(client, experiment, run, known.get(run.trial)):
            written += 1
        else:
            kept += 1
    return written, kept


def _said(error: Exception, uri: str) -> str:
    """Return what an error of MLflow's says, in a line and without the password that a URI may have."""
    text = str(error)
    if "Max retries exceeded" in text:
        reason = text.rpartition(": ")[2].strip("()'\" ")
        return f"the server cannot be reached ({reason})"
    password = urlsplit(uri).password
    # A server's page about its error is for a browser.
    text = one_line(error).partition(" Response body: ")[0].replace(uri, shown_uri(uri))
    return text.replace(password, "***") if password else text


class _Known(NamedTuple):
    """A run that MLflow has: its id, how far the trial was, and the settings and metrics that it has."""

    run_id: str
    logged: str
    params: frozenset[str]
    metrics: frozenset[str]


def _experiment(client: MlflowClient, job: str) -> str:
    found = client.get_experiment_by_name(job)
    if found is None:
        return str(client.create_experiment(job))
    if found.lifecycle_stage != "active":
        raise ValueError(f"its experiment {job!r} was deleted; restore it, or delete it for good, and export again")
    return str(found.experiment_id)


def _known(client: MlflowClient, experiment: str) -> Iterator[tuple[str, _Known]]:
    """Yield the trials whose runs an experiment has."""
    token = None
    while True:
        page = client.search_runs([experiment], max_results=_RUNS_AT_ONCE, page_token=token)
        for run in page:
            if trial := run.data.tags.get(_TRIAL):
                logged = run.data.tags.get(_LOGGED, "")
                whole = logged in RESULT_STATES
                params = frozenset[str]() if whole else frozenset(run.data.params)
                metrics = frozenset[str]() if whole else frozenset(run.data.metrics)
                yield trial, _Known(run.info.run_id, logged, params, metrics)
        token = page.token
        if not token:
            return


def _log(client: MlflowClient, experiment: str, run: Run, known: _Known | None) -> bool:
    """Log a run, or what is new of it; return whether anything is."""
    from mlflow.entities import Param, RunTag

    logged = f"{run.state} {run.steps[-1].epoch if run.steps else -1}"
    if run.state in RESULT_STATES:
        logged = str(run.state)  # it never changes
    if known and known.logged == logged:
        return False
    tags = {_TRIAL: run.trial, "gridsearch.state": str(run.state), "gridsearch.version": __version__}
    if run.point:
        tags["gridsearch.point"] = run.point
    if known is None:
        made = client.create_run(experiment, int(run.started * 1000), tags=tags, run_name=run.name)
        known = _Known(made.info.run_id, "", frozenset(), frozenset())
    run_id = known.run_id
    params = [Param(name, _text(value)) for name, value in run.settings.items() if name not in known.params]
    metrics = _new_metrics(client, run, known)
    for some in _portions(params[_OTHERS_AT_ONCE:], _OTHERS_AT_ONCE):
        client.log_batch(run_id, params=some)
    for measured in _portions(metrics[_METRICS_AT_ONCE:], _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=measured)
    # The tag that says that all is there comes last; of most runs everything is told at once.
    told = [RunTag(name, value) for name, value in (tags | {_LOGGED: logged}).items()]
    client.log_batch(run_id, metrics[:_METRICS_AT_ONCE], params=params[:_OTHERS_AT_ONCE], tags=told)
    if run.state in OPEN_STATES:
        client.update_run(run_id, status="RUNNING")
    else:
        client.set_terminated(run_id, _status(run.state), int(run.ended * 1000))
    return True


def _new_metrics(client: MlflowClient, run: Run, known: _Known) -> list[Metric]:
    """Return the metrics of a run that MLflow does not have: a file store, asked to, would have them twice."""
    from mlflow.entities import Metric

    told = [
        Metric(name, value, int(step.at * 1000), step.epoch)
        for step in run.steps
        for name, value in step.values.items()
    ]
    if run.score is not None:
        told.append(Metric(SCORE, run.score, int(run.ended * 1000), run.steps[-1].epoch if run.steps else 0))
    there = {
        name: {one.step for one in client.get_metric_history(known.run_id, name)}
        for name in {one.key for one in told} & known.metrics
    }
    return [one for one in told if one.step not in there.get(one.key, ())]


def _text(value: object) -> str:
    text = label(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _portions(found: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (found[first : first + size] for first in range(0, len(found), size))


def _status(state: TrialState) -> str:
    return "FINISHED" if state in SCORED_STATES else "KILLED" if state == TrialState.CANCELLED else "FAILED"
