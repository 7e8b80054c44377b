"""Folders of several processes beside each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gridsearch.engine.run.own_folder import OwnFolder

_DIES = """
import os, sys
from pathlib import Path
from gridsearch.engine.run.own_folder import OwnFolder
folder = OwnFolder(Path(sys.argv[1]), "tune")
(folder.path / "state").write_text("")
os._exit(9)
"""


def test_what_a_dead_process_left_goes_and_what_a_living_one_uses_stays(tmp_path: Path) -> None:
    living = OwnFolder(tmp_path, "tune")
    (living.path / "state").write_text("in use")
    assert subprocess.run([sys.executable, "-c", _DIES, str(tmp_path)], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 2
    next_one = OwnFolder(tmp_path, "tune")
    assert set(tmp_path.iterdir()) == {living.path, next_one.path}
    assert (living.path / "state").read_text() == "in use"
    living.remove()
    next_one.remove()
    assert not list(tmp_path.iterdir())
