import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

import gridsearch
from gridsearch.analysis.filtering import TableError
from gridsearch.errors import GridsearchError, StoreError
from gridsearch.notebook import Results
from gridsearch.store.rows import Evaluation
from tests.visualization.stores import AXES, filled_store


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    filled_store(tmp_path / "results.db", "shallow", "deep", failing=True).close()
    with gridsearch.open(tmp_path / "results.db") as opened:
        yield opened


def test_importing_the_package_is_cheap() -> None:
    code = "import gridsearch, sys; print(*{'pandas', 'plotly', 'sqlalchemy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert "open" in dir(gridsearch)
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        _ = gridsearch.opne  # type: ignore[attr-defined]


def test_jobs_of_a_store(results: Results) -> None:
    jobs = results.jobs().set_index("job")
    assert set(jobs.index) == {"shallow", "deep"}
    assert jobs.loc["shallow", ["trials", "results"]].tolist() == [12, 10]
    assert jobs.loc["shallow", "best"] == pytest.approx(0.64)
    assert isinstance(jobs["updated"].iloc[0], pd.Timestamp)
    assert repr(results).startswith("<gridsearch store results.db: ")


def test_tables_of_a_job(results: Results) -> None:
    job = results.job("shallow")
    assert len(job.trials()) == 12 and list(job.trials().columns[2:5]) == list(AXES)
    assert len(job.epochs()) == 5 * (2 + 3)
    assert job.top(3)["val_accuracy"].tolist() == pytest.approx([0.64, 0.63, 0.62])
    assert job.bottom(2).index.tolist() == [9, 10]
    assert job.top(2, filter="neurons == 5", columns=["neurons", "score"])["neurons"].tolist() == [5, 5]
    assert job.correlation().loc["epochs", "val_accuracy"] > 0.9
    assert job.correlation(method="spearman").shape == (4, 4)
    assert job.timing("neurons").columns.tolist() == [
        "neurons",
        "trainings",
        "ms_per_step",
        "seconds_per_epoch",
        "trained_together",
    ]
    assert job.trials()["seconds_per_epoch"].dropna().unique().tolist() == [1.0]


def test_changing_a_table_changes_nothing_else(results: Results) -> None:
    job = results.job("shallow")
    frame = job.trials()
    frame["score"] = 0.0
    assert job.top(1)["val_accuracy"].iloc[0] == pytest.approx(0.64)


def test_figures_of_a_job(results: Results, tmp_path: Path) -> None:
    job = results.job("shallow")
    assert len(job.figures.correlation("spearman").layout.annotations) == 16
    assert len(job.figures.scatter(x="learning_rate", color="neurons").data) == 3
    assert len(job.figures.curves(log=True).data) == 27
    assert [t.name for t in job.figures.comparison("neurons", "val_accuracy", training=False).data] == ["5", "10", "20"]
    page = job.dashboard(tmp_path / "pages" / "mine.html")
    assert page.read_text(encoding="utf-8").count("<h1>shallow</h1>") == 1
    report = job.report(tmp_path / "report", format="tex", figures=False)
    assert report == tmp_path / "report" / "shallow.tex" and r"\end{document}" in report.read_text()
    with pytest.raises(GridsearchError, match="format 'docx' is not known"):
        job.report(tmp_path, format="docx")
    with pytest.raises(TableError, match="did you mean 'neurons'"):
        job.figures.scatter(x="neuron")


def test_evaluations_of_a_job(tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "shallow") as store:
        first, second = (row.trial_id for row in store.ranking("shallow", "val_accuracy", 2, highest=True))
        for trial, counts in ((second, ((5, 0), (1, 4))), (first, ((4, 1), (0, 5)))):
            store.put_evaluation(Evaluation(trial, 2, 0.4, ("a", "b"), counts, 1.0))
    with gridsearch.open(tmp_path / "results.db") as opened:
        job, other = opened.job("shallow"), opened.job("shallow")
    assert job.evaluated()["trial"].tolist() == [first, second]
    assert job.evaluated()["test_accuracy"].tolist() == [0.9, 0.9]
    assert job.classes().loc["b", "precision"] == pytest.approx(5 / 6)
    assert job.classes(second[:9]).loc["a", "precision"] == pytest.approx(5 / 6)
    assert other.figures.confusion().data[0].z[0][1] == 0.2
    with pytest.raises(TableError, match="no evaluation of a trial 'zz' yet; run: gridsearch evaluate shallow"):
        job.classes("zz")


