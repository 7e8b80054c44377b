from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from gridsearch import paths
from gridsearch.data import dataset as dataset_module
from gridsearch.data import fingerprint_cache
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.npz import load_npz, write_npz


@pytest.fixture(scope="module")
def large(mnist: ImageDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "mnist.npz"
    write_npz(path, mnist)
    return path


@pytest.fixture
def no_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(dataset_module, "fingerprint_of", refuse)


def test_a_large_file_is_hashed_once(large: Path, mnist: ImageDataset, request: pytest.FixtureRequest) -> None:
    load_npz(large)
    memory = json.loads(paths.fingerprint_file(large).read_text())
    assert memory["fingerprint"] == mnist.fingerprint
    request.getfixturevalue("no_hashing")
    assert load_npz(large).fingerprint == mnist.fingerprint


def test_a_small_file_leaves_nothing_beside_it(digits: ImageDataset, tmp_path: Path) -> None:
    write_npz(tmp_path / "mine.npz", digits)
    load_npz(tmp_path / "mine.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.npz"]


def test_a_changed_file_is_hashed_again_even_under_its_old_size_and_time(large: Path, mnist: ImageDataset) -> None:
    load_npz(large)
    status = large.stat()
    labels = mnist.train_labels.copy()
    labels[0] = (labels[0] + 1) % 10
    np.savez(
        large,
        train_images=mnist.train_images,
        train_labels=labels,
        test_images=mnist.test_images,
        test_labels=mnist.test_labels,
        class_names=np.array(mnist.class_names),
    )
    os.utime(large, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (large.stat().st_size, large.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    changed = load_npz(large).fingerprint
    assert changed != mnist.fingerprint
    write_npz(large, mnist)
    assert load_npz(large).fingerprint == mnist.fingerprint


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"\x00\xff", b"[]", b"{}", b"null", b"[" * 10_000, b'{"stamp": STAMP}'),
        *(b'{"stamp": STAMP, "fingerprint": "abc"}', b'{"stamp": STAMP, "fingerprint": 7}'),
    ],
)
def test_a_damaged_memory_is_mended_in_silence(large: Path, mnist: ImageDataset, damage: bytes) -> None:
    memory = paths.fingerprint_file(large)
    stamp = json.dumps(fingerprint_cache.stamp_of(large.stat())).encode()
    memory.write_bytes(damage.replace(b"STAMP", stamp))
    assert load_npz(large).fingerprint == mnist.fingerprint
    assert json.loads(memory.read_text())["fingerprint"] == mnist.fingerprint


def test_a_memory_that_cannot_be_written_is_no_error(large: Path, mnist: ImageDataset) -> None:
    memory = paths.fingerprint_file(large)
    memory.unlink(missing_ok=True)
    memory.mkdir()  # refuses the write even for a user who may write anywhere
    try:
        assert load_npz(large).fingerprint == mnist.fingerprint
        assert sorted(file.name for file in large.parent.iterdir()) == [memory.name, large.name]
    finally:
        memory.rmdir()


def test_what_an_older_version_remembered_of_fewer_arrays_does_not_count(mnist: ImageDataset, tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    parts = {"train": slice(0, 20_000), "val": slice(20_000, 21_000)}
    np.savez(
        path,
        **{f"{name}_images": mnist.train_images[part] for name, part in parts.items()},
        **{f"{name}_labels": mnist.train_labels[part] for name, part in parts.items()},
    )
    memory = {"stamp": fingerprint_cache.stamp_of(path.stat()), "fingerprint": "0" * 64}
    paths.fingerprint_file(path).write_text(json.dumps(memory))
    assert load_npz(path).fingerprint != "0" * 64
