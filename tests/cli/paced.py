"""A job that is at work for as long as a test needs it to be, on any machine: it takes its time until it is hurried."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import JOB

#: While a file `slow` lies beside it, an epoch of this model takes half a second or a whole one.
_MODEL = """
import time
from pathlib import Path

from torch import nn

SLOW = Path(__file__).with_name("slow")


class Paced(nn.Sequential):
    def __init__(self, in_features, num_classes, neurons):
        super().__init__(nn.Flatten(), nn.Linear(in_features, neurons), nn.Tanh(), nn.Linear(neurons, num_classes))

    def forward(self, x):
        if self.training and SLOW.exists():
            time.sleep(0.05)
        return super().forward(x)
"""
#: Eight trials, four lineages, EPOCHS of their epochs to train.
PACED = JOB.replace("epochs: [1, 3]", "epochs: [10, 30]").replace("model: shallow", "model: paced:Paced")
EPOCHS = 120


def write_paced(folder: Path, *, slow: bool = True) -> None:
    """Put the job, small.yaml, and its model into a folder."""
    (folder / "small.yaml").write_text(PACED)
    (folder / "paced.py").write_text(_MODEL)
    if slow:
        (folder / "slow").touch()


def hurry(folder: Path) -> None:
    """Let what is left of the training take no longer than it must."""
    (folder / "slow").unlink(missing_ok=True)
