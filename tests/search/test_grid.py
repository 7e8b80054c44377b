from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.events import TrialState
from gridsearch.config.identity import flatten, parse, point_of
from gridsearch.config.job import JobSpec, job_from_text
from gridsearch.config.selection import selecting
from gridsearch.config.trial import REPEATED_SEEDS
from gridsearch.errors import JobError
from gridsearch.search.grid import Grid, Ingredients, ModelPart, expand
from gridsearch.search.plan import make_plan

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


def of(part: ModelPart | None = None, *, data: str = "data", **others: ModelPart) -> Ingredients:
    """Return what grids are made of: the part of the model `shallow`, and those of others."""
    return Ingredients(data, {"shallow": part or ModelPart(), **others})


PLAIN = of()


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
    assert not ids(expand(job(), of(data="other data"))) & before
    assert not ids(expand(job(), of(ModelPart("other code")))) & before
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
    defaults = of(ModelPart(defaults={"setting": default}))
    given = ids(expand(job(f"space.setting={written}"), defaults))
    assert (given == ids(expand(job(), defaults))) is same


def test_a_version_is_the_models_or_the_recipes() -> None:
    def versions(ingredients: Ingredients, *overrides: str) -> set[int]:
        return {trial.config.version for trial in expand(job(*overrides), ingredients).trials}

    by_width = of(ModelPart(version=lambda hyper: 2 if hyper["neurons"] == 25 else 1))
    assert versions(PLAIN) == versions(PLAIN, "precision=float32", "optimizer=adam") == {1}
    assert versions(PLAIN, "precision=mixed") == {2}
    assert versions(by_width) == {1, 2}
    old = [trial for trial in expand(job(), by_width).trials if trial.config.hyper["neurons"] == 10]
    assert {trial.trial_id for trial in old} < ids(expand(job(), PLAIN))
    assert len(ids(expand(job(), by_width)) - ids(expand(job(), PLAIN))) == 16


def test_imagenets_weights_bring_imagenets_normalisation_unless_another_is_asked_for() -> None:
    known = of(ModelPart(pretrained={"imagenet": "imagenet", "mine.pt": "sha256:1"}))

    def pairs(*overrides: str) -> set[tuple[str, str]]:
        grid = expand(job("batch_size=4", "epochs=1", "learning_rate=1", "neurons=1", *overrides), known)
        return {(trial.config.pretrained, trial.config.normalization) for trial in grid.trials}

    assert pairs("pretrained=['', imagenet, mine.pt]") == {
        ("", "scale"),
        ("imagenet", "imagenet"),
        ("sha256:1", "scale"),
    }
    assert pairs("pretrained=imagenet", "normalization=scale") == {("imagenet", "scale")}
    both = {("imagenet", "scale"), ("imagenet", "channel")}
    assert pairs("pretrained=imagenet", "normalization=[scale, channel]") == both
    # What was asked for by name is the same trial; and what a job had before can still be asked for.
    implied, named = (expand(job("pretrained=imagenet", *more), known) for more in ((), ("normalization=imagenet",)))
    assert ids(implied) == ids(named)
    assert {trial.config.version for trial in implied.trials} == {1}
    text = JOB + "rules: [{skip: normalization == 'imagenet'}]\n"
    with pytest.raises(JobError, match="leave none"):
        expand(job("pretrained=imagenet", text=text), known)


def test_an_axis_added_with_the_models_default_changes_nothing() -> None:
    with_default = of(ModelPart(defaults={"dropout": 0.0}))
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
    assert grid.idle == ["momentum"]


def test_repeats_are_the_same_trials_under_the_next_seeds() -> None:
    one, three = (expand(job(f"repeats={count}", "seed=5"), PLAIN) for count in (1, 3))
    assert ids(one) == ids(expand(job("seed=5"), PLAIN)) < ids(three)
    assert (three.points, three.kept, len(three.trials)) == (32, 32, 96)
    assert [trial.config.seed for trial in three.trials[:3]] == [5, 6, 7]
    assert ids(three) == ids(expand(job("seed=[5,6,7]"), PLAIN))
    assert len({trial.lineage_id for trial in three.trials}) == 24


@pytest.mark.parametrize(
    ("over", "seeds"),
    [
        ("weights", [(5, 2), (6, 2), (7, 2)]),
        ("split", [(5, 2), (5, 3), (5, 4)]),
        ("both", [(5, 2), (6, 3), (7, 4)]),
    ],
)
def test_repeats_draw_the_weights_the_split_or_both(over: str, seeds: list[tuple[int, int]]) -> None:
    given = ("seed=5", "data_seed=2")
    grid = expand(job("repeats=3", f"repeat_over={over}", *given), PLAIN)
    assert [(trial.config.seed, trial.config.data_seed) for trial in grid.trials[:3]] == seeds
    assert ids(expand(job(*given), PLAIN)) < ids(grid)
    names = REPEATED_SEEDS[over]
    assert len({point_of(trial.canonical, names) for trial in grid.trials}) == grid.kept == 32
    if over == "weights":
        assert ids(grid) == ids(expand(job("seed=[5,6,7]", "data_seed=2"), PLAIN))
    if over == "split":
        assert ids(grid) == ids(expand(job("seed=5", "data_seed=[2,3,4]"), PLAIN))


