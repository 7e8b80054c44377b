"""What a plan says a launch will need of the disk, beside what it then takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch import paths
from gridsearch.cli.render.disk import use_text
from gridsearch.config.events import ModelSize
from gridsearch.engine.disk.disk_need import DiskNeed, disk_need, shortage
from gridsearch.engine.disk.disk_use import disk_use
from gridsearch.engine.disk.usefulness import checkpoints_in
from gridsearch.engine.run.packing import PlannedPack
from gridsearch.engine.run.planning import LaunchOptions, plan_job, plan_packs
from gridsearch.store.opening import open_store
from tests.engine.launching import Notes, launch, prepared

#: Models so large that their files hold little else.
LARGE = ("neurons=[3000]", "batch_size=[128]", "epochs=[2]", "learning_rate=[0.01, 0.001]")


@pytest.mark.parametrize(
    "recipe",
    [(), ("momentum=0.9",), ("optimizer=adam",), ("precision=float64",), ("schedule=cosine",)],
    ids=["sgd", "momentum", "adam", "float64", "cosine"],
)
def test_what_is_said_to_be_needed_is_what_is_then_taken(tmp_path: Path, recipe: tuple[str, ...]) -> None:
    path, job = tmp_path / "r.db", prepared(tmp_path, *LARGE, *recipe)
    sizes: dict[str, ModelSize] = {}
    packs = plan_packs(job, plan_job(job, None).lineages, LaunchOptions(1, device="cpu"), sizes.update)
    parameters = {name: size.parameters for name, size in sizes.items()}
    need = disk_need(packs, parameters, workers=1, keep=1, limit=float("inf"))
    assert need is not None

    most: list[int] = []

    class Watching(Notes):
        def recorded(self, events: object, outcome: object) -> None:
            super().recorded(events, outcome)  # type: ignore[arg-type]
            most.append(disk_use(path).checkpoints + disk_use(path).weights)

    launch(job, path, notes=Watching(), keep=1)
    used = disk_use(path)
    assert used.checkpoints == pytest.approx(need.checkpoints, rel=0.02)
    assert used.weights == pytest.approx(need.weights, rel=0.02)
    assert used.runs == 0
    run = paths.runs_dir(path, "any") / "0123456789ab"
    run.mkdir(parents=True)
    (run / "out.txt").write_text("abc")
    assert disk_use(path).runs == 3 and "runs 3 B" in use_text(disk_use(path), width=None)
    assert max(most) <= need.most * 1.02
    assert sum(one.size for one in checkpoints_in(paths.checkpoint_dir(path)).values()) == used.checkpoints
    with open_store(path) as store:
        assert used.database == path.stat().st_size and store.verify() == []


def test_a_limit_bounds_what_stays(tmp_path: Path) -> None:
    job = prepared(tmp_path, *LARGE)
    packs: list[PlannedPack] = plan_packs(job, plan_job(job, None).lineages, LaunchOptions(1, device="cpu"))
    parameters = {plan.lineage_id: 1_000_000 for pack in packs for plan in pack.lineages}
    free, bound = (disk_need(packs, parameters, workers=1, keep=0, limit=limit) for limit in (float("inf"), 5e6))
    assert free and bound and (free.checkpoints, bound.checkpoints) == (8_000_000, 5_000_000)
    assert bound.most < free.most
    assert disk_need(packs, {}, workers=1, keep=0, limit=0) is None


def test_only_what_is_more_than_free_is_told(tmp_path: Path) -> None:
    assert shortage(DiskNeed(1, 1, 2), tmp_path / "r.db") == ""
    assert shortage(None, tmp_path / "r.db") == ""
    said = shortage(DiskNeed(10**18, 1, 10**18 + 1), tmp_path / "nowhere" / "r.db")
    assert "may take 1000000 TB, and only " in said and "gridsearch gc" in said
