"""`gridsearch report`: a job as one document, with the numbers of the other commands, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gridsearch.analysis.labels import brief_text, score_text, share_text
from tests.cli.program import refused, run
from tests.visualization.stores import filled_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    filled_store(made / "results.db", "wide", failing=True).close()
    return made


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    """The document without figures, as Markdown with its escapes taken back."""
    ended = run(folder, "report", "wide", "-o", "plain", "--no-figures")
    assert (ended.code, ended.out) == (0, "plain/wide.md\n"), ended
    assert [path.name for path in (folder / "plain").iterdir()] == ["wide.md"]
    return re.sub(r"\\([][\\`*<>|&~$_])", r"\1", (folder / "plain/wide.md").read_text())


def test_the_best_and_the_worst_are_those_of_top(folder: Path, text: str) -> None:
    rows = json.loads(run(folder, "top", "wide", "-f", "json").out)
    for row in rows:
        told = f"| {row['rank']} | {row['trial'][:8]} | {score_text(row['val_accuracy'])} | {row['epochs']} |"
        assert told in text
    assert f"The best validation accuracy is **{brief_text(rows[0]['val_accuracy'])}**" in text


def test_what_matters_is_that_of_effects(folder: Path, text: str) -> None:
    found = json.loads(run(folder, "effects", "wide", "-f", "json").out)
    assert found["axes"]
    for axis in found["axes"]:
        assert (
            f"| {axis['name'].replace('_', ' ')} | {share_text(axis['share'])} | {share_text(axis['total'])} |" in text
        )
        for value in axis["values"]:
            assert f"| {value['text']} | {value['n']} | {score_text(value['mean'])} |" in text
        first, last = axis["values"][0], axis["values"][-1]
        assert (
            f"from {brief_text(first['mean'])} at {first['text']} to {brief_text(last['mean'])} at {last['text']}"
            in text
        )
    assert f"{found['n']} trials have a score, {brief_text(found['mean'])} in the mean" in text


def test_what_to_try_next_is_that_of_advise(folder: Path, text: str) -> None:
    found = json.loads(run(folder, "advise", "wide", "--format", "json").out)
    assert {one["code"] for one in found} >= {"failed", "one-draw"}
    for one in found:
        # A name that begins the sentence is set as code.
        assert one["seen"].partition(" ")[2] in text and one["why"][1:] in text
        assert not one["run"] or f"```bash\n{one['run']}\n```" in text
    tied = next((one["seen"] for one in found if one["code"] == "tie"), "")
    assert tied.partition(";")[0] in text.partition("## Along")[0]


def test_a_store_elsewhere_is_named_in_every_command(folder: Path) -> None:
    (folder / "other").mkdir()
    ended = run(folder / "other", "report", "wide", "--no-figures", "-f", "tex", "--store", "../results.db")
    assert (ended.code, ended.out) == (0, "reports/wide.tex\n")
    commands = re.findall(r"\{(gridsearch .*)\}", (folder / "other/reports/wide.tex").read_text())
    assert len(commands) >= 3 and all(one.endswith(r"\hyphen{}-store ../results.db") for one in commands)


def test_tables_and_text_alone_need_no_plotly(folder: Path) -> None:
    program = (
        "import sys; sys.argv = ['gridsearch', 'report', 'wide', '--no-figures', '-o', 'light'];"
        "from gridsearch.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print(*sorted({'torch', 'ray', 'plotly', 'kaleido'} & set(sys.modules)))"
    )
    # A process of its own: those of `run` have made their imports already.
    ended = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert ended.stdout == "light/wide.md\n\n", ended


def test_bad_input_is_one_line(folder: Path) -> None:
    refused(run(folder, "report", "wid"), "no job 'wid' in the store (did you mean 'wide'?)")
    refused(run(folder, "report", "wide", "-f", "pdf"), "'pdf' is not one of 'md', 'tex', 'html'")
    (folder / "file").write_text("")
    refused(run(folder, "report", "wide", "-o", "file", "--no-figures"), "file")
    told = ("no Chromium or Chrome was found", "--no-figures writes tables and text alone")
    refused(run(folder, "report", "wide", "-o", "none", BROWSER_PATH="/nonexistent"), *told)
    assert not (folder / "none").exists()
