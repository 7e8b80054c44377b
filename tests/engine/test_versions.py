"""Trials of an earlier version of the recipe: they stay what they are, and what has not changed is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.cli.render.plans import leaving, plan_text
from gridsearch.cli.render.trial import settings_of
from gridsearch.config.identity import parse
from gridsearch.engine.prepare.narrowing import Narrowing
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.run.planning import plan_job
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.models.registry import ModelSignature
from gridsearch.search.grid import Ingredients, ModelPart, expand
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared

JOB = """\
name: small
dataset: digits
split: {test: 0.1, train: 200}
model: cnn
batch_size: 64
epochs: 1
learning_rate: 0.01
space:
  filters: [[4]]
  batch_norm: [none, all]
"""


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PreparedJob:
    """Launch the job as the first version did; return it as it is now."""
    with monkeypatch.context() as patched:
        patched.setattr(ModelSignature, "version", lambda self, hyper: 1)
        launch(prepared(tmp_path, text=JOB), tmp_path / "r.db")
    return prepared(tmp_path, text=JOB)


def test_what_has_not_changed_is_done_and_what_has_is_new(tmp_path: Path, earlier: PreparedJob) -> None:
    with open_store(tmp_path / "r.db", create=False) as store:
        plan = plan_job(earlier, store)
        assert (plan.done, plan.new) == (1, 1)
        left = leaving(earlier, store)
        assert left.found == Narrowing(1, 1)
        assert "this version of gridsearch trains these" in plan_text(earlier, plan, [], left, width=None)
        # Another edit beside it: both are counted.
        other = leaving(prepared(tmp_path, "space.batch_norm=[all]", text=JOB), store)
        assert (other.found.trials, other.found.renewed) == (2, 1)
        assert other.lines[0].startswith(
            "2 earlier trials with results are no longer points of this grid (1 of them: this version"
        )
    launch(earlier, tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        assert [str(row.state) for row in store.trials("small")] == ["completed"] * 2
        assert {parse(row.config).version for row in store.trials("small")} == {1, 2}
        assert store.verify() == []


def test_a_trial_of_an_earlier_version_is_built_as_it_was(tmp_path: Path, earlier: PreparedJob) -> None:
    with open_store(tmp_path / "r.db", create=False, read_only=True) as store:
        source = ModelSource(store, tmp_path / "r.db", tmp_path / "data", "cpu")
        rows = {parse(row.config).hyper.get("batch_norm"): row for row in store.trials("small")}
        model = trained(source, "small", rows["all"].trial_id).model
        assert settings_of(rows["all"], store.jobs())["bias_before_norm"] is True
    assert "features.conv1.bias" in model.state_dict()
    now = expand(earlier.job, Ingredients("d", {"cnn": ModelPart(version=earlier.models["cnn"].version)}))
    assert [trial.config.version for trial in now.trials] == [1, 2]
    assert earlier.grid.trials[1].trial_id != rows["all"].trial_id
