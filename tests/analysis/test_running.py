"""How a job was run, as its store knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pandas as pd

from gridsearch.analysis.running import MOST_LAUNCHES, commit_text, launches_frame, running
from gridsearch.store.rows import LaunchRow, Origin
from tests.analysis.grids import SHALLOW, START, grid, shallow_score

COMMIT = "5a1c04be3d29f8e1c2d3" * 2


def launch(number: int, origin: Origin, *, ended: bool = True) -> LaunchRow:
    at = START + timedelta(hours=number)
    end, outcome = (at + timedelta(minutes=5), "complete") if ended else (None, None)
    return LaunchRow(number, "shallow", "host", 1, 1.0, 0, 2, at, end, outcome, origin=origin)


def test_a_commit_is_told_with_what_is_known_of_its_files() -> None:
    assert commit_text(Origin("gridsearch launch a.yaml")) == ""
    assert commit_text(Origin(commit=COMMIT, clean=True)) == "5a1c04be3d29, unchanged"
    assert commit_text(Origin(commit=COMMIT, clean=False)) == "5a1c04be3d29, with changes"
    assert commit_text(Origin(commit=COMMIT)) == "5a1c04be3d29, not known whether unchanged"


def test_launches_are_a_table_with_where_they_came_from() -> None:
    known = Origin(
        "gridsearch launch a.yaml", COMMIT, clean=False, versions=(("gridsearch", "0.1"), ("Python", "3.11"))
    )
    data = replace(
        grid(SHALLOW, shallow_score, name="shallow"),
        launches=(launch(1, Origin()), launch(2, known, ended=False)),
    )
    frame = launches_frame(data)
    assert frame["outcome"].tolist()[0] == "complete" and pd.isna(frame["outcome"][1]) and pd.isna(frame["ended"][1])
    assert frame[["command", "git_commit", "git_clean"]].values.tolist()[1] == [known.command, COMMIT, False]
    assert frame[["command", "git_commit", "git_clean"]].isna().to_numpy()[0].all()
    assert frame["versions"].tolist()[1] == "gridsearch 0.1, Python 3.11" and pd.isna(frame["versions"][0])
    assert dict(running(data).facts)["Versions"] == "gridsearch 0.1, Python 3.11"
    assert "Versions" not in dict(running(replace(data, launches=data.launches[:1])).facts)
    assert launches_frame(replace(data, launches=())).columns.tolist() == frame.columns.tolist()
    many = replace(data, launches=tuple(launch(n, known) for n in range(MOST_LAUNCHES + 3)))
    assert running(many).left_out == 3 and running(many).launches == many.launches[3:]