def test_folds_are_trials_of_their_own() -> None:
    grid = expand(job("split.folds=3", "repeats=2"), PLAIN)
    assert [(trial.config.seed, trial.config.fold) for trial in grid.trials[:6]] == [
        (seed, fold) for seed in (0, 1) for fold in (0, 1, 2)
    ]
    assert len(ids(grid)) == 32 * 6
    assert len({point_of(trial.canonical) for trial in grid.trials}) == 32
    assert not ids(grid) & (ids(expand(job("split.folds=4"), PLAIN)) | ids(expand(job(), PLAIN)))
    for trial in grid.trials[:6]:
        assert parse(trial.canonical) == trial.config
        assert flatten(trial.canonical)["fold"] == trial.config.fold


RANDOM = JOB + "rules: [{skip: neurons == 10 and batch_size == 4}]\n"


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5), st.integers(1, 2))
def test_more_draws_keep_the_earlier_ones(some: int, more: int, seed: int, repeats: int) -> None:
    fewer, many = sorted((some, more))
    asked = [f"search={{random: {count}, seed: {seed}}}" for count in (fewer, many)]
    first, second = (expand(job(one, f"repeats={repeats}", text=RANDOM), PLAIN) for one in asked)
    whole = expand(job(f"repeats={repeats}", text=RANDOM), PLAIN)
    assert [trial.trial_id for trial in second.trials][: len(first.trials)] == [t.trial_id for t in first.trials]
    assert ids(second) <= ids(whole)
    for count, grid in ((fewer, first), (many, second)):
        assert grid.kept == min(count, 24) == len(grid.trials) / repeats
        assert grid.points - grid.skipped[0][1] == grid.kept
        assert (grid.points == 32) if count > 24 else (grid.points <= 32)
        assert (grid.asked, grid.size) == (count, 32)


def test_draws_that_are_the_same_trial_are_drawn_again() -> None:
    grid = expand(job("search.random=20", "optimizer=[adam]", "momentum=[0.0,0.5,0.9]"), PLAIN)
    assert (grid.kept, len(ids(grid))) == (20, 20)
    assert grid.points == 20 + grid.repeated > 20
    assert grid.drawn_text == "20 of 96 points, drawn at random"


def test_rules_that_leave_nothing_of_a_vast_space_end_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridsearch.search.grid.MAX_POINTS", 500)
    text = JOB + "  width: {uniform: [0.0, 1.0]}\nsearch: {random: 5}\nrules: [{skip: width >= 0}]\n"
    with pytest.raises(JobError, match="leave none of the 500 points"):
        expand(job(text=text), PLAIN)


def test_a_continuous_range_is_drawn_between_its_ends() -> None:
    grid = expand(job("search.random=40", "learning_rate={loguniform: [0.001, 0.1]}"), PLAIN)
    rates = [trial.config.learning_rate for trial in grid.trials]
    assert len(set(rates)) > 30
    assert min(rates) < 0.005 and max(rates) > 0.02
    assert all(0.001 <= rate <= 0.1 and float(f"{rate:.4g}") == rate for rate in rates)
    assert (grid.size, grid.drawn_text) == (None, "40 points, drawn at random")


def test_a_plan_of_everything_new() -> None:
    plan = make_plan(expand(job(), PLAIN), {}, {}, train_images=lambda config: 1294)
    assert (plan.new, plan.done, plan.resume) == (32, 0, 0)
    assert (plan.epochs, plan.epochs_alone) == (800, 1440)
    assert {(line.config.epochs, line.trials, line.start) for line in plan.lineages} == {(100, 4, -1)}
    assert sum(line.steps for line in plan.lineages) == 4 * 100 * (324 + 162)


def test_without_a_shareable_schedule_every_trial_is_its_own_lineage() -> None:
    plan = make_plan(expand(job("schedule=cosine"), PLAIN), {}, {}, train_images=lambda config: 1294)
    assert (len(plan.lineages), plan.epochs, plan.epochs_alone) == (32, 1440, 1440)


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
    plan = make_plan(grid, known, recorded, train_images=lambda config: 1294, retry_failed=retry)
    assert plan.new + plan.read + plan.open + plan.resume + plan.retry + plan.failed + plan.done == 32
    assert not plan.doomed and not plan.to_fail
    assert plan.epochs <= plan.epochs_alone or plan.epochs == 0
    ended = {TrialState.COMPLETED, TrialState.STOPPED, TrialState.DIVERGED}
    assert plan.done == sum(state in ended for state in chosen)
    assert sum(line.trials for line in plan.lineages) == plan.new + plan.open + plan.resume + plan.retry


