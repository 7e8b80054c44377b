from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gridsearch.models.registry import build_model, find_model
from gridsearch.models.seeding import RandomStates, random_states_kept, seed_everything

DRAWS: dict[str, Callable[[], float]] = {
    "torch": lambda: torch.rand(()).item(),
    "numpy": np.random.rand,
    "numpy's bell": np.random.randn,  # draws two, and keeps one
    "python": random.random,
}


@pytest.mark.parametrize("name", DRAWS)
def test_every_global_generator_is_seeded_noticed_and_kept(name: str) -> None:
    draw = DRAWS[name]
    seed_everything(2**63 - 1)
    first = draw()
    before = RandomStates.now()
    with random_states_kept():
        seed_everything(2**63 - 1)
        assert draw() == first
        drawn = RandomStates.now()
        draw()
        assert not drawn.same_as(RandomStates.now())
    assert before.same_as(RandomStates.now())
    after = draw()
    before.restore()
    assert draw() == after != first


def test_what_a_module_draws_when_it_is_imported_is_always_the_same(tmp_path: Path) -> None:
    code = "import random, numpy, torch\nfrom torch import nn\nDRAWN = random.random(), numpy.random.rand()\n"
    for name in ("drawn_once", "drawn_again"):
        (tmp_path / f"{name}.py").write_text(code + "class Net(nn.Linear):\n    drawn = DRAWN\n")
    before = RandomStates.now()
    once = find_model("drawn_once:Net", [tmp_path])
    assert before.same_as(RandomStates.now())
    random.random()
    again = find_model("drawn_again:Net", [tmp_path])
    sizes = {"in_features": 4, "out_features": 2}
    nets = [build_model(found, sizes, image_shape=(1, 2, 2), num_classes=2) for found in (once, again)]
    assert nets[0].drawn == nets[1].drawn


def test_a_default_type_that_a_model_has_set_is_nobody_elses() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        seed_everything(0)
        assert torch.get_default_dtype() == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)
