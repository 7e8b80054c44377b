"""DataFrames as files: CSV, JSON, Parquet."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gridsearch.analysis.column_names import OURS
from gridsearch.analysis.labels import label
from gridsearch.cli.file_formats import chosen_format
from gridsearch.cli.render.tables import csv_cell
from gridsearch.cli.streams import output_file
from gridsearch.config.trial import RECIPE_DEFAULTS
from gridsearch.config.value_kinds import Kind, as_written, kind_of
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "json", "parquet")


def export_format(name: str | None, output: Path | None) -> str:
    """Return the format asked for, by name or by the file's suffix; CSV on stdout."""
    kind = chosen_format(name, output, FORMATS, "csv")
    if kind == "parquet" and output is None and sys.stdout.isatty():
        raise GridsearchError("parquet is binary: name a file with --output FILE.parquet")
    return kind


#: Columns of settings that some trials' models do not have, with these trials (`JobData.lacking`).
Lacking = Mapping[str, Collection[str]]


def write(frame: pd.DataFrame, kind: str, output: Path | None, lacking: Lacking = MappingProxyType({})) -> int:
    """Write a frame to a file, whole or not at all, or to stdout; return its number of rows."""
    content = _content(_with_none(frame), kind, lacking)
    with output_file(output) as stream:
        stream.write(content)
    return len(frame)


def _with_none(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the word for settings of the recipe that are not used, as CSV has it and jobs write it."""
    told = frame.copy()
    for name in (name for name, default in RECIPE_DEFAULTS.items() if default == "" and name in frame):
        told[name] = told[name].mask(told[name] == "", label(""))
    return told


def _content(frame: pd.DataFrame, kind: str, lacking: Lacking) -> bytes:
    if kind == "parquet":
        return bytes(_storable(frame).to_parquet(index=False))
    if kind == "json":
        return (frame.to_json(orient="records", indent=2, double_precision=15) or "[]").encode() + b"\n"
    text = frame.copy()
    for column in text.select_dtypes(include=["object", "str"]):
        text[column] = [_csv_text(cell, ours=column in OURS) for cell in text[column]]
        if without := lacking.get(str(column)):
            text.loc[frame["trial"].isin(list(without)), column] = None
    text.columns = [csv_cell(str(column)) for column in text.columns]
    return text.to_csv(index=False, lineterminator="\n").encode()


def _csv_text(cell: Any, *, ours: bool) -> str | None:
    if isinstance(cell, tuple):  # as JSON: spreadsheets would take 1-2 for a day in January
        return csv_cell(json.dumps(cell, ensure_ascii=False))
    absent = cell is None or cell != cell
    if ours:
        return None if absent else csv_cell(str(cell))
    return csv_cell(label(None if absent else cell))


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of one type: where lists stand beside other values, these are text."""
    mixed = {
        name: frame[name].map(lambda cell: None if cell is None else as_written(cell))
        for name in frame.columns
        if len({leaf for cell in frame[name] if isinstance(cell, tuple) for leaf in _leaves(cell)}) > 1
        or len({kind_of(cell) for cell in frame[name] if isinstance(cell, tuple) or frame[name].dtype == object}) > 1
    }
    return frame.assign(**mixed)


def _leaves(cell: Any, depth: int = 0) -> Iterator[tuple[int, Kind]]:
    """Yield the kinds of the plain values in a list, and in how many lists each stands."""
    if isinstance(cell, tuple):
        for item in cell:
            yield from _leaves(item, depth + 1)
    else:
        yield depth, kind_of(cell)
