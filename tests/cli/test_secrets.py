"""What of a command line may be kept."""

from __future__ import annotations

import shlex
import sys

import pytest

from gridsearch.cli.command_line import command_line, job_first
from gridsearch.cli.secrets import forget_values


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["launch", "a b.yaml", "--set", "lr=[0.1, 1]"], "gridsearch launch 'a b.yaml' --set 'lr=[0.1, 1]'"),
        (["resume", "--only", "optimizer == 'adam'"], "gridsearch resume --only \"optimizer == 'adam'\""),
        (["launch", "--store", "sqlite://me:secret@db/x?key=secret"], "gridsearch launch --store sqlite://db/x"),
        (
            ["launch", "--mlflow", "postgresql://me:a/sec?ret#secret@db/x"],
            "gridsearch launch --mlflow postgresql://db/x",
        ),
        (["launch", "--set=url=https://h/x?token=secret#secret"], "gridsearch launch --set=url=https://h/x"),
        (["launch", "--set", "a=https://secret@h/x"], "gridsearch launch --set a=https://h/x"),
        (["launch", "http://[secret"], "gridsearch launch http://..."),
        ([], "gridsearch"),
    ],
)
def test_the_command_line_is_kept_without_secrets(given: list[str], kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/home/me/bin/gridsearch", *given])
    assert command_line() == kept
    if "secret" not in " ".join(given):
        assert shlex.split(command_line()) == ["gridsearch", *given]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["launch", "a", "--inline"], ["launch", "a", "--inline"]),
        (["launch", "--store", "a", "--inline", "a"], ["launch", "a", "--store", "a", "--inline"]),
        (["launch", "--inline"], ["launch", "--inline"]),
    ],
)
def test_the_job_comes_first(given: list[str], kept: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gridsearch", *given])
    job_first("a")
    assert sys.argv[1:] == kept


def test_all_values_of_an_option_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["--notify", "launch", "--notify", "a", "--notify=b", "c", "--notify"])
    forget_values("--notify", "...")
    assert sys.argv == ["--notify", "...", "--notify", "...", "--notify=...", "c", "--notify"]
