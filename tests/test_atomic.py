from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.atomic import replacing


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
