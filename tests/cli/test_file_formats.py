"""A file's name and the format asked for: each tells, and they never contradict each other in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.cli.exporting import export_format
from gridsearch.cli.file_formats import check_suffix
from gridsearch.cli.render import tables
from gridsearch.errors import GridsearchError

Format = tables.Format


@pytest.mark.parametrize(
    ("asked", "name", "meant"),
    [
        (None, None, Format.TABLE),
        (Format.MD, None, Format.MD),
        (None, "a.csv", Format.CSV),
        (None, "a.TEX", Format.LATEX),
        (None, "a.markdown", Format.MD),
        (None, "a.txt", Format.TABLE),
        (None, "table", Format.TABLE),
        (Format.CSV, "a.csv", Format.CSV),
        (Format.LATEX, "a.txt", Format.LATEX),
        (Format.CSV, "/dev/stdout", Format.CSV),
        (Format.JSON, "a.b.dat", Format.JSON),
    ],
)
def test_a_table_has_the_format_that_is_asked_for_or_that_its_file_tells(
    asked: Format | None, name: str | None, meant: Format
) -> None:
    assert tables.format_of(asked, Path(name) if name else None) is meant


@pytest.mark.parametrize(
    ("asked", "name", "said"),
    [
        (Format.CSV, "a.json", "--format csv, and --output a.json ends in .json: use only one of them, or name it"),
        (Format.LATEX, "a.md", "use only one of them, or name it .tex"),
        (Format.TABLE, "a.png", "--format table, and --output a.png ends in .png"),
        (None, "a.png", "--output a.png: it cannot be written as .png; let the name end in .txt, .json, .csv, .md"),
        (None, "a.parquet", "it cannot be written as .parquet"),
        (None, "a.dat", "--output a.dat: which format? let the name end in"),
    ],
)
def test_a_name_that_tells_another_format_is_refused(asked: Format | None, name: str, said: str) -> None:
    with pytest.raises(GridsearchError) as refused:
        tables.format_of(asked, Path(name))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_exports_and_models() -> None:
    assert export_format(None, Path("a.parquet")) == "parquet"
    assert export_format("csv", Path("a.txt")) == "csv"
    with pytest.raises(GridsearchError, match=r"--format csv, and --output x\.parquet ends in \.parquet"):
        export_format("csv", Path("x.parquet"))
    with pytest.raises(GridsearchError, match=r"cannot be written as \.md; let the name end in \.csv, \.json or"):
        export_format(None, Path("x.md"))
    with pytest.raises(GridsearchError, match="format 'cvs' is not known .did you mean 'csv'"):
        export_format("cvs", None)
    check_suffix(Path("best.onnx"), "onnx", "--onnx")
    check_suffix(Path("best"), "onnx", "--onnx")
    with pytest.raises(GridsearchError, match=r"--onnx best\.csv: the name ends in \.csv; name it \.onnx"):
        check_suffix(Path("best.csv"), "onnx", "--onnx")