def test_what_cannot_be_trained_is_in_no_other_count() -> None:
    grid = expand(job(), PLAIN)
    wide = [trial for trial in grid.trials if trial.config.hyper["neurons"] == 25]
    ended = {wide[0].trial_id: TrialState.COMPLETED, wide[1].trial_id: TrialState.FAILED}
    plan = make_plan(
        grid, ended, {}, train_images=lambda config: 1294, is_doomed=lambda config: config.hyper["neurons"] == 25
    )
    assert (plan.new, plan.done, plan.failed, len(plan.doomed)) == (32 - len(wide), 1, 0, len(wide) - 1)
    assert {line.config.hyper["neurons"] for line in plan.lineages} == {10}
    assert sum(line.trials for line in plan.to_fail) == len(wide) - 2


def test_a_trial_is_selected_where_one_of_its_points_is() -> None:
    """Under Adam momentum changes nothing: its points are one trial, which is in the slice `momentum=0.9` too."""
    change = ("optimizer=[sgd,adam]", "momentum=[0.0,0.9]")
    whole = job(*change)
    grid = expand(selecting(whole, ["momentum == 0.9"]), PLAIN)
    assert ids(grid) == ids(expand(whole, PLAIN))
    assert grid.chosen == ids(expand(job("optimizer=[sgd,adam]", "momentum=0.9"), PLAIN))
    by_default = of(ModelPart(defaults={"neurons": 10}))
    assert len(expand(selecting(job(), ["neurons == 10"]), by_default).chosen_trials) == 16


def test_a_random_search_draws_the_same_points_whatever_is_selected() -> None:
    whole = job("search={random: 12, seed: 3}")
    grid = expand(selecting(whole, ["epochs in [10, 20]"]), PLAIN)
    assert ids(grid) == ids(expand(whole, PLAIN))
    assert grid.chosen == {trial.trial_id for trial in grid.trials if trial.config.epochs <= 20} != set()


NAMES = ("neurons", "width", "depth")
AXES = {"neurons": [10, 25], "width": [1, 2, 3], "depth": [5, 6]}


@given(
    st.dictionaries(st.sampled_from(["a:A", "b:B", "c:C"]), st.sets(st.sampled_from(NAMES)), min_size=2),
    st.sampled_from([[], ["momentum=[0.0,0.9]"], ["repeats=2"], ["split.folds=2"]]),
)
def test_a_trial_of_several_models_is_that_of_a_job_of_its_model(has: dict[str, set[str]], more: list[str]) -> None:
    parts = {
        name: ModelPart(code=name, defaults={"depth": 5}, version=lambda hyper: len(hyper) + 1, has=own.__contains__)
        for name, own in has.items()
    }

    def grid(models: list[str], known: set[str]) -> Grid:
        text = JOB.partition("space:")[0] + "space:\n  batch_size: 4\n  epochs: [10, 20]\n  learning_rate: 0.1\n"
        text += "".join(f"  {name}: {AXES[name]}\n" for name in NAMES if name in known)
        return expand(job(f"model=[{', '.join(models)}]", *more, text=text), Ingredients("data", parts))

    several = grid(list(has), set().union(*has.values()))
    alone = {name: grid([name], own) for name, own in has.items()}
    assert [trial.canonical for trial in several.trials] == [
        trial.canonical for one in alone.values() for trial in one.trials
    ]
    assert several.points == several.kept + several.repeated
    assert set(several.idle) <= set(NAMES)


def test_rules_and_selections_know_models_and_settings_that_one_lacks_are_null() -> None:
    made = of(ModelPart(has=lambda name: name == "neurons"), mlp=ModelPart(has=lambda name: name == "width"))
    text = JOB.replace("model: shallow", "model: [shallow, mlp]") + "  width: [1, 2]\n"

    def kept(*rules: str, only: list[str] | None = None) -> dict[str, int]:
        whole = job(f"rules={[{'skip': rule} for rule in rules]}", text=text)
        found = [trial.config.model for trial in expand(selecting(whole, only or []), made).chosen_trials]
        return {model: found.count(model) for model in ("shallow", "mlp")}

    assert kept() == {"shallow": 32, "mlp": 32}
    assert kept("model == 'mlp' and epochs > 10") == {"shallow": 32, "mlp": 8}
    assert kept("neurons > 10") == kept("neurons == 25") == {"shallow": 16, "mlp": 32}
    assert kept("width == null and epochs == 10") == {"shallow": 24, "mlp": 32}
    assert kept(only=["model == 'shallow' or width == 1"]) == {"shallow": 32, "mlp": 16}
    with pytest.raises(JobError, match=r"--only .*: model is never 'cnn': it is 'shallow' or 'mlp'"):
        kept(only=["model == 'cnn'"])
    assert len(expand(job("rules=[{skip: model == 'mlp'}]"), PLAIN).trials) == 32
