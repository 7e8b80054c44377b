"""How often the states of a training function are written: seldom enough that writing takes little of its time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import gridsearch
from gridsearch.config import identity
from gridsearch.config.own_training import OwnConfig
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.loop.task import LineageTask
from gridsearch.training.own import run
from gridsearch.training.own.run import OwnContext, own_events

EPOCHS, SECONDS = 400, 0.5


class Nothing:
    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


@pytest.mark.parametrize(("cost", "apart"), [(0.0, 1.0), (0.2, 4.0)])
def test_states_are_a_second_apart_and_twenty_times_what_one_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: float, apart: float
) -> None:
    clock = [100.0]
    written: list[tuple[int, float]] = []
    save = CheckpointFolder.save

    def train(trial: gridsearch.Trial) -> None:
        for epoch in range(1, trial.epochs + 1):
            clock[0] += SECONDS
            trial.report(epoch, val_f1=0.5, save=[Nothing()])

    def timed(folder: CheckpointFolder, tensors: Any, history: Sequence[Any], **options: Any) -> None:
        written.append((history[-1].epoch, clock[0]))
        save(folder, tensors, history, **options)
        clock[0] += cost

    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: clock[0], perf_counter=lambda: clock[0]))
    monkeypatch.setattr(run, "imported", lambda *_: train)
    monkeypatch.setattr(CheckpointFolder, "save", timed)
    config = OwnConfig(training="function", model="mine:train", epochs=EPOCHS)
    task = LineageTask(identity.lineage_id(config), 1, config, -1, (EPOCHS,))
    assert len(list(own_events(task, OwnContext(tmp_path, (tmp_path,))))) == EPOCHS + 2
    assert [epoch for epoch, _ in written][:1] + [epoch for epoch, _ in written][-1:] == [1, EPOCHS]
    gaps = [later - earlier - cost for (_, earlier), (_, later) in pairwise(written[:-1])]
    assert gaps and all(apart - 1e-6 <= gap <= apart + SECONDS + 1e-6 for gap in gaps)
