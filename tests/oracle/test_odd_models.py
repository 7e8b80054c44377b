"""Whatever a user's model does, the store has the numbers that PyTorch alone gives it, packed and alone."""

from __future__ import annotations

from functools import cache, partial

import pytest

from tests.oracle.holding import Launched, StoredTrial, assert_held, launch, packed, plainly
from tests.oracle.odd_models import KINDS
from tests.oracle.where import device

#: Models that a launch could refuse before it trains any; they are launched by themselves.
BY_THEMSELVES = ("lazy_layers",)
#: Models that nothing keeps from being stacked: held packed only where they are.
STACKED = {
    "running_buffer",
    "used_twice",
    "bare",
    "lists_of_parameters",
    "nested_containers",
    "frozen_part",
    "batch_statistics",
    "centred",
    "by_batch_size",
    "dropped",
    "dropout_of_channels",
    "other_norms",
    "embedded",
    "einsum",
    "in_place",
    "sorted",
    "own_mappable_function",
}
#: Both sides make the same steps in the same order: what is left is rounding, about 1e-7.
TOLERANCE = 1e-5

#: Weight decay and momentum would move what has no gradient; the validation images are more than one batch of any size.
JOB = """\
name: odd
dataset: digits
split: {{test: 0.1, train: 150, validation: 600}}
model: tests.oracle.odd:Odd
batch_size: 32
epochs: 2
momentum: 0.9
weight_decay: 0.05
space:
  kind: [{groups}]
  learning_rate: [{rates}]
"""


class Launches:
    """The launches of the odd models, each done when it is first asked for; `apart` of those that are by themselves."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self.in_packs = cache(partial(self._in_packs, folders))
        self.alone = cache(partial(self._alone, folders))

    def _in_packs(self, folders: pytest.TempPathFactory, apart: bool) -> Launched:
        """Return the launch of all groups, in packs as far as they can be stacked."""
        groups = [name for name in KINDS if (name in BY_THEMSELVES) == apart]
        with packed("graphed" if device().type == "cuda" else "stacked"):
            text = JOB.format(groups=", ".join(groups), rates="0.05, 0.02")
            return launch(folders.mktemp("packed"), text, code=None)

    def _alone(self, folders: pytest.TempPathFactory, apart: bool) -> Launched:
        """Return the launch, each alone, of those groups that were stacked before."""
        before = self.in_packs(apart)
        groups = {trial.hyper["kind"] for trial in before.trials() if before.strategy_of(trial) != "alone"}
        text = JOB.format(groups=", ".join(sorted(groups)), rates="0.05")
        return launch(folders.mktemp("alone"), text, "--pack", "off", code=None)


@pytest.fixture(scope="module")
def launches(tmp_path_factory: pytest.TempPathFactory) -> Launches:
    return Launches(tmp_path_factory)


def of_kind(found: Launched, kind: str) -> list[StoredTrial]:
    trials = [trial for trial in found.trials() if trial.hyper["kind"] == kind]
    assert trials
    return trials


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_odd_model_has_the_numbers_that_torch_alone_gives_it(kind: str, launches: Launches) -> None:
    found = launches.in_packs(kind in BY_THEMSELVES)
    strategies = set()
    for trial in of_kind(found, kind):
        assert_held(trial, plainly(trial, []), TOLERANCE)
        strategies.add(found.strategy_of(trial))
    assert kind not in STACKED or strategies <= {"stacked", "graphed"}
    if strategies & {"stacked", "graphed"}:
        for trial in of_kind(launches.alone(kind in BY_THEMSELVES), kind):
            assert_held(trial, plainly(trial, []), TOLERANCE)
