"""How a job was run: on what, with which versions, from which seeds, in which launches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.store.rows import LaunchRow

#: So many launches are listed, and so many seeds.
MOST_LAUNCHES, MOST_SEEDS = 10, 8
SEEDS = ("seed", "data_seed", "split_seed")


@dataclass(frozen=True, slots=True)
class Running:
    """How a job was run.

    Attributes:
        facts: What was used, in words: the processors, the version of torch, the seeds.
        launches: The last launches, the first of them first.
        left_out: How many came before these.
    """

    facts: tuple[tuple[str, str], ...]
    launches: tuple[LaunchRow, ...]
    left_out: int


def running(data: JobData) -> Running:
    """Return how a job was run, as far as its store knows."""
    formations = {training.formation for training in data.trainings}
    together = sum(len(one.places) > 1 for one in formations)
    facts = [
        ("Trained on", _list(one.device for one in formations)),
        ("torch", _list(one.torch for one in formations)),
        ("Threads of a worker", _list(str(one.threads) for one in formations)),
        ("Trained together", f"{together:,} groups of models" if together > 1 else "one group" if together else ""),
    ]
    for name in SEEDS:
        if name in data.trials:
            facts.append((name.replace("_", " ").capitalize(), _seeds(data.trials[name].dropna().unique().tolist())))
    first = max(0, len(data.launches) - MOST_LAUNCHES)
    return Running(tuple(fact for fact in facts if fact[1]), tuple(data.launches[first:]), first)


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(filter(None, words))))


def _seeds(values: Sequence[object]) -> str:
    texts = [label(value) for value in values]
    more = len(texts) - MOST_SEEDS
    return ", ".join(texts[:MOST_SEEDS]) + (f" and {more:,} more" if more > 0 else "")
