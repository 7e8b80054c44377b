"""A step that is replayed from a CUDA graph is the step that was recorded, with whatever is drawn in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gridsearch.training.stacking.autotune import STRATEGIES, candidates
from tests.training.conftest import MakePlace
from tests.training.test_oracle import members, place, run

MODELS: dict[str, dict[str, Any]] = {
    "normalised and dropped": {"model": "cnn", "hyper": {"filters": [8], "dropout_flat": 0.3, "batch_norm": "convs"}},
    "adam": {
        "model": "mlp",
        "hyper": {"hidden": [16, 16], "dropout_1": 0.2},
        "optimizer": "adam",
        "weight_decay": 0.01,
    },
    "limits": {"model": "cnn", "hyper": {"filters": [8]}, "clip_norm": 0.5, "momentum": 0.9, "label_smoothing": 0.1},
}


def test_a_processor_has_no_cuda_graphs(make_place: MakePlace) -> None:
    changes = [{"model": "cnn", "hyper": {"filters": [4]}, "learning_rate": rate} for rate in (0.1, 0.2)]
    assert candidates(members(make_place(), changes)) == ["stacked"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a processor has no CUDA graphs")
@pytest.mark.parametrize("name", MODELS)
def test_a_replayed_step_is_the_recorded_step(name: str, tmp_path: Path) -> None:
    where = place(tmp_path, torch.float32, torch.device("cuda"))
    changes = [{**MODELS[name], "learning_rate": rate, "batch_size": 64} for rate in (0.01, 0.02, 0.05)]
    assert "graphed" in candidates(members(where, changes))
    stacked, graphed = (STRATEGIES[key](members(where, changes)) for key in ("stacked", "graphed"))
    expected, found = (np.array(run(one, where, 3)) for one in (stacked, graphed))
    assert found == pytest.approx(expected, rel=1e-6)
    for own, other in zip(graphed.states(), stacked.states(), strict=True):
        for key, tensor in other.items():
            torch.testing.assert_close(own[key], tensor, rtol=1e-5, atol=1e-7, msg=key)
