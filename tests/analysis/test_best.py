"""One ranking for all: whoever names the best trial of a job names the same one, and one that has a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsearch.analysis.best import Place, best
from gridsearch.analysis.curves import curves
from gridsearch.analysis.edges import edge_notes
from gridsearch.analysis.frames import load
from gridsearch.analysis.ranking import TableOptions, leader, table
from gridsearch.analysis.standings import standings
from gridsearch.analysis.summary import summary
from gridsearch.cli.jobs import chosen_points
from gridsearch.cli.render.best import best_trial
from gridsearch.config.events import (
    EpochRecord,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageFinished,
    LineageStopped,
)
from gridsearch.engine.trained.retention import best_trials
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from tests.analysis.grids import ACCURACY, make_config, make_job
from tests.store.grids import as_new

RATES = [0.1, 0.01, 0.001]
#: What becomes of a lineage of three epochs: its scores, or how it ends.
Fate = Sequence[float] | str
FATES: list[Fate] = [(0.5, 0.5, 0.5), (0.9, 0.2, 0.5), (0.1, 0.6, 0.4), "failed", "diverged", "stopped", "open"]


def stored(store: Store, fates: Sequence[Fate], **job: Any) -> None:
    """A job of three learning rates, each trained with as many seeds as there are fates for it."""
    repeats = len(fates) // len(RATES)
    points = [{"learning_rate": rate, "seed": seed, "early_stopping": 9} for rate in RATES for seed in range(repeats)]
    trials = [as_new(make_config(point | {"epochs": 3})) for point in points]
    more = {"repeats": repeats} if repeats > 1 else {}
    store.put_job("small", make_job({"learning_rate": RATES}, **more | job).spec, "", trials)
    launch = store.open_launch("small", "host", 1, 1.0, 1)
    wanted = {trial.lineage_id: 3 for trial, fate in zip(trials, fates, strict=True) if fate != "open"}
    claims = {claim.lineage_id: claim.attempt for claim in store.claim(launch, wanted)}
    told = [
        event
        for trial, fate in zip(trials, fates, strict=True)
        if fate != "open"
        for event in events(trial.lineage_id, claims[trial.lineage_id], fate)
    ]
    store.record(launch, told, {})


def events(lineage: str, attempt: int, fate: Fate) -> list[LineageEvent]:
    def epoch(number: int, score: float) -> EpochRecord:
        return EpochRecord(lineage, attempt, number, 1 - score, score, 1 - score, score, 0.1, 1.0)

    scores = [0.7, 0.7] if isinstance(fate, str) else fate
    found: list[LineageEvent] = [epoch(0, 0.99), *(epoch(n, score) for n, score in enumerate(scores, start=1))]
    if fate == "failed":
        return [LineageFailed(lineage, attempt, "RuntimeError: no memory", "Traceback")]
    if fate == "diverged":
        return [*found, LineageDiverged(lineage, attempt, 3)]
    return [*found, LineageStopped(lineage, attempt, 2) if fate == "stopped" else LineageFinished(lineage, attempt)]


def names(places: Sequence[Place]) -> list[tuple[str, float]]:
    return [(place.row.trial_id, place.score) for place in places]


def agree(store: Store) -> list[Place]:
    """Return the ranking, after everybody was asked for it."""
    data, found = load(store, "small", with_epochs=True), best(store, "small")
    rows = table(data, TableOptions(top=99, bottom=0)).rows
    first = leader(data)
    ranked = [(row.trial, row.score) for row in rows if row.score is not None and row.state != "diverged"]
    assert ranked[: len(found)] == names(found)
    assert names(best(store, "small", 1)) == names(found)[:1]
    assert [one.leads for one in standings(data)] == [True] * len(found) + [False] * (len(rows) - len(found))
    glance, words, curve = summary(data).best, best_trial(store, "small"), curves(data).best
    if not found:
        assert first is None and glance is None and words is None and not curve and not edge_notes(data)
        return found
    assert first is not None and glance is not None and words is not None
    named = {found[0].row.trial_id, first.trial, glance.trial, words.trial, best_trials(store, "small", 1)[0].trial_id}
    assert len(named) == 1
    assert curve[0].trial in {row.trial_id for row in found[0].members}
    points = chosen_points(store, "small", None, 9)
    assert points == [([row.trial_id for row in place.members], place.of) for place in found]
    assert all(row.state in ("completed", "stopped") for place in found for row in (place.row, *place.members))
    return found


def test_of_a_point_whose_first_repeat_failed_all_name_the_first_that_has_a_model(tmp_path: Path) -> None:
    with open_store(tmp_path / "r.db") as store:
        stored(store, ["failed", (0.8, 0.9, 0.95), (0.5, 0.5, 0.5), (0.4, 0.4, 0.4), "failed", "failed"])
        first, second = agree(store)
        ids = [row.trial_id for row in store.trials("small")]
    assert first.row.trial_id == ids[1] and first.score == pytest.approx(0.95) and first.of == 2
    assert second.row.trial_id == ids[2] and second.score == pytest.approx(0.45)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fates=st.integers(1, 2).flatmap(lambda n: st.lists(st.sampled_from(FATES), min_size=3 * n, max_size=3 * n)),
    objective=st.sampled_from(
        [ACCURACY, {"metric": "val_loss", "at": "last"}, {"metric": "val_accuracy", "at": "best"}]
    ),
    limits=st.sampled_from([{}, {"constraints": {"seconds": 3}}]),
)
def test_whoever_ranks_comes_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, fates: list[Fate], objective: dict[str, str], limits: dict[str, Any]
) -> None:
    with open_store(tmp_path_factory.mktemp("best") / "r.db") as store:
        stored(store, fates, objective=objective, **limits)
        found = agree(store)
    if not limits and len(fates) == 3:
        assert len(found) == sum(fate not in ("failed", "diverged", "open") for fate in fates)
