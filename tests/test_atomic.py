from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from gridsearch.atomic import replacing, write, write_named
from gridsearch.regular_files import read_regular


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with replacing(target) as one, replacing(target) as other:
        one.write(b"one")
        other.write(b"other")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_is_left_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), replacing(tmp_path / "file") as stream:
        stream.write(b"half")
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_no_link_that_waits_leads_elsewhere(tmp_path: Path) -> None:
    target, victim = tmp_path / "x.csv", tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in ("x.csv.tmp", "x.csv.partial", ".x.csv.partial"):
        (tmp_path / name).symlink_to(victim)
    write_named(target, b"new")
    write(target, b"newer")
    assert (target.read_bytes(), victim.read_bytes()) == (b"newer", b"precious")
    target.unlink()
    target.symlink_to(victim)
    write(target, b"ours")
    assert (target.is_symlink(), target.read_bytes(), victim.read_bytes()) == (False, b"ours", b"precious")


def test_a_file_that_a_person_names_is_written_through_its_links_and_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    real, link, dangling = tmp_path / "far" / "real", tmp_path / "link", tmp_path / "dangling"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to("far/real")
    dangling.symlink_to("far/later")
    write_named(link, b"new")
    write_named(dangling, b"first")
    assert link.is_symlink() and dangling.is_symlink()
    assert (real.read_bytes(), (tmp_path / "far" / "later").read_bytes()) == (b"new", b"first")
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["later", "real"]


def test_new_files_have_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "ours", b"")
        write_named(tmp_path / "named", b"")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_a_pipe_and_a_device_are_written_plainly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_named(pipe, b"through")
    reader.join()
    assert (read, stat.S_ISFIFO(pipe.stat().st_mode)) == ([b"through"], True)
    write_named(Path("/dev/null"), b"away")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    for name in ("loop", "folder", "missing/file"):
        with pytest.raises(OSError, match=r"\w"):
            write_named(tmp_path / name, b"x")
    for error in (KeyboardInterrupt, OSError(28, "No space left on device")):
        with pytest.raises(type(error) if isinstance(error, OSError) else error), replacing(tmp_path / "x"):
            raise error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "loop"]


def test_names_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    for name in ("a" * 255, "é" * 127):
        write(tmp_path / name, b"x")
        write_named(tmp_path / name, b"y")
        assert (tmp_path / name).read_bytes() == b"y"


def test_what_stands_in_place_of_an_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "pipe", tmp_path / "loop", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match=r"\w"):
            read_regular(path)
    (tmp_path / "file").write_bytes(b"x")
    assert read_regular(tmp_path / "file") == b"x"
