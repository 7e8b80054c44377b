"""Settings that are lists, null or text are in files what they are in the job."""

from __future__ import annotations

import csv
import io
import json
import re
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


def test_settings_that_are_not_used_have_one_word_in_all_formats(tmp_path: Path) -> None:
    """The frames of a job have an empty text there; what is empty in a file is what a trial does not have."""
    frame = DATA.trials.assign(augment="", freeze="", pretrained="weights.pt")
    for kind in ("csv", "json", "parquet"):
        write(frame, kind, tmp_path / f"a.{kind}")
    rows = json.loads((tmp_path / "a.json").read_text())
    columns = ["augment", "freeze", "pretrained"]
    for read in (
        pd.DataFrame(rows),
        pd.read_csv(tmp_path / "a.csv", keep_default_na=False),
        pd.read_parquet(tmp_path / "a.parquet"),
    ):
        assert read[columns].drop_duplicates().values.tolist() == [["none", "none", "weights.pt"]]
    assert frame["augment"].eq("").all()


@pytest.mark.parametrize(
    "values", [[[1], [0.5, 2]], [["a", "b"], None], [[1], ["1"], None, []], [[True], None], [[[1]], [["a"]], []]]
)
def test_any_lists_go_into_parquet(tmp_path: Path, values: list[object]) -> None:
    write(grid({"own": values}, lambda point: 0.5).trials, "parquet", tmp_path / "a.parquet")
    assert len(pd.read_parquet(tmp_path / "a.parquet")) == len(values)


def test_csv_and_tables_read_each_value_in_its_own_way(tmp_path: Path) -> None:
    write(DATA.trials, "csv", tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)
    assert frame["shape"].unique().tolist() == ["[1, -2]", "[1, 2]", "[]"]
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


#: What R's `type.convert` takes for true or false, and for numbers that are none.
_LOGICAL = {"T", "F", "TRUE", "FALSE", "true", "false", "True", "False", ""}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")


def test_csv_is_read_alike_by_all(tmp_path: Path) -> None:
    axes = {
        "act": ["=1+1", "+a", "-b", "@c", "a,b", 'q"q', "é", "two\nlines", "＝1"],
        "level": [-1, "auto"],
        "shape": [[1, 2], ["a", "é"]],
        "flip": [True, False],
        "rate": [-0.5, 1e-20],
    }
    write(grid(axes, lambda point: 0.5).trials, "csv", tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_bytes()
    # No mark of byte order, which R and Python's csv would take for letters; line ends of one kind.
    assert content.startswith(b"trial,") and b"\r" not in content and content.endswith(b"\n")
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)
    assert rows == frame.to_dict("records")
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in frame.columns)  # R changes none of them
    assert set(frame["act"]) == {"'=1+1", "'+a", "'-b", "'@c", "a,b", 'q"q', "é", "two\nlines", "'＝1"}
    assert set(frame["level"]) == {"-1", "auto"}
    assert [json.loads(cell) for cell in frame["shape"].unique()] == [[1, 2], ["a", "é"]]
    assert set(frame["flip"]) <= _LOGICAL and set(frame["flip"]) == {"True", "False"}
    for column in ("rate", "score", "val_loss", "seconds"):
        assert all(_NUMBER.fullmatch(cell) for cell in frame[column]), column
    typed = pd.read_csv(tmp_path / "a.csv")
    assert typed["flip"].dtype == bool and set(typed["rate"]) == {-0.5, 1e-20}
    cells = [cell for row in rows for name, cell in row.items() if name != "trial"]
    assert not any(cell.startswith(("=", "+", "@", "-", "＝")) for cell in cells if not _NUMBER.fullmatch(cell))
    assert not any(re.fullmatch(r"\d{1,4}[-/]\d{1,4}([-/]\d{1,4})?", cell) for cell in cells)  # no date
