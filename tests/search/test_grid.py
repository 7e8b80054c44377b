from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.errors import JobError
from gridsearch.search.grid import Grid, Ingredients, expand
from gridsearch.search.plan import make_plan
from gridsearch.spec.job import JobSpec, job_from_text
from gridsearch.spec.outcomes import TrialState

JOB = """\
name: j
dataset: digits
model: shallow
space:
  batch_size: [4, 8]
  epochs: [10, 20, 50, 100]
  learning_rate: [0.1, 0.01]
  neurons: [10, 25]
"""
PLAIN = Ingredients("data", "", {})


def job(*overrides: str, text: str = JOB) -> JobSpec:
    return job_from_text(text, overrides, base=Path())


def ids(grid: Grid) -> set[str]:
    return {trial.trial_id for trial in grid.trials}


def test_a_grid_is_every_point_once_in_order() -> None:
    grid = expand(job(), PLAIN)
    assert (grid.points, len(grid.trials), grid.repeated) == (32, 32, 0)
    settings = [
        (t.config.batch_size, t.config.epochs, t.config.learning_rate, t.config.hyper["neurons"]) for t in grid.trials
    ]
    assert settings == [
        (b, e, lr, n) for b in (4, 8) for e in (10, 20, 50, 100) for lr in (0.1, 0.01) for n in (10, 25)
    ]
    assert len({trial.lineage_id for trial in grid.trials}) == 8


def test_an_edited_grid_shares_what_it_can() -> None:
    before, after = ids(expand(job(), PLAIN)), ids(expand(job("neurons=[10,25,50]"), PLAIN))
    assert before < after
    assert len(after - before) == 16
    assert ids(expand(job("name=other"), PLAIN)) == before
    assert not ids(expand(job(), Ingredients("other data", "", {}))) & before
    assert not ids(expand(job(), Ingredients("data", "other code", {}))) & before
    assert not ids(expand(job("split.test=0.1"), PLAIN)) & before


@pytest.mark.parametrize(
    ("default", "written", "same"),
    [
        (True, "true", True),
        (True, "1", False),
        (1, "true", False),
        (0.0, "0", True),
        ((128, 64), "[[128, 64]]", True),
        ([128.0], "[[128]]", True),
        ((128, 64), "[[64, 128]]", False),
    ],
)
def test_a_value_is_the_models_default_only_where_it_is_the_same(default: object, written: str, same: bool) -> None:
    defaults = Ingredients("data", "", {"setting": default})
    given = ids(expand(job(f"space.setting={written}"), defaults))
    assert (given == ids(expand(job(), defaults))) is same


def test_an_axis_added_with_the_models_default_changes_nothing() -> None:
    with_default = Ingredients("data", "", {"dropout": 0.0})
    before = ids(expand(job(), with_default))
    after = ids(expand(job("space.dropout=[0.0,0.5]"), with_default))
    assert before < after


def test_rules_leave_points_out_and_are_counted() -> None:
    text = JOB + "rules:\n  - skip: neurons == 10 and epochs > 10\n  - skip: optimizer == 'sgd' and batch_size == 8\n"
    grid = expand(job(text=text), PLAIN)
    assert [count for _, count in grid.skipped] == [12, 10]
    assert len(grid.trials) == 32 - 22


def test_rules_that_leave_nothing_are_refused() -> None:
    with pytest.raises(JobError, match="leave none of the 32 points"):
        expand(job(text=JOB + "rules: [{skip: epochs > 0}]\n"), PLAIN)


def test_points_that_are_the_same_trial_are_one() -> None:
    grid = expand(job("optimizer=[sgd,adam]", "momentum=[0.0,0.9]"), PLAIN)
    assert (grid.points, grid.repeated, len(grid.trials)) == (128, 32, 96)


def test_a_plan_of_everything_new() -> None:
    plan = make_plan(expand(job(), PLAIN), {}, {}, train_images=1294)
    assert (plan.new, plan.done, plan.resume) == (32, 0, 0)
    assert (plan.epochs, plan.epochs_alone, round(plan.saving, 2)) == (800, 1440, 1.8)
    assert {(line.config.epochs, line.trials, line.start) for line in plan.lineages} == {(100, 4, -1)}
    assert sum(line.steps for line in plan.lineages) == 4 * 100 * (324 + 162)


def test_without_a_shareable_schedule_every_trial_is_its_own_lineage() -> None:
    plan = make_plan(expand(job("schedule=cosine"), PLAIN), {}, {}, train_images=1294)
    assert (len(plan.lineages), plan.epochs, plan.saving) == (32, 1440, 1.0)


states = st.sampled_from([None, *TrialState])


@given(
    st.lists(states, min_size=32, max_size=32),
    st.lists(st.integers(-1, 100), min_size=8, max_size=8),
    st.booleans(),
)
def test_a_plan_accounts_for_every_trial(chosen: list[TrialState | None], epochs: list[int], retry: bool) -> None:
    grid = expand(job(), PLAIN)
    known = {t.trial_id: s for t, s in zip(grid.trials, chosen, strict=True) if s}
    lineages = list(dict.fromkeys(trial.lineage_id for trial in grid.trials))
    recorded = {key: e for key, e in zip(lineages, epochs, strict=True) if e >= 0}
    plan = make_plan(grid, known, recorded, train_images=1294, retry_failed=retry)
    assert plan.new + plan.read + plan.open + plan.resume + plan.retry + plan.failed + plan.done == 32
    assert plan.epochs <= plan.epochs_alone or plan.epochs == 0
    ended = {TrialState.COMPLETED, TrialState.STOPPED, TrialState.DIVERGED}
    assert plan.done == sum(state in ended for state in chosen)
    assert sum(line.trials for line in plan.lineages) == plan.new + plan.open + plan.resume + plan.retry
