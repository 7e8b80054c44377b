"""A trial has what PyTorch alone makes of the data set that its function returns with the trial's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from gridsearch.config.trial import Split
from gridsearch.data.digits import load_digits as divided_digits
from gridsearch.data.splits import apply_split
from tests.oracle.holding import StoredTrial, assert_held, built, launch, packed
from tests.oracle.plain import Images, train
from tests.oracle.where import device

DATA = """\
import numpy as np, torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

class Enlarged(Dataset):
    def __init__(self, pixels, labels, times):
        self.pixels, self.labels, self.times = pixels, labels, times
    def __len__(self):
        return len(self.labels)
    def __getitem__(self, index):
        return torch.from_numpy(np.kron(self.pixels[index], np.ones((self.times,) * 2, np.uint8))), self.labels[index]

def load(image_size: int = 8, flipped=False):
    digits = load_digits()
    pixels, labels = np.round(digits.images * (255 / 16)).astype(np.uint8), digits.target
    if flipped:  # floats, upside down
        large = np.kron(digits.images, np.ones((1, image_size // 8, image_size // 8)))
        return (large[:, None, ::-1] / 16, labels), None, None
    return Enlarged(pixels, labels, image_size // 8), None, None
"""
JOB = """\
name: sized
dataset: plain_sized_data:load
split: {validation: 300}
model: shallow
epochs: 2
batch_size: 64
learning_rate: [0.1, 0.02]
precision: float64
space:
  image_size: [8, 16]
  flipped: [false, true]
  neurons: [12]
"""


def plainly(trial: StoredTrial) -> Any:
    """Return the training of a trial on images that are made here, as the function's text says."""
    settings = {"image_size": 8, "flipped": False} | trial.config.get("data_settings", {})
    digits = load_digits()
    # Which images validate is drawn from their number alone.
    indices = apply_split(divided_digits(), Split(**trial.config["split"]), 0).indices
    images = torch.from_numpy(digits.images)
    images = images.flip(1) / 16 if settings["flipped"] else (images * (255 / 16)).round() / 255
    times = settings["image_size"] // 8
    images = images.repeat_interleave(times, 1).repeat_interleave(times, 2)[:, None].to(device(), torch.float64)
    labels = torch.from_numpy(np.asarray(digits.target)).to(device())

    def of(part: Any, of_all: Tensor) -> Tensor:
        return of_all[torch.from_numpy(part).to(device())]

    parts = Images(*(of(part, whole) for part in (indices.train, indices.validation) for whole in (images, labels)))
    return train(lambda: built("shallow", trial.hyper, parts), trial.config, parts)


@pytest.mark.parametrize("how", ["packed", "alone"])
def test_the_store_has_what_torch_alone_makes_of_each_data_set(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain_sized_data.py").write_text(DATA)
    monkeypatch.syspath_prepend(tmp_path)
    if how == "packed":
        with packed():
            found = launch(tmp_path, JOB)
        assert set(found.strategies.values()) == {"concatenated"}
    else:
        found = launch(tmp_path, JOB, "--pack", "off")
    trials = found.trials()
    assert len({trial.config["dataset"] for trial in trials}) == 4 and len(trials) == 8
    for trial in trials:
        assert_held(trial, plainly(trial), 1e-10)
