"""`gridsearch figures`: files for a paper, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import refused, run
from tests.visualization.browser import needs_browser
from tests.visualization.stores import filled_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("figures")
    filled_store(made / "results.db", "wide").close()
    return made


def test_bad_input_is_one_line(folder: Path) -> None:
    refused(run(folder, "figures", "wide", "--width", "20"), "--width 20: write column, page, or millimetres from 50")
    refused(run(folder, "figures", "wid"), "no job 'wid' in the store (did you mean 'wide'?)")
    refused(run(folder, "figures", "wide", "-f", "jpg"), "'jpg' is not one of 'svg', 'pdf', 'png'")
    refused(
        run(folder, "figures", "wide", BROWSER_PATH="/nonexistent"), "no Chromium or Chrome was found", "$BROWSER_PATH"
    )
    assert not (folder / "figures").exists()


@pytest.mark.slow
@needs_browser("`figures`")
def test_all_figures_are_written(folder: Path) -> None:
    ended = run(folder, "figures", "wide", "-o", "paper", "--width", "page")
    assert ended.code == 0, ended.err
    written = ended.out.split()
    assert "paper/wide-scatter.svg" in written and "paper/wide-effects.svg" in written
    assert sorted(written) == sorted(str(path.relative_to(folder)) for path in (folder / "paper").iterdir())
    assert all((folder / path).read_text().startswith("<svg") for path in written)
