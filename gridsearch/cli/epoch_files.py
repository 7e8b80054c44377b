"""The epochs of a job's trials as files, written as they are read: CSV, JSON, Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import orjson

from gridsearch.analysis.frames import curves_frame
from gridsearch.cli.streams import output_file

if TYPE_CHECKING:
    import pandas as pd

    from gridsearch.store.rows import LineageCurve

    #: Trials by their ids, with their epochs.
    Curves = Iterable[tuple[str, LineageCurve]]

#: How many rows are a frame at once.
_ROWS = 32_768
#: How many rows a group of a Parquet file has at most, as pandas writes it.
_GROUP = 1024 * 1024


def write_epochs(curves: Curves, metrics: Sequence[str], kind: str, output: Path | None, *, own: bool = False) -> int:
    """Write epochs to a file, whole or not at all, or to stdout; return the number of rows.

    `metrics` are columns, and so is the learning rate, but of trainings of the user's `own`. Whatever `curves` raises
    comes through, and nothing is written. The bytes are those that `exporting.write` makes of one frame.
    """
    counted = _Counted(curves)
    with output_file(output) as stream:
        {"csv": _as_csv, "json": _as_json, "parquet": _as_parquet}[kind](counted, metrics, stream, own)
    return counted.rows


class _Counted:
    """Curves that count the rows that they gave."""

    def __init__(self, curves: Curves) -> None:
        self._curves = curves
        self.rows = 0

    def __iter__(self) -> Iterator[tuple[str, LineageCurve]]:
        for trial, curve in self._curves:
            self.rows += len(curve.epoch)
            yield trial, curve


def _as_csv(curves: Curves, metrics: Sequence[str], stream: IO[bytes], own: bool) -> None:
    # Of ids and numbers nothing needs quotes. A frame's own way takes many times as long.
    rate = () if own else ("learning_rate",)
    stream.write((",".join(["trial", "epoch", *metrics, *rate, "seconds"]) + "\n").encode())
    for trial, curve in curves:
        if curve.epoch:
            rates = (getattr(curve, name) for name in rate)
            columns = [curve.epoch, *map(curve.metric, metrics), *rates, curve.seconds]
            stream.write(_csv_rows(f"{trial},".encode(), tuple(zip(*columns, strict=True))))


def _csv_rows(start: bytes, rows: Sequence[tuple[float | None, ...]]) -> bytes:
    """Return lines of numbers as Python writes them, nothing for None, each after the same start."""
    text = orjson.dumps(rows)
    # Python writes very small and very large numbers otherwise: with an exponent, and that with two digits.
    if b"e" in text or b"0.0000" in text:
        return b"".join(start + ",".join(map(_number_text, row)).encode() + b"\n" for row in rows)
    lines = start + text[2:-2].replace(b"],[", b"\n" + start) + b"\n"
    return lines.replace(b"null", b"") if b"null" in text else lines


def _number_text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _as_json(curves: Curves, metrics: Sequence[str], stream: IO[bytes], own: bool) -> None:
    between = b"["
    for frame in _frames(curves, metrics, own):
        text = frame.to_json(orient="records", indent=2, double_precision=15) or ""
        stream.write(between + text.removeprefix("[").removesuffix("\n]").encode())
        between = b","
    stream.write(b"\n]\n")


def _as_parquet(curves: Curves, metrics: Sequence[str], stream: IO[bytes], own: bool) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    tables = (pa.Table.from_pandas(frame, preserve_index=False) for frame in _frames(curves, metrics, own))
    waiting = [next(tables)]
    with parquet.ParquetWriter(stream, waiting[0].schema) as writer:
        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= _GROUP:
                whole = pa.concat_tables(waiting)
                writer.write_table(whole.slice(0, _GROUP), row_group_size=_GROUP)
                waiting = [whole.slice(_GROUP)]
        writer.write_table(pa.concat_tables(waiting), row_group_size=_GROUP)


def _frames(curves: Curves, metrics: Sequence[str], own: bool) -> Iterator[pd.DataFrame]:
    """Yield the epochs as frames, at least one: an empty one tells of the columns."""
    part: list[tuple[str, LineageCurve]] = []
    rows = given = 0
    for trial, curve in curves:
        part.append((trial, curve))
        rows += len(curve.epoch)
        if rows >= _ROWS:
            yield curves_frame(part, metrics, own=own)
            part, rows, given = [], 0, given + 1
    if rows or not given:
        yield curves_frame(part, metrics, own=own)
