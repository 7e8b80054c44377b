"""The parts of the Ray executor that need no Ray to run."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from gridsearch.cli import streams
from gridsearch.config.events import StrategyMeasured, WorkerEvent
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.executors.ray_environment import PrivateFolder
from gridsearch.engine.executors.ray_tune import (
    PackSearcher,
    Recorder,
    StopTune,
    pack_as_text,
    pack_from_text,
    tune_quiet,
)
from gridsearch.engine.run.silence import Silences
from gridsearch.errors import GridsearchError, StorageError, StoreError
from gridsearch.training.loop.task import LineageTask, Pack


class FailingQueue:
    """A queue whose store has gone."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def next_pack(self) -> Pack | None:
        return None

    def held_up(self) -> bool:
        return False

    def record(self, events: Sequence[WorkerEvent]) -> None:
        if self.error:
            raise self.error

    def crashed(self, pack: Pack, reason: str, *, silent: bool = False) -> None: ...

    def stopping(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("store", "report", "error"),
    [
        (StoreError("the disk is full"), {"events": []}, StoreError("the disk is full")),
        (None, {"events": [], "not_writable": "checkpoints in /x"}, StorageError("checkpoints in /x")),
    ],
)
def test_what_fails_inside_tunes_callback_leaves_tune_at_once_and_is_kept(
    store: Exception | None, report: dict[str, object], error: GridsearchError
) -> None:
    queue = FailingQueue(store)
    recorder = Recorder(queue, PackSearcher(queue), Silences(None, Path()))
    with pytest.raises(StopTune):
        recorder.on_trial_result(1, [], SimpleNamespace(trial_id="1"), report)
    assert (type(recorder.error), str(recorder.error)) == (type(error), str(error))


def test_native_output_goes_to_the_log_and_our_own_to_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    streams.err.cache_clear()
    try:
        streams.say("before")
        with pytest.raises(KeyError), tune_quiet(tmp_path / "log"):
            for number in (1, 2):
                os.write(number, b"native\n")
            subprocess.run([sys.executable, "-c", "print('a child')"], check=True)
            print("python")
            print("python", file=sys.stderr)
            streams.say("ours")
            streams.line_at_once("from a signal")()
            raise KeyError
        os.write(1, b"data\n")
        streams.say("after")
    finally:
        streams.err().file.close()
        streams.err.cache_clear()
    assert sorted((tmp_path / "log").read_text().split("\n")) == ["", *["a child", "native", "native"], *["python"] * 2]
    assert capfd.readouterr() == ("data\n", "before\nours\nfrom a signal\nafter\n")


def test_the_folder_of_a_ray_of_our_own_is_nobody_elses_and_goes_with_all_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "before")
    folder = PrivateFolder()
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.parent == folder.path and len(token.read_text()) == 64
    folder.ray.mkdir()
    folder.remove()
    assert not folder.path.exists()


def test_a_pack_comes_out_of_its_text_as_it_went_in() -> None:
    config = TrialConfig(batch_size=8, epochs=3, learning_rate=0.1, dataset="d", model="m", hyper={"widths": [3, 4]})
    tasks = (LineageTask("a", 2, config, 1, (1, 3)), LineageTask("b", 1, config, -1))
    pack = Pack((tasks, tasks[:1]), (StrategyMeasured("here", "w", "alone", 2, 8, None),))
    assert pack_from_text(pack_as_text(pack)) == pack
