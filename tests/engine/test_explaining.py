"""What a plan says of its packs: why trainings are apart, how they train, and that a launch then does just that."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gridsearch.cli.render.packs import packs_grid
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.run.explaining import explain, explain_now, try_packs
from gridsearch.engine.run.planning import LaunchOptions, plan_job, plan_packs
from gridsearch.store.opening import open_store
from gridsearch.training.stacking.autotune import ALONE, STEPS_WORTH_A_PROBE
from tests.engine.launching import launch, prepared

CPU = {"device": "cpu", "threads": 1}
#: Long enough to be measured: 21 steps an epoch.
LONG = ("epochs=[5,50]", "batch_size=[64,32]", "neurons=[10,20]")


def packs(job: PreparedJob, **options: int | None) -> list:  # type: ignore[type-arg]
    plan = plan_job(job, None)
    return plan_packs(job, plan.lineages, LaunchOptions(workers=1, device="cpu", **options))  # type: ignore[arg-type]


def test_packs_are_apart_for_a_reason(tmp_path: Path) -> None:
    job = prepared(tmp_path, "batch_size=[64,128]", "optimizer=[sgd,adam]", "seed=[0,1]", "momentum=[0.0,0.5,0.9]")
    found = explain(job, packs(job), [], **CPU)
    reasons = sorted(tuple(pack.shared.items()) for pack in found)
    assert reasons == [
        (("batch_size", size), ("optimizer", optimizer), ("fused_sgd", plain))
        for size in (64, 128)
        for optimizer, plain in (("adam", False), ("sgd", False), ("sgd", True))
    ]
    sizes = {tuple(pack.shared.values())[1:]: pack.lineages for pack in found}
    assert sizes == {("adam", False): 4, ("sgd", True): 4, ("sgd", False): 8}
    assert not any(pack.cut for pack in found)
    assert {pack.strategy for pack in found} == {"concatenated"}, "too short to be measured"


def test_a_bound_cuts_packs_and_says_so(tmp_path: Path) -> None:
    job = prepared(tmp_path, *LONG)
    found = explain(job, packs(job, largest_pack=3), [], **CPU)
    assert sorted(pack.lineages for pack in found) == [2, 2, 2, 2]
    assert all(pack.cut for pack in found)
    assert {pack.strategy for pack in explain(job, packs(job, largest_pack=1), [], **CPU)} == {ALONE}


def test_what_is_measured_for_a_plan_is_what_a_worker_would_choose_from(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    try:
        job = prepared(tmp_path, *LONG)
        planned = packs(job)
        assert all(pack.strategy is None for pack in explain(job, planned, [], **CPU))
        measured = try_packs(job, planned, [], **CPU).measured
        assert {(one.strategy, one.batch_size) for one in measured} == {
            (strategy, size) for strategy in ("alone", "concatenated") for size in (32, 64)
        }
        assert all(one.seconds is not None and one.seconds > 0 for one in measured)
        # Which was faster this time is for the clock to say, and not for a test.
        seconds = {"concatenated": 0.001, "alone": 0.01}
        known = [replace(one, seconds=seconds[one.strategy]) for one in measured]
        for pack in explain(job, planned, known, **CPU):
            assert (pack.strategy, pack.step_seconds, pack.alone_seconds) == ("concatenated", 0.001, 0.01)
            steps = 50 * {32: 41, 64: 21}[pack.shared["batch_size"]]
            assert steps >= STEPS_WORTH_A_PROBE
            assert pack.seconds == pack.step_seconds * steps
        assert try_packs(job, planned, measured, **CPU).measured == []
    finally:
        torch.set_num_threads(threads)


def test_a_launch_remembers_what_it_measured_for_the_next_plan(tmp_path: Path) -> None:
    job = prepared(tmp_path, *LONG, "batch_size=64")
    launch(job, tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        measured = store.measured()
    assert {one.strategy for one in measured} == {"alone", "concatenated"}
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert try_packs(job, packs(job), measured, **CPU).measured == []
    finally:
        torch.set_num_threads(threads)


NETS = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, in_features, num_classes, neurons):
        super().__init__()
        self.hidden, self.out = nn.Linear(in_features, neurons), nn.Linear(neurons, num_classes)

    def forward(self, x):
        y = self.hidden(x.flatten(1)).tanh()
        return self.out(-y if y.sum() > 0 else y)
"""


def test_a_form_that_is_refused_is_named_with_its_cause(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    job = prepared(tmp_path, "model=nets:Net", "epochs=200", "batch_size=64", "neurons=10", "seed=[0,1,2]")
    threads = torch.get_num_threads()
    try:
        with caplog.at_level(logging.INFO, "gridsearch"):
            (pack,) = explain_now(job, packs(job), [], **CPU)
    finally:
        torch.set_num_threads(threads)
    assert pack.strategy == ALONE
    (refused,) = pack.refused
    assert (refused.strategy, refused.model, refused.members) == ("stacked", "nets:Net", pack.lineages)
    assert "data-dependent control flow" in refused.why and str(refused) in caplog.messages
    caption = packs_grid([pack]).caption
    assert f"pack 1: stacked: refused for {pack.lineages} models of nets:Net: RuntimeError: vmap" in caption
