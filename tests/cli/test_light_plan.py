"""A plan that trains nothing tries no model, and so imports no torch; one that trains does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gridsearch.engine.prepare.preparation import preflight
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, launch, prepared

PLAN = """
import sys
from gridsearch.cli.start import main
sys.argv = ["gridsearch", "plan", "small.yaml", *sys.argv[1:]]
try:
    main()
finally:
    print("torch" in sys.modules)
"""


def planned(folder: Path, *options: str) -> tuple[str, bool]:
    """Return what a plan prints, and whether torch was imported for it."""
    program = [sys.executable, "-c", PLAN, *options]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    *lines, imported = done.stdout.strip().splitlines()
    return "\n".join(lines), imported == "True"


@pytest.mark.slow
def test_a_plan_without_anything_to_train_needs_no_torch(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    launch(prepared(tmp_path), tmp_path / "results.db")
    plan, imported = planned(tmp_path)
    assert "nothing to train" in plan and not imported
    plan, imported = planned(tmp_path, "--set", "neurons=[1, 77]")
    assert "nothing to train" not in plan and imported


def test_what_has_a_result_is_not_tried_again_and_the_same_is_found(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    launch(job, tmp_path / "results.db")
    with open_store(tmp_path / "results.db") as store:
        again = preflight(job, store)
    assert again.dooms == job.dooms and again.remarks == job.remarks and again.grid == job.grid
