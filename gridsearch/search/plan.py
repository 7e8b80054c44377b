"""What a launch will do, as a difference between a grid and what the store already has; a pure function of both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.config.trial import TrialConfig
from gridsearch.search.grid import Grid, GridTrial

#: Kinds of trials that have to be trained.
_TO_TRAIN = ("new", "open", "resume", "retry")
#: What becomes of kinds whose trials cannot be trained.
_TO_FAIL, _HAVE_FAILED = "to fail", "have failed"
_DOOMED = dict.fromkeys(_TO_TRAIN, _TO_FAIL) | {"failed": _HAVE_FAILED}


@dataclass(frozen=True)
class LineagePlan:
    """A lineage to train: its longest wanted trial, where it goes on from, and what it costs.

    `start` is the last epoch already recorded (-1: none); `steps` counts the optimiser steps to make. `readings` are
    the numbers of epochs of all its trials in the grid, those included that have their result, ascending.
    """

    lineage_id: str
    config: TrialConfig
    start: int
    trials: int
    steps: int
    readings: tuple[int, ...] = ()

    @property
    def epochs(self) -> int:
        """Return how many epochs are to be trained."""
        return max(0, self.config.epochs - max(0, self.start))


@dataclass(frozen=True)
class Plan:
    """The difference that a launch will make to those trials of the grid that it is to train, by default to all.

    Counts of trials: `new` are not in the store, `read` need no training because their lineage has been trained that
    far, `resume` are open and have epochs already, `retry` failed before (trained again only when asked), `done` have
    their result. `doomed` are the trials without a result that cannot be trained, in none of the other counts; of these
    `to_fail` are the lineages of those that are not recorded as failed yet. `others` are the open trials that it is not
    to train, and of these `passed` those that come to their result on the way, as a longer trial of their lineage is
    trained. Epochs: `epochs_alone` is what the trials to train would cost one by one, `epochs` what they cost together.
    """

    grid: Grid
    new: int
    read: int
    open: int
    resume: int
    retry: int
    failed: int
    done: int
    lineages: Sequence[LineagePlan]
    epochs_alone: int
    epochs: int
    others: int = 0
    passed: int = 0
    doomed: Sequence[GridTrial] = ()
    to_fail: Sequence[LineagePlan] = ()


def make_plan(
    grid: Grid,
    states: Mapping[str, TrialState],
    recorded: Mapping[str, int],
    *,
    train_images: Callable[[TrialConfig], int],
    retry_failed: bool = False,
    is_doomed: Callable[[TrialConfig], bool] = lambda config: False,
) -> Plan:
    """Return the plan for a grid, given the states of trials and the last epochs of lineages in the store.

    `train_images` gives the number of a trial's training images, `is_doomed` says whether it is known that it cannot be
    trained.
    """

    def kind(trial: GridTrial) -> str:
        found = _kind(trial, states, recorded, retry_failed)
        doomed = _DOOMED.get(found)
        return doomed if doomed and is_doomed(trial.config) else found

    kinds = {trial.trial_id: kind(trial) for trial in grid.chosen_trials}
    counts = Counter(kinds.values())
    wanted = [trial for trial in grid.chosen_trials if kinds[trial.trial_id] in _TO_TRAIN]
    lineages = _lineages(grid, wanted, recorded, train_images)
    longest = {lineage.lineage_id: lineage.config.epochs for lineage in lineages}
    others = [trial for trial in grid.trials if trial.trial_id not in kinds and kind(trial) in _TO_TRAIN]
    passed = sum(trial.config.epochs <= longest.get(trial.lineage_id, 0) for trial in others)
    alone = sum(max(0, trial.config.epochs - max(0, recorded.get(trial.lineage_id, 0))) for trial in wanted)
    doomed = [trial for trial in grid.chosen_trials if kinds[trial.trial_id] in (_TO_FAIL, _HAVE_FAILED)]
    to_fail = [trial for trial in doomed if kinds[trial.trial_id] == _TO_FAIL]
    return Plan(
        grid=grid,
        new=counts["new"],
        read=counts["read"],
        open=counts["open"],
        resume=counts["resume"],
        retry=counts["retry"],
        failed=counts["failed"],
        done=counts["done"],
        lineages=lineages,
        epochs_alone=alone,
        epochs=sum(lineage.epochs for lineage in lineages),
        others=len(others),
        passed=passed,
        doomed=doomed,
        to_fail=_lineages(grid, to_fail, recorded, train_images),
    )


def _lineages(
    grid: Grid, wanted: Sequence[GridTrial], recorded: Mapping[str, int], train_images: Callable[[TrialConfig], int]
) -> list[LineagePlan]:
    """Return the lineages of trials, in the order of the grid."""
    longest: dict[str, GridTrial] = {}
    for trial in wanted:
        best = longest.get(trial.lineage_id)
        if best is None or trial.config.epochs > best.config.epochs:
            longest[trial.lineage_id] = trial
    trials_of = Counter(trial.lineage_id for trial in wanted)
    readings: defaultdict[str, set[int]] = defaultdict(set)
    for trial in grid.trials:
        if trial.lineage_id in longest:
            readings[trial.lineage_id].add(trial.config.epochs)
    # In the order of the grid, whichever of a lineage's trials are done: so those left are in the same order again.
    return [
        replace(
            _lineage(longest[key], recorded.get(key, -1), trials_of[key], train_images),
            readings=tuple(sorted(readings[key])),
        )
        for key in readings
    ]


def _kind(trial: GridTrial, states: Mapping[str, TrialState], recorded: Mapping[str, int], retry_failed: bool) -> str:
    state = states.get(trial.trial_id)
    if state in RESULT_STATES:
        return "done"
    if state in (TrialState.FAILED, TrialState.CANCELLED):
        return "retry" if retry_failed else "failed"
    known = recorded.get(trial.lineage_id, -1)
    if state is None:
        return "read" if known >= trial.config.epochs else "new" if known < 1 else "resume"
    return "resume" if known > 0 else "open"


def _lineage(trial: GridTrial, start: int, trials: int, train_images: Callable[[TrialConfig], int]) -> LineagePlan:
    config = trial.config
    steps = config.batches_of_epoch(train_images(config)) * max(0, config.epochs - max(0, start))
    return LineagePlan(trial.lineage_id, config, start, trials, steps)
