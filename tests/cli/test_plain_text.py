"""What terminals, files of text and odd encodings get to see."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gridsearch.cli import defects, main, streams
from gridsearch.cli.exporting import write
from gridsearch.cli.render.plain_text import prepare
from gridsearch.cli.render.tables import Grid, as_csv, as_latex, as_markdown, blocks
from gridsearch.errors import EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_USAGE, JobError
from gridsearch.printable import printable

#: What moves a cursor, turns the direction of writing, cannot be seen, or is no text at all.
HOSTILE = "a\x1b[2J\x9b1m\x7f\r\t\b\u202e\u2066\u2069\u200b\u200f\ufeff\u061c\udce9z"
FORMULA = "=HYPERLINK(1)"


def harmless(text: str) -> bool:
    return all(sign.isprintable() or sign == "\n" for sign in text)


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert printable("é ± 日本 \x1b") == "é ± 日本 \\x1b"
    assert harmless(printable(HOSTILE))


def test_tables_of_every_format_obey_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = Grid([HOSTILE, FORMULA], [False, True], [[HOSTILE, "-1"], [FORMULA, "2"]])
    for text in (as_csv(grid), as_markdown(grid), as_latex(grid), *blocks(grid, None)[0].body):
        assert harmless(text)
    assert [row[1] for row in csv.reader(io.StringIO(as_csv(grid)))] == [f"'{FORMULA}", "-1", "2"]
    text = HOSTILE.replace("\udce9", "")  # which pandas cannot hold
    frame = pd.DataFrame({text: [text, FORMULA], FORMULA: [-1.5, 2.0]})
    write(frame, "csv", tmp_path / "x.csv")
    written = (tmp_path / "x.csv").read_text()
    assert harmless(written)
    assert list(csv.reader(io.StringIO(written)))[1:] == [[printable(text), "-1.5"], [f"'{FORMULA}", "2.0"]]
    assert len(as_markdown(Grid(["a"], [False], [["two\nlines"]])).splitlines()) == 3
    streams.data(HOSTILE)
    assert harmless(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "0.98 +- 0.01 | . - x \\xe9 \\u65e5"), ("cp1252", "0.98 ± 0.01 · … - × é \\u65e5")],
)
def test_an_encoding_that_lacks_a_sign_gets_a_plain_one(encoding: str, shown: str) -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding)
    prepare(stream)
    stream.write("0.98 ± 0.01 · … ─ × é 日")
    stream.flush()
    assert buffer.getvalue().decode(encoding) == shown


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(main, "say", lines.append)
    monkeypatch.setattr(defects.tempfile, "tempdir", str(tmp_path))
    return lines


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "code", "fragment"),
    [
        (JobError("one\ntwo \x1b"), EXIT_USAGE, "gridsearch: one\\ntwo \\x1b"),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, "stopped"),
        (OSError(28, "No space left on device"), EXIT_USAGE, "the output cannot be written: No space left on device"),
        (ZeroDivisionError("by\nzero"), EXIT_DEFECT, "unexpected error: ZeroDivisionError: by; traceback: "),
        (RecursionError(), EXIT_DEFECT, "unexpected error: RecursionError; traceback: "),
        (MemoryError(), EXIT_DEFECT, "unexpected error: MemoryError; traceback: "),
        (GeneratorExit(), EXIT_DEFECT, "unexpected error: GeneratorExit; traceback: "),
        (Unspeakable(), EXIT_DEFECT, "unexpected error: Unspeakable; traceback: "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_error_is_a_line_and_a_code(
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    fragment: str,
) -> None:
    monkeypatch.setattr(main, "app", raising(error))
    with pytest.raises(SystemExit) as ended:
        main.main()
    (line,) = said
    assert (ended.value.code, fragment in line, "\n" in line) == (code, True, False), line
    logs = list(tmp_path.glob("gridsearch-error-*.log"))
    assert len(logs) == (code == EXIT_DEFECT)
    for log in logs:
        assert str(log) in line
        assert log.stat().st_mode & 0o777 == 0o600
        assert type(error).__name__ in log.read_text()


def raising(error: BaseException) -> Callable[..., None]:
    def run(**_: object) -> None:
        raise error

    return run


def test_a_log_that_cannot_be_written_is_no_second_error(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defects.tempfile, "tempdir", "/nowhere")
    monkeypatch.setattr(main, "app", raising(ValueError("x")))
    with pytest.raises(SystemExit):
        main.main()
    assert "its traceback could not be kept" in said[0]
    assert not os.path.lexists("/nowhere")
