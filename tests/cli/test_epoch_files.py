"""Epochs are written as they are read, and the file is the one that a single table would have made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gridsearch.analysis.frames import curves_frame
from gridsearch.cli import epoch_files
from gridsearch.cli.epoch_files import _csv_rows, write_epochs
from gridsearch.cli.exporting import write
from gridsearch.config.metrics import METRICS
from gridsearch.errors import StoreDamagedError
from gridsearch.store.rows import EpochRow, LineageCurve


def curves(lengths: Sequence[int]) -> list[tuple[str, LineageCurve]]:
    """Return curves of so many epochs, of all kinds of numbers; every seventh number is missing."""
    made = []
    for place, length in enumerate(lengths):
        own = [
            [
                None if (place + epoch + slot) % 7 == 6 else (1 + place) / 3 * 10.0 ** (slot * 9 - 18)
                for slot in range(4)
            ]
            for epoch in range(length)
        ]
        rows = [EpochRow("lineage", epoch, *numbers, 1e-05, 0.1 + epoch) for epoch, numbers in enumerate(own)]
        made.append((f"{place:064x}", LineageCurve.of("lineage", rows)))
    return made


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("lengths", [[], [0, 0], [3], [5, 0, 4, 1, 0], [2] * 9 + [0] * 9])
def test_the_bytes_are_those_of_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, lengths: list[int]
) -> None:
    monkeypatch.setattr(epoch_files, "_ROWS", 4)
    made = curves(lengths)
    assert write(curves_frame(made), kind, tmp_path / "whole") == sum(lengths)
    assert write_epochs(iter(made), METRICS, kind, tmp_path / "streamed") == sum(lengths)
    assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_large_parquet_file_has_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    monkeypatch.setattr(epoch_files, "_ROWS", 4)
    monkeypatch.setattr(epoch_files, "_GROUP", 10)
    made = curves([3] * 11)
    write_epochs(iter(made), METRICS, "parquet", tmp_path / "a.parquet")
    groups = parquet.ParquetFile(tmp_path / "a.parquet").metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [10, 10, 10, 3]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), curves_frame(made))


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_what_cannot_be_read_to_its_end_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], kind: str
) -> None:
    monkeypatch.setattr(epoch_files, "_ROWS", 4)

    def damaged() -> Iterator[tuple[str, LineageCurve]]:
        yield from curves([4, 4, 4])
        raise StoreDamagedError("epochs 1/2 is not what was written")

    target = tmp_path / "epochs"
    target.write_bytes(b"before")
    for output in (target, None):
        with pytest.raises(StoreDamagedError, match="epochs 1/2"):
            write_epochs(damaged(), METRICS, kind, output)
    assert (target.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"before", ["epochs"])
    assert capfdbinary.readouterr().out == b""


def test_whole_numbers_and_absent_ones(tmp_path: Path) -> None:
    curve = LineageCurve.of("lineage", [EpochRow("lineage", 0, None, 1.0, 1e16, 1e-07, 0.1, 2.0)])
    write_epochs([("a" * 64, curve)], METRICS, "csv", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        ",".join(["trial", "epoch", *METRICS, "learning_rate", "seconds"]),
        f"{'a' * 64},0,,1.0,1e+16,1e-07,0.1,2.0",
    ]
    write_epochs([("a" * 64, curve)], METRICS, "json", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())[0]["train_loss"] is None


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=6))
@example([1e-05, 1.5e-05, 0.0001, 1e16, 9999999999999998.0, 1e22, 5e-324, -0.0, 0.00009999999999999999, None])
def test_numbers_are_written_as_python_writes_them(numbers: list[float | None]) -> None:
    rows = [(epoch, number, 0.1) for epoch, number in enumerate(numbers)]
    texts = ["" if number is None else repr(number) for number in numbers]
    lines = "".join(f"t,{epoch},{text},0.1\n" for epoch, text in enumerate(texts))
    assert _csv_rows(b"t,", rows) == lines.encode()
    for row, line in zip(rows, lines.splitlines(keepends=True), strict=True):
        assert _csv_rows(b"t,", [row]) == line.encode()
