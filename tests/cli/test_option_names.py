"""Options that a command does not have: what it says instead."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from gridsearch.cli import streams
from gridsearch.cli.main import _usage, app
from gridsearch.cli.option_names import instead
from gridsearch.errors import EXIT_USAGE

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("command", "option", "answer"),
    [
        ("evaluate", "--json", "write --format json"),
        ("top", "--csv", "write --format csv"),
        ("top", "--markdown", "write --format md"),
        ("top", "--parquet", ""),
        ("export", "--parquet", "write --format parquet"),
        ("export", "--latex", ""),
        ("plan", "--format", "data are printed with --json"),
        ("status", "--csv", "data are printed with --json"),
        ("verify", "--json", ""),
        ("doctor", "--json", ""),
        ("launch", "--json", ""),
        ("top", "--out", "write --output"),
        ("dashboard", "--outfile", "write --output"),
        ("plan", "--out", ""),
        ("launch", "--epochs", "settings are changed with --set epochs=VALUE"),
        ("plan", "--lr", "settings are changed with --set learning_rate=VALUE"),
        ("top", "--lr", "trials are chosen with --filter 'learning_rate == VALUE'"),
        ("top", "--colums", "did you mean --columns?"),
        ("top", "--quiet", ""),
    ],
)
def test_what_was_meant(command: str, option: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    params = COMMANDS[command].params
    assert instead(option, params) == answer
    streams.err.cache_clear()
    with pytest.raises(Exception, match="No such option") as caught:
        app([command, option], standalone_mode=False)
    assert _usage(caught.value) == EXIT_USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(f"gridsearch: No such option: {option}{f'; {answer}' if answer else ''}".removesuffix("?"))
