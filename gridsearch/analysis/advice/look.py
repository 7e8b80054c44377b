"""A job as the rules of advice look at it: what several of them ask is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gridsearch.analysis.effects import Effects, effects_of
from gridsearch.analysis.factors import Design, design
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.launched_as import launched_as
from gridsearch.analysis.ties import Ties, ties
from gridsearch.analysis.widening import seconds_of
from gridsearch.config.events import TrialState
from gridsearch.config.identity import parse
from gridsearch.config.trial import TrialConfig
from gridsearch.config.value_kinds import as_written
from gridsearch.shell_words import quoted
from gridsearch.store.rows import TrialRow


class Look:
    """A job, and how a command names its store: ` --store other.db`, nothing for `results.db`."""

    def __init__(self, data: JobData, store: str) -> None:
        self.data, self._store = data, store

    @cached_property
    def runs(self) -> Design:
        """The trials with a score as an experiment."""
        return design(self.data)

    @cached_property
    def effects(self) -> Effects:
        """What matters, over all trials with a score."""
        return effects_of(self.data, self.runs)

    @cached_property
    def ties(self) -> Ties | None:
        """Which of the best cannot be told apart."""
        return ties(self.data)

    @cached_property
    def longest(self) -> dict[str, int]:
        """The epochs of the longest trial of each lineage."""
        found: dict[str, int] = {}
        for row in self.data.rows:
            found[row.lineage_id] = max(row.epochs, found.get(row.lineage_id, 0))
        return found

    @property
    def own(self) -> bool:
        """Whether the training is the user's own: its settings mean what they mean to the user."""
        return bool(self.data.job.record.training)

    @property
    def config(self) -> TrialConfig:
        """The configuration of one of its trials; what no axis changes is the same in all."""
        return parse(self.data.rows[0].config)

    def rows(self, state: TrialState) -> list[TrialRow]:
        """Return the trials in a state."""
        return [row for row in self.data.rows if row.state == state]

    def seconds(self, epochs: int) -> float | None:
        """Return how long so many epochs would take; None where nothing was trained yet."""
        return seconds_of(self.data, epochs)

    def command(self, name: str, *arguments: str) -> str:
        """Return a command on the job, quoted for a shell."""
        return " ".join(["gridsearch", name, *map(quoted, (self.data.job.name, *arguments))]) + self._store

    def launch(self, *changes: str, only: Sequence[str] = (), name: str = "launch") -> str:
        """Return a command that trains, or plans, the job as it was last launched but for what is to be set.

        `only` are options that follow.
        """
        words = launched_as(self.data.job, self.data.launches, changes)
        return " ".join(["gridsearch", name, *map(quoted, (*words, *only))]) + self._store

    def selection(self, trials: Sequence[str]) -> tuple[list[str], list[TrialRow]]:
        """Return expressions on single axes that select some trials and as few others as they can, and all selected."""
        frame = self.data.trials
        chosen = frame["trial"].isin(list(trials))
        selected = np.ones(len(frame), np.bool_)
        rules = []
        for axis, column in zip(self.data.axes, self.data.axis_columns, strict=True):
            texts = set(self.data.texts(axis, frame[chosen]))
            values = [value for value in axis.values if label(value) in texts]
            if 0 < len(values) < len(axis.values) and "" not in texts and column == axis.name:
                rules.append(f"{axis.name} {_among(values)}")
                selected &= np.array([text in texts for text in self.data.texts(axis, frame)], np.bool_)
        return rules, [row for row, kept in zip(self.data.rows, selected.tolist(), strict=True) if kept]


def _among(values: Sequence[Any]) -> str:
    return f"== {as_written(values[0])}" if len(values) == 1 else f"in {as_written(list(values))}"


def setting(name: str, value: Any) -> str:
    """Return what `--set` takes for a value or a list of values."""
    return f"{name}={as_written(list(value) if isinstance(value, tuple) else value)}".replace(", ", ",")
