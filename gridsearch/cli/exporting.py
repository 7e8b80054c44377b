"""DataFrames as files: CSV, JSON, Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.atomic import write_named
from gridsearch.cli.tables import csv_cell
from gridsearch.errors import GridsearchError, nearest

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "json", "parquet")


def chosen_format(name: str | None, output: Path | None) -> str:
    """Return the format asked for, by name or by the file's suffix; CSV on stdout."""
    kind = name or (output.suffix.lstrip(".") if output else "csv")
    if kind not in FORMATS:
        raise GridsearchError(f"export format {kind!r} is not known{nearest(kind, FORMATS)}")
    if kind == "parquet" and output is None and sys.stdout.isatty():
        raise GridsearchError("parquet is binary: name a file with --output FILE.parquet")
    return kind


def write(frame: pd.DataFrame, kind: str, output: Path | None) -> int:
    """Write a frame to a file, whole or not at all, or to stdout; return its number of rows."""
    content = _content(frame, kind)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return len(frame)
    try:
        write_named(output, content)
    except OSError as error:
        raise GridsearchError(f"{output}: cannot be written ({error.strerror})") from None
    return len(frame)


def _content(frame: pd.DataFrame, kind: str) -> bytes:
    if kind == "parquet":
        return bytes(frame.to_parquet(index=False))
    if kind == "json":
        return (frame.to_json(orient="records", indent=2, double_precision=15) or "[]").encode() + b"\n"
    text = frame.copy()
    for column in text.select_dtypes(include=["object", "str"]):
        text[column] = text[column].map(lambda cell: csv_cell(str(cell)), na_action="ignore")
    text.columns = [csv_cell(str(column)) for column in text.columns]
    return text.to_csv(index=False).encode()
