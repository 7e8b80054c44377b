"""Every file and folder name the program reads or writes; nobody else spells one."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from gridsearch.shell_words import quoted

STORE_NAME = "results.db"
DASHBOARDS_NAME = "dashboards"
JOBS_NAME = "jobs"
RUNS_NAME = "runs"
WEIGHTS_NAME = "weights"
FIGURES_NAME = "figures"
REPORTS_NAME = "reports"
DATA_VARIABLE = "GRIDSEARCH_DATA"
INDEX_PAGE = "index.html"


def store_option(store: str | Path) -> str:
    """Return what a command to copy needs to name a store: nothing for the one in the current folder.

    >>> store_option("results.db"), store_option("my results.db")
    ('', " --store 'my results.db'")
    """
    return "" if str(store) in ("", STORE_NAME) else f" --store {quoted(str(store))}"


def data_dir(chosen: Path | None = None) -> Path:
    """Return the folder of data sets: the one chosen, else `$GRIDSEARCH_DATA`, else the platform's cache folder."""
    if chosen is not None:
        return chosen
    if from_environment := os.environ.get(DATA_VARIABLE):
        return Path(from_environment)
    return Path(platformdirs.user_cache_dir("gridsearch")) / "data"


def compiled_dir() -> Path:
    """Return the folder of code compiled for stacked models, kept for later launches."""
    return Path(platformdirs.user_cache_dir("gridsearch")) / "compiled"


def data_file(folder: Path, name: str) -> Path:
    """Return where the canonical form of the data set `name` lies."""
    return folder / f"{name}.npz"


def pretrained_file(folder: Path, name: str) -> Path:
    """Return where a file of pretrained weights lies below the folder of data sets."""
    return folder / "weights" / name


def fingerprint_file(data: Path) -> Path:
    """Return the hidden file beside a data set that remembers the fingerprint of its content."""
    return data.with_name(f".{data.name}.fingerprint")


def partial_file(target: Path, mark: str = "") -> Path:
    """Return a new name beside `target` to write to before moving it there; no two calls return the same.

    `mark` says whose it is.
    """
    return target.with_name(f".{mark}{target.name[:40]}.{uuid.uuid4().hex}.partial")


def backup_file(store: Path, revision: str) -> Path:
    """Return the file that keeps a store as it was before its upgrade to `revision`."""
    return store.with_name(f"{store.name}.before-{revision}")


def companion_dir(store: Path) -> Path:
    """Return the hidden folder beside a store that holds its checkpoints, logs and scratch files."""
    store = store.absolute()
    return store.parent / ".gridsearch" / store.name


def checkpoint_dir(store: Path) -> Path:
    """Return the folder of a store's checkpoints, one subfolder per lineage."""
    return companion_dir(store) / "checkpoints"


def readings_dir(store: Path) -> Path:
    """Return the folder in which launches gather weights, one subfolder per job."""
    return companion_dir(store) / "readings"


def reading_dir(store: Path, job_name: str) -> Path:
    """Return the folder in which a job's launches gather weights, one subfolder per lineage, until they end."""
    return readings_dir(store) / file_stem(job_name)


def weights_file(store: Path, trial_id: str, epoch: int | None = None) -> Path:
    """Return the file beside a store that keeps the weights of a trial; what they belong to is in a `.json` beside it.

    `epoch` is another one than its job reads. Trials are the same in every store: stores in one folder share them.
    """
    name = trial_id[:12] if epoch is None else f"{trial_id[:12]}-epoch{epoch}"
    return weights_dir(store) / f"{name}.pt"


def weights_dir(store: Path) -> Path:
    """Return the folder beside a store that keeps weights of its trials."""
    return store.absolute().parent / WEIGHTS_NAME


def unfinished_files(folder: Path) -> list[Path]:
    """Return what is being written anywhere below a folder, or was when its writer ended (see `partial_file`)."""
    return sorted(path for path in folder.rglob(".*.partial") if re.search(r"\.[0-9a-f]{32}\.partial$", path.name))


def log_dir(store: Path) -> Path:
    """Return the folder of a store's failure logs, one file per failed attempt."""
    return companion_dir(store) / "logs"


def failure_log(store: Path, lineage_id: str, attempt: int) -> Path:
    """Return the file that keeps the traceback of one failed attempt."""
    return log_dir(store) / f"{lineage_id[:12]}-attempt-{attempt}.log"


def trial_log(logs: Path, lineage_id: str) -> Path:
    """Return the file below a store's logs that keeps what a training of the user's own printed."""
    return logs / f"{lineage_id[:12]}.log"


def runs_root(store: Path) -> Path:
    """Return the folder beside a store in which the commands of jobs have their trials' folders."""
    return store.absolute().parent / RUNS_NAME


def runs_dir(store: Path, job_name: str) -> Path:
    """Return the folder in which a job's command has a folder for each trial."""
    return runs_root(store) / file_stem(job_name)


def scratch_dir(store: Path) -> Path:
    """Return the folder for what an executor writes while it runs and nobody needs afterwards."""
    return companion_dir(store) / "scratch"


def file_stem(name: str) -> str:
    """Return a file name for any job name: readable, portable, and distinct for distinct names.

    >>> file_stem("shallow")
    'shallow'
    >>> file_stem("../a<b>").startswith("a-b-")
    True
    """
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60]
    if slug == name and slug.lower() != "index":
        return slug
    return f"{slug or 'job'}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def dashboard_page(folder: Path, job_name: str) -> Path:
    """Return the page of a job in a folder of dashboards."""
    return folder / f"{file_stem(job_name)}.html"


def compared_page(folder: Path, labels: Sequence[str]) -> Path:
    """Return the page that holds jobs against each other in a folder of dashboards.

    >>> compared_page(Path(), ["wide", "deep"]).name
    'compare-wide-deep.html'
    """
    return folder / f"{file_stem('-'.join(['compare', *labels]))}.html"


def samples_page(folder: Path, dataset: str) -> Path:
    """Return the page of a data set's sample images."""
    return folder / f"{file_stem(dataset)}-samples.html"


def maps_page(folder: Path, trial_id: str) -> Path:
    """Return the page of a trial's activation maps."""
    return folder / f"{trial_id[:12]}-maps.html"
