"""`export --tensorboard` and `--mlflow` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import refused, run
from tests.visualization.stores import filled_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    filled_store(tmp_path / "results.db", "small", failing=True).close()
    return tmp_path


def test_a_filter_and_a_second_export(folder: Path) -> None:
    first = run(folder, "export", "small", "--tensorboard", "tb", "--filter", "neurons == 5")
    assert (first.code, first.out) == (0, "")
    assert first.err == "4 runs written in tb; look with: tensorboard --logdir tb\n"
    again = run(folder, "export", "small", "--tensorboard", "tb")
    assert again.err == "8 runs written, 4 there already in tb; look with: tensorboard --logdir tb\n"
    assert len([path for path in (folder / "tb").iterdir() if path.is_dir()]) == 12


def test_options_that_contradict_each_other_are_refused(folder: Path) -> None:
    refused(run(folder, "export", "small", "--tensorboard", "tb", "-o", "a.csv"), "leave out --output")
    ended = run(folder, "export", "small", "--mlflow", "sqlite:///a.db", "--table", "epochs", "--tensorboard", "tb")
    refused(ended, "--tensorboard writes trials as runs: leave out --mlflow and --table")
    assert not (folder / "tb").exists()


def test_a_password_is_in_no_message_and_no_log(folder: Path) -> None:
    uri = "ftp://me:secret@127.0.0.1:9/x"
    refused(run(folder, "export", "small", "--mlflow", uri, "--log-file", "all.log"), "is no tracking URI")
    assert "ftp://127.0.0.1:9/x" in (folder / "all.log").read_text()
    assert "secret" not in (folder / "all.log").read_text()