def test_a_job_says_what_it_is(results: Results) -> None:
    job = results.job("shallow")
    assert repr(job) == (
        "<gridsearch job 'shallow': 10 of 12 trials have a result, best val_accuracy 0.640000 "
        "(epochs=2, learning_rate=0.01, neurons=10)>"
    )
    assert "axes: epochs, learning_rate, neurons" in repr(job.figures)


def test_what_is_not_there_is_one_line(results: Results, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        results.job("shalow")
    assert "shallow" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(StoreError) as missing:
        gridsearch.open(tmp_path / "none.db")
    assert "none.db" in str(missing.value) and "\n" not in str(missing.value)
    assert not (tmp_path / "none.db").exists()


def test_jobs_are_compared_as_on_the_command_line(tmp_path: Path) -> None:
    for name, apart in (("one.db", 0.01), ("two.db", 0.02)):
        filled_store(tmp_path / name, "wide", "deep", apart=apart).close()
    with gridsearch.open(tmp_path / "one.db") as one, gridsearch.open(tmp_path / "two.db") as two:
        found = one.compare("wide", "deep")
        assert found.settings().empty and list(found.bests().index) == ["wide", "deep"]
        assert (found.cells()["difference"] == 0).all()
        with pytest.raises(TableError, match="no job 'dep' is held against wide \\(did you mean 'deep'\\?\\)"):
            found.cells("dep")
        named = one.job("wide").compare("deep")
        assert named.bests().equals(found.bests()) and named.cells().equals(found.cells())
        with pytest.raises(GridsearchError, match=r"no job 'dep' in the store .*did you mean 'deep'"):
            one.job("wide").compare("dep")
        other = one.job("wide").compare(two.job("wide"))
        assert other.cells()["difference"].max() > 0
        assert len(other.differences().data[0].x) == 12 and len(other.scores().data) == 2
        assert len(other.curves("val_accuracy", training=False).data) >= 2
        assert "wide (" in repr(other)
        assert other.dashboard(tmp_path / "both.html").read_text().startswith("<!DOCTYPE html>")


@pytest.fixture
def cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], str]]:
    """What a notebook shows of a cell that raises, without colours."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()

    def run(code: str) -> str:
        assert not shell.run_cell(code).success
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).strip()

    yield run
    shell.history_manager.end_session()


def test_a_mistake_in_a_notebook_is_one_line(results: Results, tmp_path: Path, cell: Callable[[str], str]) -> None:
    (tmp_path / "other.db").write_text("no store")
    opened = (
        f"import gridsearch; store = gridsearch.open({str(tmp_path / 'results.db')!r}); job = store.job('shallow'); "
    )
    said = {
        "store.job('shalow')": "StoreError: there is no job 'shalow' in the store (did you mean 'shallow'?)",
        "job.top(2, filter='neuron == 5')": "TableError: filter: ",
        "job.figures.curves('val_f1')": "TableError: unknown metric 'val_f1'",
        "job.classes('ffff')": "TableError: no evaluation",
        f"gridsearch.open({str(tmp_path / 'other.db')!r})": "StoreError: ",
    }
    for code, begins in said.items():
        shown = cell(opened + code)
        assert shown.startswith(begins) and "\n" not in shown


def test_a_mistake_in_a_training_function_says_where_it_was(cell: Callable[[str], str]) -> None:
    function = "def train(trial):\n    trial.report(7, val_f1=0.5)\n"
    shown = cell(f"import gridsearch\n{function}train(gridsearch.Trial.local(epochs=2))")
    assert "in train" in shown and shown.splitlines()[-1].endswith("(0 is the untrained model)")


def test_plain_python_shows_its_traceback(tmp_path: Path) -> None:
    code = f"import gridsearch; gridsearch.open({str(tmp_path / 'none.db')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("Traceback") and "there is no store" in done.stderr
