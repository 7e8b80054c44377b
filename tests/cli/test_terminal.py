"""What a person sees of a launch in a terminal, a pseudo one of 80 by 24."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from gridsearch import paths
from tests.cli.paced import write_paced
from tests.cli.program import command, environment
from tests.engine.launching import launch, prepared, table

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def shown(folder: Path, *arguments: str, columns: int = 80) -> str:
    """Run a command in a terminal, and return all that it wrote there, a line feed for each control sequence."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        command(*arguments), cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment(TERM="xterm-256color"), start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            written += os.read(ours, 65536)
        except OSError:  # the last who had it open has ended
            break
    os.close(ours)
    assert process.wait(timeout=60) == 0, written.decode()
    return _CONTROL.sub("\n", written.decode())


def test_ids_are_whole_where_a_line_has_room_for_them(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "results.db")
    trial = next(iter(table(tmp_path / "results.db")))
    for columns, first in ((60, trial[:8]), (80, trial)):
        lines = shown(tmp_path, "show", trial[:8], columns=columns).splitlines()
        assert lines[0] == f"trial {first}"
        assert max(map(len, lines)) <= columns


def test_doctor_keeps_to_the_terminal(tmp_path: Path) -> None:
    lines = shown(tmp_path, "doctor", "--data-dir", "data", columns=60).splitlines()
    assert len(lines) > 8 and all(len(line) <= 60 or len(line.split()) == 1 for line in lines)  # a path is one word


@pytest.mark.slow
@pytest.mark.parametrize("how", [["--workers", "1"], ["--inline"]], ids=["ray", "inline"])
def test_a_launch_shows_what_it_waits_for_and_then_a_bar(tmp_path: Path, how: list[str]) -> None:
    write_paced(tmp_path, slow=False)
    model = tmp_path / "paced.py"
    model.write_text(
        model.read_text().replace(
            "        return super()", "        print('babble', flush=True)\n        return super()"
        )
    )
    text = shown(tmp_path, "launch", "small.yaml", "--no-dashboard", *how)
    lines = [line.strip() for line in text.splitlines()]
    # What is there to be copied stands unbroken.
    assert max(len(line) for line in lines if not line.startswith("gridsearch ")) <= 80
    waits = [line.split(" · ")[0] for line in lines if line.startswith("small: ") and " · " in line]
    assert list(dict.fromkeys(waits))[:2] == ["small: loading torch", "small: loading data"]
    if how != ["--inline"]:  # where it may take no time
        assert "small: trying models, starting Ray" in waits
    assert "━" in text and any(line.startswith("starting workers · ") for line in lines)
    assert not re.search(r"trials \d+/\d+ · epochs", text), "the lines that are for pipes"
    assert "babble" not in text
    ended = next(place for place, line in enumerate(lines) if line.startswith("small: best val_accuracy "))
    assert lines[ended - 1].startswith("small: ") and "completed in" in lines[ended - 1]
    if how == ["--inline"]:
        assert "babble" in (paths.scratch_dir(tmp_path / "results.db") / "inline.log").read_text()
