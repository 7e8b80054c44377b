"""The examples of trainings of one's own: each is launched as its reader would, at a smaller size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.program import run

EXAMPLES = Path(__file__).parents[1] / "examples"
#: By example: what makes its grid small, how many trials it then has, and how good its best must be.
SMALLER = {
    "pytorch": (["space.learning_rate=[0.01]", "space.channels=[8]", "space.epochs=[1, 3]"], 2, 0.5),
    "lightning": (["space.learning_rate=[0.01]", "space.width=[64]"], 1, 0.9),
    "transformers": (["space.learning_rate=[0.003]", "space.layers=[1]"], 1, 0.8),
    "shell": (["space.learning_rate=[0.1, 0.4]", "space.momentum=[0.5]"], 4, -0.01),
    "sklearn": (["space.trees=[20]", "space.features=[sqrt]"], 3, 0.9),
    "lightgbm": (["space.learning_rate=[0.2]", "space.leaves=[7]"], 2, -0.15),
}
_LINES = 60


def test_every_example_is_tested_and_short() -> None:
    folders = {path.name: path for path in EXAMPLES.iterdir() if path.is_dir() and any(path.glob("*.yaml"))}
    assert folders.keys() == SMALLER.keys()
    for folder in folders.values():
        lines = sum(len(file.read_text().splitlines()) for file in folder.iterdir() if file.is_file())
        assert lines <= _LINES, folder.name


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLER)
def test_an_example_is_gridded(name: str, tmp_path: Path) -> None:
    sets, trials, least = SMALLER[name]
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    options = [text for one in sets for text in ("--set", one)]
    ended = run(tmp_path / name, "launch", "job.yaml", "--inline", "--no-dashboard", *options)
    assert ended.code == 0, ended.err
    table = json.loads(run(tmp_path / name, "top", f"example-{name}", "-n", "all", "--format", "json").out)
    assert len(table) == trials
    best = next(value for key, value in table[0].items() if key.startswith("val_"))
    assert (-best if least < 0 else best) >= least
