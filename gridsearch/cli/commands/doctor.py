"""`gridsearch doctor`: what this machine has, and what is missing for which feature."""

from __future__ import annotations

import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gridsearch import paths
from gridsearch.cli.options import DEFAULT_STORE, DataOption, StoreOption
from gridsearch.cli.resources import cores
from gridsearch.cli.streams import columns, data, folded
from gridsearch.errors import EXIT_SOME_FAILED, GridsearchError
from gridsearch.quantities import counted
from gridsearch.version import __version__

if TYPE_CHECKING:
    import torch

_PACKAGES = ("torch", "torchvision", "ray", "sqlalchemy", "alembic", "pandas", "plotly", "typer", "pydantic")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: fine, or what to do about it."""

    name: str
    text: str
    fine: bool = True


def doctor(store: StoreOption = DEFAULT_STORE, data_dir: DataOption = None) -> None:
    """Check this machine: packages, GPU, data sets, the store."""
    findings = [
        finding
        for look in (
            _python,
            _packages,
            _device,
            _sqlite,
            lambda: _folder(store),
            lambda: _store(store),
            lambda: _data(data_dir),
        )
        for finding in _looked(look)
    ]
    width = max(len(finding.name) for finding in findings)
    lines = (f"{'ok ' if f.fine else 'BAD'} {f.name:<{width}}  {f.text}" for f in findings)
    data("\n".join(folded(line, columns(sys.stdout), indent=4 + width + 2) for line in lines))
    if not all(finding.fine for finding in findings):
        raise typer.Exit(EXIT_SOME_FAILED)


def _looked(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    return list(look())


def _python() -> Iterator[Finding]:
    yield Finding("gridsearch", f"{__version__} on Python {platform.python_version()}, {platform.platform(terse=True)}")


def _packages() -> Iterator[Finding]:
    import importlib.metadata  # every command imports this module

    for name in _PACKAGES:
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            hint = "not installed: only --inline works" if name == "ray" else "not installed: install gridsearch again"
            yield Finding(name, hint, fine=name == "ray")


def _device() -> Iterator[Finding]:
    yield Finding("processor", f"{cores()} cores, one worker each by default")
    try:
        import torch

        from gridsearch.training.strategies.compiled import why_not_compiled

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(count))
        yield Finding("gpu", names or "none; training uses the CPU")
        yield Finding(
            "compiler", why_not_compiled(torch.device("cuda" if count else "cpu")) or "stacked models can be compiled"
        )
        yield from _strategies(torch.device("cuda" if count else "cpu"))
    except Exception as error:
        yield Finding("gpu", f"torch cannot be used: {error}", fine=False)


def _strategies(device: torch.device) -> Iterator[Finding]:
    """Say of each way to train several models as one whether it works here."""
    from gridsearch.training.stacking.autotune import STRATEGIES
    from gridsearch.training.stacking.self_check import unusable_strategies

    for strategy, why in unusable_strategies(device).items():
        other = STRATEGIES[strategy].instead
        how = f"with the strategy {other}" if other else "alone"
        text = f"refused, so models are trained {how}: {why}" if why else "gives the same numbers as training alone"
        yield Finding(strategy, text, fine=not why)


def _sqlite() -> Iterator[Finding]:
    from gridsearch.store.connection import journal_mode

    yield Finding("sqlite", f"{sqlite3.sqlite_version}, journal mode {journal_mode()}")


def _folder(store: Path) -> Iterator[Finding]:
    folder = store.absolute().parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        yield Finding("folder", f"{folder} is writable")
    except OSError as error:
        yield Finding(
            "folder",
            f"{folder} cannot be written ({error.strerror}); choose another with --store",
            fine=False,
        )


def _store(store: Path) -> Iterator[Finding]:
    if not store.exists():
        from gridsearch.store.nearby import nearby_text

        yield Finding("store", f"{store}: none yet; the first launch creates it{nearby_text(store)}")
        return
    from gridsearch.store.opening import open_store

    try:
        with open_store(store, create=False, read_only=True, examine=False) as opened:
            problems = opened.verify()
            jobs = 0 if problems else len(opened.jobs())
        text = f"{len(problems)} problems; see: gridsearch verify" if problems else "sound"
        yield Finding(
            "store", f"{store}: {text}" if problems else f"{store}: {counted(jobs, 'job')}, {text}", fine=not problems
        )
    except GridsearchError as error:
        yield Finding("store", str(error), fine=False)


def _data(data_dir: Path | None) -> Iterator[Finding]:
    from gridsearch.data.catalog import available

    for found in available(paths.data_dir(data_dir)):
        text = {
            "bundled": "comes with scikit-learn",
            "ready": f"{found.file} ({(found.size_bytes or 0) / 1e6:,.0f} MB)",
            "raw": "downloaded; the first launch converts it",
            "missing": f"not found; the first launch downloads it to {found.file}",
        }[found.state]
        yield Finding(found.name, text)
