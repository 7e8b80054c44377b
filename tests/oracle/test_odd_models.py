"""Whatever a user's model does, the store has the numbers that PyTorch alone gives it, packed and alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.holding import Launched, StoredTrial, assert_held, launch, packed, plainly
from tests.oracle.odd_models import KINDS

ALONE, PACKED = "alone", "packed"
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
model: tests.oracle.odd_models:Odd
batch_size: 32
epochs: 2
momentum: 0.9
weight_decay: 0.05
space:
  kind: [{kinds}]
  learning_rate: [{rates}]
"""

_launched: dict[tuple[str, bool], Launched] = {}


def launched(how: str, kind: str, folder: Path) -> Launched:
    """Return the launch that trained a kind of model, done when it is first asked for."""
    apart = kind in BY_THEMSELVES
    if (how, apart) not in _launched:
        kinds = [name for name in KINDS if (name in BY_THEMSELVES) == apart]
        text = JOB.format(kinds=", ".join(kinds), rates="0.05" if how == ALONE else "0.05, 0.02")
        if how == ALONE:
            found = launch(folder, text, "--pack", "off", code=None)
        else:
            with packed():
                found = launch(folder, text, code=None)
        _launched[how, apart] = found
    return _launched[how, apart]


def of_kind(found: Launched, kind: str) -> list[StoredTrial]:
    trials = [trial for trial in found.trials() if trial.hyper["kind"] == kind]
    assert trials
    return trials


@pytest.mark.parametrize("how", [ALONE, PACKED])
@pytest.mark.parametrize("kind", list(KINDS))
def test_an_odd_model_has_the_numbers_that_torch_alone_gives_it(
    kind: str, how: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = launched(how, kind, tmp_path_factory.mktemp(how))
    for trial in of_kind(found, kind):
        assert_held(trial, plainly(trial, []), TOLERANCE)
        assert how == PACKED or found.form_of(trial) == "alone"
        assert how == ALONE or kind not in STACKED or found.form_of(trial) == "stacked"
