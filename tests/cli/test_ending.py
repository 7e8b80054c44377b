"""What a launch says last, and `top` too: that the best lies on the edge of the grid."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gridsearch.cli import streams
from gridsearch.cli.main import app
from gridsearch.cli.render.ending import say_end
from gridsearch.config.job import job_from_text
from gridsearch.engine.run.launch import LaunchEnd
from tests.visualization.stores import filled_store

NOTE = "The best value of neurons (20) is the largest tried. Values beyond may do better."
SPACE = "space: {batch_size: 64, epochs: 1, learning_rate: 0.1, neurons: 10}"


@pytest.mark.parametrize(("apart", "said"), [(0.06, True), (0.01, False)])
def test_the_terminal_says_that_the_best_lies_on_an_edge_unless_another_does_as_well(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], apart: float, said: bool
) -> None:
    path = tmp_path / "results.db"
    with filled_store(path, "shallow", apart=apart) as store:
        job = job_from_text("name: shallow\ndataset: digits\nmodel: shallow\n" + SPACE, base=tmp_path)
        say_end(store, job, path, LaunchEnd(store.counts("shallow"), False), seconds=None)
    advised = "shallow: edge: the best value of neurons (20) is the largest tried; larger ones may be better still ("
    assert (advised in capfd.readouterr().err) == said
    for more, shown in ([], said), (["--sort", "epochs"], False), (["--filter", "neurons < 20"], False):
        streams.out.cache_clear()
        assert app(["top", "shallow", "--store", str(path), *more], standalone_mode=False) in (0, None)
        assert (NOTE in capfd.readouterr().out.replace("\n", " ")) == shown, sys.argv


def test_a_launch_of_which_every_trial_diverged_says_what_to_try(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.db"
    with filled_store(path, "shallow", diverging=True) as store:
        job = job_from_text("name: shallow\ndataset: digits\nmodel: shallow\n" + SPACE, base=tmp_path)
        say_end(store, job, path, LaunchEnd(store.counts("shallow"), False), seconds=None)
    said = capfd.readouterr().err
    assert "shallow: diverged: every trial with a result diverged (12); nothing can be ranked" in said
    assert "--set 'learning_rate=[1e-05,0.0001,0.001]'" in said and "more advice" not in said


def test_text_that_is_empty_is_a_setting_too(tmp_path: Path) -> None:
    from gridsearch.cli.render.best import settings_text
    from tests.analysis.grids import make_job, make_trial

    job = make_job({"freeze": ["", "* !fc.*"], "learning_rate": [0.1, 0.0215443469003]}, defaults={})
    row = make_trial({"learning_rate": 0.0215443469003}, 0.5)
    assert settings_text(row.config, job.record) == "freeze none, learning_rate 0.0215"
