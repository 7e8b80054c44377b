"""States by short names, and what a store says of a trial."""

from __future__ import annotations

from gridsearch.config.events import TrialState
from gridsearch.store.contract import Store
from gridsearch.store.rows import NewTrial, TrialRow

PENDING, RUNNING = TrialState.PENDING, TrialState.RUNNING
COMPLETED, STOPPED = TrialState.COMPLETED, TrialState.STOPPED
DIVERGED, FAILED = TrialState.DIVERGED, TrialState.FAILED


def state_of(store: Store, trial: NewTrial) -> TrialState:
    return store.states([trial.trial_id])[trial.trial_id]


def row_of(store: Store, trial: NewTrial) -> TrialRow:
    return store.trial(trial.trial_id)
