"""`gridsearch watch`: in a pipe, in terminals of three widths, and beside a launch."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gridsearch.analysis.following import Follower
from gridsearch.cli.commands.watch import _fitted as fitted
from gridsearch.cli.render.sweep import sweep_lines
from gridsearch.store.reader import NoStoreError, Reader
from tests.cli.paced import hurry, write_paced
from tests.cli.program import command, environment, refused, run
from tests.visualization.stores import filled_store


@pytest.mark.parametrize("width", [None, 60, 80, 120])
def test_it_keeps_to_the_width(tmp_path: Path, width: int | None) -> None:
    with filled_store(tmp_path / "results.db", "small", failing=True) as store:
        launch = store.open_launch("small", "host", os.getpid(), 1.0, 2)
        told = sweep_lines(Follower(store, "small").look(), width=width)
        store.close_launch(launch, "complete")
    text = "\n".join(told)
    assert width is None or max(map(len, told)) <= width
    assert "10/12 ended: 10 completed, 2 failed" not in text  # failed ones have ended too
    assert "12/12 ended: 10 completed, 2 failed" in text
    assert re.search(r"best +val_accuracy 0\.6400", text)
    assert "failed    2 trials: RuntimeError: no memory" in text
    assert "2 workers" in text and "▁" in text and "█" in text


def test_in_a_pipe_it_prints_once(tmp_path: Path) -> None:
    refused(run(tmp_path, "watch"), "there is no store")
    filled_store(tmp_path / "results.db", "small", "other").close()
    ended = run(tmp_path, "watch", "small")
    assert (ended.code, ended.err) == (0, "") and ended.out.startswith("small  (")
    refused(run(tmp_path, "watch", "smal"), "no job 'smal'")
    assert run(tmp_path, "watch").out.startswith("other  (")


@pytest.mark.slow
def test_in_a_terminal_it_follows_a_launch_and_ends_with_it(tmp_path: Path) -> None:
    write_paced(tmp_path)
    training = subprocess.Popen(
        command("launch", "small.yaml", "--inline", "--pack", "off", "--keep", "none"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 90
        while "1 worker, at work" not in run(tmp_path, "watch", "--once").out:
            assert time.monotonic() < end
        watching, screen = in_terminal(tmp_path)
        seen = read_until(screen, "in training")
        assert "at work" in seen and "epochs/s" in seen
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130
        watching, screen = in_terminal(tmp_path)
        read_until(screen, "in training")
        hurry(tmp_path)
        assert training.wait(90) == 0
        assert "8/8 ended: 8 completed" in read_until(screen, "8/8 ended")
        assert watching.wait(20) == 0
    finally:
        hurry(tmp_path)
        training.kill()
        training.wait()


def in_terminal(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start it in a terminal of 80 columns; return it and the terminal's other end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        command("watch"), cwd=folder, env=environment(TERM="xterm"), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    return process, ours


def read_until(screen: int, words: str) -> str:
    seen, end = "", time.monotonic() + 90
    while words not in seen:
        assert time.monotonic() < end, seen
        if select.select([screen], [], [], 0.5)[0]:
            seen += os.read(screen, 65536).decode(errors="replace")
    return seen


def test_what_a_terminal_has_no_room_for_is_counted(tmp_path: Path) -> None:
    with filled_store(tmp_path / "results.db", "small", failing=True) as store:
        found = [Follower(store, "small").look()]
    whole = fitted(found, 40, 100)
    assert "more lines" not in whole[-1] and max(map(len, whole)) <= 40
    for room in (6, 9):
        told = fitted(found, 40, room)
        assert len(told) == room and re.fullmatch(r"  \d+ more lines: enlarge the terminal", told[-1])
    busy = replace(found[0], training=6)
    lines = sweep_lines(busy, width=80)
    assert sum("in training" in line or "under way" in line for line in lines) == 1
    assert any("6 under way" in line for line in lines)


def test_a_store_that_was_moved_away_is_gone_and_not_yet_to_come(tmp_path: Path) -> None:
    filled_store(tmp_path / "results.db", "small").close()
    reader = Reader(tmp_path / "results.db")
    assert reader.read(lambda store: store.job("small").name) == "small"
    (tmp_path / "results.db").rename(tmp_path / "moved.db")
    with pytest.raises(NoStoreError, match=r"results\.db is gone"):
        reader.read(lambda store: store.job("small"))
    with pytest.raises(NoStoreError, match="there is no store .* yet"):
        Reader(tmp_path / "never.db").read(lambda store: store.job("small"))
    (tmp_path / "moved.db").rename(tmp_path / "results.db")
    assert reader.read(lambda store: store.job("small").name) == "small"
    reader.close()
