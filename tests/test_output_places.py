"""Places that cannot be written: why, and what to do, in one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gridsearch.cli.streams import write_output
from gridsearch.errors import GridsearchError
from gridsearch.output_places import not_written, require_file, require_writable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("afile").touch()
    Path("there").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("afile/x.csv", "afile is a file, not a folder); name another file"),
        ("afile/deep/x.csv", "afile is a file, not a folder); name another file"),
        ("there", "there is a folder); name a file in it"),
        ("none/x.csv", "there is no folder none); make it first, or name another file"),
        (f"{'n' * 300}/x.csv", "file name too long); name another file"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_written(name: str, told: str) -> None:
    with pytest.raises(GridsearchError) as refused:
        write_output(Path(name), b"x")
    assert str(refused.value) == f"{name}: cannot be written ({told}"
    # The same is said before the work whose result the file gets.
    with pytest.raises(GridsearchError) as before:
        require_file(name, Path(name))
    assert str(before.value) == str(refused.value)


@pytest.mark.parametrize("name", ["afile", "afile/x", "afile/x/y"])
def test_a_folder_that_is_a_file(folder: Path, name: str) -> None:
    with pytest.raises(GridsearchError, match=r"^-o: cannot be written .afile is a file, not a folder.; name another"):
        require_writable("-o", Path(name))
    require_writable("-o", Path("there/below/it"))
    assert sorted(folder.rglob("*")) == [folder / "afile", folder / "there"]


def test_a_place_that_can_be_written_is_left_as_it_is(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for name in ("new.csv", "there/new.csv", "afile", "pipe", "/dev/null", "/dev/stdout"):
        require_file(name, Path(name))
    assert sorted(folder.rglob("*")) == [folder / "afile", folder / "pipe", folder / "there"]


def test_what_to_do_goes_by_what_the_system_says(folder: Path) -> None:
    place = folder / "there" / "x.csv"
    for number, mend in (
        (errno.EACCES, f"allow writing to {place.parent}, or name"),
        (errno.ENOSPC, "free some space"),
    ):
        error = OSError(number, os.strerror(number))
        assert mend in str(not_written("x", place, error)), number
    with pytest.raises(GridsearchError, match="nothing can be made in /proc.; name another folder"):
        require_writable("-o", Path("/proc/x/y"))
