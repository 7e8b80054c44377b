"""Ray is started early where that gains something, and never where it would hide what is wrong with the store."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gridsearch import paths
from gridsearch.cli.executors import Executors
from gridsearch.cli.resources import Resources
from gridsearch.engine.executors.ray_session import RaySession
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared

CHOSEN = Resources(
    workers=1, gpus_per_worker=0.0, device="cpu", threads=1, inline=False, address=None, largest_pack=None
)
ASSETS = Path(__file__).parents[1] / "store" / "assets"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The scratch folders of the sessions that were started: the folder and its log are made, Ray is not."""
    found: list[Path] = []

    def start(session: RaySession) -> None:
        session.options.scratch.mkdir(parents=True, exist_ok=True)
        session.log.write_text("")
        found.append(session.options.scratch)

    monkeypatch.setattr(RaySession, "start", start)
    return found


def early(store: Path, folder: Path, chosen: Resources = CHOSEN) -> None:
    with Executors(chosen, store) as executors:
        executors.start_early(prepared(folder))


def test_started_for_a_new_store_and_nothing_is_left_if_there_never_is_one(tmp_path: Path, started: list[Path]) -> None:
    early(tmp_path / "results.db", tmp_path)
    assert started == [paths.scratch_dir(tmp_path / "results.db")]
    assert not (tmp_path / ".gridsearch").exists()


def test_what_another_launch_has_made_stays(tmp_path: Path, started: list[Path]) -> None:
    store = tmp_path / "results.db"
    paths.scratch_dir(store).mkdir(parents=True)
    (paths.scratch_dir(store) / "ray.log").write_text("of another launch")
    early(store, tmp_path)
    assert started and (paths.scratch_dir(store) / "ray.log").exists()


def test_started_for_open_trials_only(tmp_path: Path, started: list[Path]) -> None:
    store, job = tmp_path / "results.db", prepared(tmp_path)
    with open_store(store) as opened:
        opened.put_job(job.job.name, job.record().as_json(), job.job.source, job.new_trials())
    early(store, tmp_path)
    assert len(started) == 1
    launch(job, store)
    early(store, tmp_path)
    assert len(started) == 1, "nothing is left to train"
    early(tmp_path / "other.db", tmp_path, replace(CHOSEN, inline=True))
    assert len(started) == 1, "training in this process needs no Ray"


@pytest.mark.parametrize("fault", ["older schema", "empty", "no folder", "long", "no database"])
def test_a_faulty_store_is_left_to_speak_for_itself(tmp_path: Path, started: list[Path], fault: str) -> None:
    store = tmp_path / "results.db"
    if fault == "older schema":
        shutil.copy(ASSETS / "m002.db", store)
    elif fault == "no folder":
        store = tmp_path / "missing" / "results.db"
    elif fault == "long":
        store = tmp_path / ("x" * 300)
    else:
        store.write_text("" if fault == "empty" else "no database")
    before = sorted(tmp_path.rglob("*"))
    early(store, tmp_path)
    assert started == []
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []
