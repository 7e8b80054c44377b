"""`gridsearch compare`: tables, JSON and pages of jobs in one store and in several, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from gridsearch.config.identity import canonical, lineage_id, trial_id
from gridsearch.store.opening import open_store
from gridsearch.store.rows import NewTrial
from tests.analysis.grids import make_config, make_job
from tests.cli.program import refused, run
from tests.visualization.stores import AXES, filled_store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores with a job of one name: in the second scores lie twice as far apart."""
    folder = tmp_path_factory.mktemp("stores")
    filled_store(folder / "results.db", "wide", "deep").close()
    filled_store(folder / "other.db", "wide", apart=0.02).close()
    return folder


def test_the_terminal_has_the_answer_and_all_tables_and_a_page_is_written(stores: Path) -> None:
    ended = run(stores, "compare", "wide", "deep")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "the best val_accuracy of wide and of deep is the same, 0.6500"
    assert "no setting differs" in lines
    assert "all 12 shared cells are the very same trials in wide and deep" in lines
    assert "0.0000 to 0.0000" not in ended.out and "deep differs" not in ended.out
    heads = run(stores, "compare", "wide", "deep", COLUMNS="80").out
    assert "difference" in heads and "interval_95" not in heads
    assert "page: dashboards/compare-wide-deep.html" in ended.err
    assert "deep against wide, cell by cell" in (stores / "dashboards" / "compare-wide-deep.html").read_text()
    for width in (60, 80, 120):
        told = run(stores, "compare", "wide", "deep", "--table", "bests", COLUMNS=str(width)).out
        assert max(map(len, told.splitlines())) <= width


def test_jobs_of_one_name_in_two_stores(stores: Path) -> None:
    named = run(stores, "compare", "wide", "wide", "--store", "results.db", "--store", "other.db", "-f", "json")
    once = run(stores, "compare", "wide", "--store", "results.db", "--store", "other.db", "-f", "json")
    assert named.out == once.out and named.code == 0, named.err
    found = json.loads(once.out)
    assert found["jobs"] == ["wide (results.db)", "wide (other.db)"]
    (pair,) = found["pairings"]
    with (
        open_store(stores / "results.db", read_only=True) as one,
        open_store(stores / "other.db", read_only=True) as two,
    ):
        theirs = [{row.trial_id: row.val_accuracy for row in store.trials("wide")} for store in (one, two)]
    for cell in pair["cells"]:
        trial = cell["trials"][0]
        assert cell["scores"] == [theirs[0][trial], theirs[1][trial]]
    assert pair["mean"] == pytest.approx(sum(theirs[1].values()) / 12 - sum(theirs[0].values()) / 12)
    said = run(stores, "compare", "wide", "--store", "results.db", "--store", "other.db")
    assert "in the mean" in said.out and "shared cells are the very same" not in said.out


def test_tables_in_every_format(stores: Path) -> None:
    both = ("compare", "wide", "--store", "results.db", "--store", "other.db")
    said = run(stores, *both).out.splitlines()
    assert said[1] == json.loads(run(stores, *both, "-f", "json").out)["cautions"][0]
    assert said[1].startswith("each best was chosen for its score")
    rows = list(csv.DictReader(io.StringIO(run(stores, *both, "-f", "csv").out)))
    assert len(rows) == 12
    assert list(rows[0])[:3] == ["epochs", "learning_rate", "neurons"] and "difference" in rows[0]
    assert run(stores, *both, "--table", "bests", "-f", "latex").out.startswith("\\begin{tabular}{l")
    assert run(stores, *both, "-o", "cells.md").code == 0
    assert (stores / "cells.md").read_text().startswith("| epochs | learning\\_rate |") or (
        stores / "cells.md"
    ).read_text().startswith("| epochs | learning_rate |")
    config = make_config({"epochs": 1, "learning_rate": 0.5, "neurons": 5})
    with open_store(stores / "new.db") as store:
        trial = NewTrial(trial_id(config), lineage_id(config), 1, canonical(config))
        store.put_job("new", make_job(AXES, name="new").spec, "name: new\n", [trial])
    ended = run(stores, "compare", "wide", "new", "--store", "results.db", "--store", "new.db", "-f", "csv")
    assert ended.code == 0 and "no trial of new has a score yet" in ended.err
    assert ended.out == "epochs,learning_rate,neurons,wide,new,difference,low,high\n"
    ended = run(stores, *both, "-o", "own.html")
    assert (ended.code, ended.out) == (0, "") and "page: own.html" in ended.err
    assert (stores / "own.html").read_text().startswith("<!DOCTYPE html>")


def test_a_baseline(stores: Path) -> None:
    with open_store(stores / "results.db", read_only=True) as store:
        trial = store.trials("wide")[0].trial_id
    found = json.loads(run(stores, "compare", "wide", "deep", "--baseline", trial[:8], "-f", "json").out)
    assert found["baseline"]["trial"] == trial
    best = max(cell["scores"][0] for cell in found["pairings"][0]["cells"])
    assert found["bests"][0]["lead"] == pytest.approx(best - found["baseline"]["score"])
    told = run(stores, "compare", "wide", "deep", "--baseline", trial[:8]).out
    assert told.startswith(f"the baseline, trial {trial[:8]} of wide, has ")
    assert "wide_over_baseline" in told


def test_bad_input_is_one_line(stores: Path) -> None:
    refused(run(stores, "compare", "wide"), "one job alone: name another to compare it with")
    refused(run(stores, "compare", "wide", "dep"), "no job 'dep' in the store (did you mean 'deep'?)")
    refused(run(stores, "compare", "wide", "wide"), "job 'wide' is named twice")
    refused(
        run(stores, "compare", "wide", "deep", "--baseline", "zz"), "baseline 'zz': no trial of wide, deep has an id"
    )
    refused(run(stores, "compare", "wide", "deep", "--store", "a.db"), "a.db")
    refused(
        run(stores, "compare", "wide", "deep", "wide", "--store", "results.db", "--store", "other.db"),
        "3 jobs and 2 stores: give one --store for all jobs, or one for each in their order",
    )
    refused(run(stores, "compare", "wide", "deep", "-o", "x.html", "-f", "csv"), "x.html is a page")
    refused(run(stores, "compare", "wide", "deep", "--by", "means"), "means")
    refused(run(stores, "compare", "wide", "deep", "-o", "x.pdf"), ".txt, .json, .csv, .md, .tex or .html")
    refused(run(stores, "compare"), "JOB")
