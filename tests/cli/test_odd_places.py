"""Commands whose output goes to odd places, in odd encodings, and whose files have odd names."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.program import JOB, command, environment, run

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job with repeats, whose file and store have names that are no text."""
    folder = tmp_path_factory.mktemp("trained")
    name = os.fsdecode(b"caf\xe9")
    (folder / f"{name}.yaml").write_text(JOB + "repeats: 2\n")
    ended = run(folder, "launch", f"{name}.yaml", "--inline", "--store", f"{name}.db", "-o", f"{name}-pages")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == ["caf\\xe9-pages/small.html", "caf\\xe9-pages/index.html"]
    (folder / f"{name}.db").rename(folder / "results.db")
    return folder


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
@pytest.mark.parametrize("arguments", [["top", "small"], ["show", ""], ["status"]], ids=lambda found: found[0])
def test_output_falls_back_to_the_letters_there_are(trained: Path, encoding: str, arguments: Sequence[str]) -> None:
    given = [argument or _trial(trained) for argument in arguments]
    done = subprocess.run(
        command(*given), cwd=trained, env=environment(PYTHONIOENCODING=encoding), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert ("-----" if arguments[0] == "top" else "small" if arguments[0] == "status" else "completed") in text


def _trial(folder: Path) -> str:
    return run(folder, "top", "small", "-f", "csv", "--columns", "trial", "--each").out.split()[1]


@pytest.mark.skipif(not FULL.exists(), reason="NOT TESTED: a full disk; this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["top", "small"], ["--help"], ["export", "small"], []], ids=" ".join)
def test_output_that_finds_no_room_is_one_line(trained: Path, arguments: Sequence[str], unbuffered: str) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            command(*arguments),
            cwd=trained,
            env=environment(PYTHONUNBUFFERED=unbuffered),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "No space left on device" in line) == (2, True)


def test_an_export_to_a_link_writes_what_it_leads_to_and_no_other_file(trained: Path) -> None:
    (trained / "victim").write_text("precious")
    (trained / "x.csv.tmp").symlink_to("victim")
    (trained / "link.csv").symlink_to("real.csv")
    assert run(trained, "export", "small", "-o", "x.csv").code == 0
    assert run(trained, "export", "small", "-o", "link.csv").code == 0
    assert (trained / "victim").read_text() == "precious"
    assert (trained / "link.csv").is_symlink()
    assert (trained / "real.csv").read_text() == (trained / "x.csv").read_text()
    ended = run(trained, "export", "small", "-f", "csv", "-o", "/dev/stdout")
    assert (ended.code, ended.out) == (0, (trained / "x.csv").read_text())


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_change_nothing(trained: Path, closed: str) -> None:
    line = " ".join(map(shlex.quote, command("verify")))
    assert (
        subprocess.run(["sh", "-c", f"exec {line} {closed}"], cwd=trained, env=environment(), check=False).returncode
        == 0
    )
