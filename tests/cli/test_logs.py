"""What is refused behind a command is told to who asks: on the terminal, and in a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from gridsearch.cli import streams
from gridsearch.cli.main import app
from gridsearch.data import fingerprint_cache
from gridsearch.errors import passed_over
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.loop.member import Member
from gridsearch.training.stacking import self_check
from gridsearch.training.stacking.self_check import unusable_strategies
from gridsearch.training.strategies.stacked import Stacked
from gridsearch.training.weight_snapshots import ReadingFolder
from tests.engine.test_explaining import NETS

JOB = """\
name: odd
dataset: digits
model: nets:Net
batch_size: 64
epochs: 25
learning_rate: 0.1
space: {neurons: [10], seed: [0, 1]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "odd.yaml").write_text(JOB)
    streams.err.cache_clear()
    return tmp_path


def run(*arguments: str) -> int:
    return int(app(list(arguments), standalone_mode=False) or 0)


def test_a_launch_tells_who_asks_what_was_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    launch = ("launch", "odd.yaml", "--inline", "--no-dashboard")
    assert run(*launch, "--store", "quiet.db") == 0
    assert "refused" not in capfd.readouterr().err
    assert run(*launch, "--store", "loud.db", "--verbose", "--log-file", "logs/all.txt") == 0
    line = "stacked: refused for 2 models of nets:Net: RuntimeError: vmap: It looks like you're attempting"
    assert f"training.stacking.autotune: {line}" in " ".join(capfd.readouterr().err.split())
    written = (folder / "logs" / "all.txt").read_text()
    assert f" INFO    gridsearch.training.stacking.autotune: {line}" in written
    assert not logging.getLogger("gridsearch").handlers


LOOKS_AT_NUMBERS = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, neurons, image_shape, num_classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(neurons), nn.ReLU(), nn.LazyLinear(num_classes))
        self.layers(__import__("torch").zeros(2, *image_shape))

    def forward(self, images):
        return self.layers(images) * (1.0 if images.sum().item() > 0 else 2.0)
"""


def test_the_process_that_tries_models_logs_to_this_one(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "nets.py").write_text(LOOKS_AT_NUMBERS)
    assert run("launch", "odd.yaml", "--inline", "--no-dashboard", "--verbose", "--set", "epochs=1") == 0
    told = " ".join(capfd.readouterr().err.split())
    assert "training.stacking.profile: trying a model: Net is not counted, its memory is guessed:" in told


def test_a_log_that_cannot_be_written_is_refused(folder: Path) -> None:
    with pytest.raises(Exception, match=r"^--log-file odd.yaml/x: cannot be written \("):
        run("doctor", "--log-file", "odd.yaml/x")


def damaged_checkpoint(folder: Path) -> None:
    (folder / "l").mkdir()
    for slot in ("even", "odd", "synced"):
        (folder / "l" / slot).write_bytes(b"\0" * 100)
    assert CheckpointFolder(folder, "l", 1).load() is None


def damaged_weights(folder: Path) -> None:
    (folder / "l").mkdir()
    (folder / "l" / "3").write_bytes(b"\0" * 100)
    assert ReadingFolder(folder, "l").load(3) is None


def damaged_fingerprint(folder: Path) -> None:
    (folder / ".x.npz.fingerprint").write_text("{")
    assert fingerprint_cache.recall(folder / "x.npz", [1], []) is None


@pytest.mark.parametrize("damage", [damaged_checkpoint, damaged_weights, damaged_fingerprint])
def test_what_is_there_and_cannot_be_used_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    with caplog.at_level(logging.INFO, "gridsearch"):
        assert CheckpointFolder(tmp_path, "none", 1).load() is None
        assert ReadingFolder(tmp_path, "none").load(1) is None
        assert fingerprint_cache.recall(tmp_path / "none.npz", [1], []) is None
        assert not caplog.messages, "what was never there is no fallback"
        damage(tmp_path)
    assert caplog.messages and all("cannot be used" in message for message in caplog.messages)


def test_doctor_proves_each_way_to_train_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert unusable_strategies(cpu) == {"concatenated": "", "stacked": ""}

    class Broken(Stacked):
        def __init__(self, members: Sequence[Member]) -> None:
            raise RuntimeError("no such kernel")

    monkeypatch.setitem(self_check.STRATEGIES, "stacked", Broken)
    assert unusable_strategies(cpu) == {"concatenated": "", "stacked": "RuntimeError: no such kernel"}


def test_what_is_done_without_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("tests.passed_over")
    with caplog.at_level(logging.INFO, logger=log.name):
        with passed_over(log, "nothing was looked at", ValueError, OSError):
            raise ValueError("no such look")
        with pytest.raises(KeyError), passed_over(log, "nothing was looked at", ValueError):
            raise KeyError("another")
    assert caplog.messages == ["nothing was looked at: ValueError: no such look"]
