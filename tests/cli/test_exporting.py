"""Settings that are lists, null or text are in files what they are in the job."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from gridsearch.analysis.ranking import TableOptions, ranked, table
from gridsearch.cli.exporting import write
from tests.analysis.grids import grid

DATA = grid({"shape": [[1, -2], [1, 2], []], "dropout": [None, 0.5], "act": [None, "", "b"]}, lambda point: 0.5)
FIRST = ["shape", "dropout", "act"]


def test_json(tmp_path: Path) -> None:
    write(DATA.trials, "json", tmp_path / "a.json")
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [rows[place]["shape"] for place in (0, 6, 12)] == [[1, -2], [1, 2], []]
    assert [rows[place]["dropout"] for place in (0, 3)] == [None, 0.5]
    assert [row["act"] for row in rows[:3]] == [None, "", "b"]


def test_parquet(tmp_path: Path) -> None:
    write(DATA.trials, "parquet", tmp_path / "a.parquet")
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert [list(frame["shape"][place]) for place in (0, 6, 12)] == [[1, -2], [1, 2], []]
    assert pd.isna(frame["act"][0]) and frame["act"][1] == ""


@pytest.mark.parametrize(
    "values", [[[1], [0.5, 2]], [["a", "b"], None], [[1], ["1"], None, []], [[True], None], [[[1]], [["a"]], []]]
)
def test_any_lists_go_into_parquet(tmp_path: Path, values: list[object]) -> None:
    write(grid({"own": values}, lambda point: 0.5).trials, "parquet", tmp_path / "a.parquet")
    assert len(pd.read_parquet(tmp_path / "a.parquet")) == len(values)


def test_csv_and_tables_read_each_value_in_its_own_way(tmp_path: Path) -> None:
    write(DATA.trials, "csv", tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)
    assert frame["shape"].unique().tolist() == ["[1, -2]", "1-2", "[]"]
    assert frame["act"].unique().tolist() == ["null", "none", "b"]
    cells = [row.cells for row in table(DATA, TableOptions(top=99, columns=FIRST)).rows]
    assert len(set(cells)) == 18
    assert {cell[1:] for cell in cells} == {(a, b) for a in ("null", "0.5") for b in ("null", "none", "b")}
    values = [row.values for row in table(DATA, TableOptions(top=1, columns=FIRST, apart=True)).first]
    assert values == [([1, -2], None, None)]


@pytest.mark.parametrize("column", ["shape", "dropout", "act"])
def test_any_column_sorts(column: str) -> None:
    assert len(ranked(DATA, TableOptions(sort=(column,)))) == 18
    fixed = grid({"neurons": [1, 2]}, lambda point: 0.5, defaults={"dense": [1, 2], "act": None})
    assert len(ranked(fixed, TableOptions(sort=("dense", "act")))) == 2


def test_what_a_trials_model_does_not_have_is_an_empty_cell(tmp_path: Path) -> None:
    data = grid({"act": ["relu", None]}, lambda point: 0.5)
    first, second = data.trials["trial"]
    write(data.trials, "csv", tmp_path / "a.csv", {"act": {first}})
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = {row["trial"]: row["act"] for row in csv.DictReader(stream)}
    assert rows == {first: "", second: "null"}
