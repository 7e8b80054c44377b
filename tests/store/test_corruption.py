"""A file that was damaged on the disk: noticed, or provably without effect; and never any other exception."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from gridsearch.errors import StoreError
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from tests.store.grids import JOB
from tests.store.make_asset import make_asset


def content(store: Store) -> list[Any]:
    """Return everything that the store says, but for the beats of launches, which are signs and no data."""
    launches = [(row.launch_id, row.job, row.host, row.pid, row.workers) for row in store.open_launches()]
    lineages = store.lineages([row.lineage_id for row in store.trials()])
    found = [
        store.jobs(),
        store.trials(),
        store.trials(JOB),
        store.job_epochs(JOB),
        store.events(),
        lineages,
        launches,
    ]
    return [repr(part) for part in found]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Any]]:
    path = tmp_path_factory.mktemp("sound") / "results.db"
    make_asset(path)
    with open_store(path) as store:
        return path.read_bytes(), content(store)


def examine(path: Path, damaged: bytes, expected: list[Any]) -> str:
    """Return whether the damage was noticed, or had no effect."""
    path.write_bytes(damaged)
    try:
        with open_store(path, create=False, read_only=True) as store:
            if store.verify():
                return "noticed"
            assert content(store) == expected
            return "without effect"
    except StoreError as error:
        assert "\n" not in str(error)
        return "noticed"


def flips(size: int, generator: random.Random) -> dict[int, int]:
    return {generator.randrange(size): 1 << generator.randrange(8) for _ in range(generator.choice([1, 1, 1, 8]))}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits(path: Path, sound: tuple[bytes, list[Any]], seed: int) -> None:
    data, expected = sound
    generator = random.Random(seed)
    verdicts = set()
    for _ in range(40):
        damaged = bytearray(data)
        for place, bit in flips(len(data), generator).items():
            damaged[place] ^= bit
        verdicts.add(examine(path, bytes(damaged), expected))
    assert verdicts == {"noticed", "without effect"}


def test_a_schema_that_is_no_text(path: Path, sound: tuple[bytes, list[Any]]) -> None:
    data, expected = sound
    for name in (b"CREATE TABLE trials", b"CREATE TABLE epochs", b"CREATE INDEX ix_events_job"):
        damaged = data.replace(name, name[:-3] + b"\x8a\xff\xc3")
        assert damaged != data
        assert examine(path, damaged, expected) == "noticed"


def test_overwritten_pages(path: Path, sound: tuple[bytes, list[Any]]) -> None:
    data, expected = sound
    for place in range(0, len(data), 4096):
        for page in (bytes(4096), data[:4096], random.Random(place).randbytes(4096)):
            damaged = data[:place] + page + data[place + 4096 :]
            if damaged != data:
                examine(path, damaged, expected)


def test_truncated_files(path: Path, sound: tuple[bytes, list[Any]]) -> None:
    data, expected = sound
    generator = random.Random(0)
    for length in [
        1,
        15,
        16,
        99,
        100,
        4095,
        4096,
        4097,
        *(generator.randrange(len(data)) for _ in range(20)),
    ]:
        assert examine(path, data[:length], expected) == "noticed"


def test_a_stale_journal_of_rubbish_does_no_harm(path: Path, sound: tuple[bytes, list[Any]]) -> None:
    data, expected = sound
    path.with_name("results.db-journal").write_bytes(random.Random(0).randbytes(5000))
    assert examine(path, data, expected) == "without effect"
