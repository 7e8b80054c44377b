"""How a job was run: on what, with which versions, from which seeds, in which launches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.store.rows import LaunchRow, Origin, Versions
from gridsearch.store.signs_of_life import Life, life

#: So many launches are listed, and so many seeds.
MOST_LAUNCHES, MOST_SEEDS = 10, 8
#: Digits of a commit that are shown: as many as tell commits apart in the largest repositories there are.
_DIGITS = 12
_COLUMNS = ["started", "ended", "outcome", "workers", "machine", "command", "git_commit", "git_clean", "versions"]
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


def commit_text(origin: Origin) -> str:
    """Return the git commit of a launch in words, and whether files differed from it; nothing where it is not known.

    >>> commit_text(Origin(commit="5a1c04be3d29f8e1c2d3" * 2, clean=False))
    '5a1c04be3d29, with changes'
    """
    if origin.commit is None:
        return ""
    state = {True: "unchanged", False: "with changes", None: "not known whether unchanged"}[origin.clean]
    return f"{origin.commit[:_DIGITS]}, {state}"


def outcome_text(launch: LaunchRow) -> str:
    """Return how a launch ended in words, or that it has not."""
    if launch.ended_at is None:
        return "lost" if life(launch) is Life.LOST else "not ended"
    return (launch.outcome or "not known").replace("_", " ")


def running(data: JobData) -> Running:
    """Return how a job was run, as far as its store knows."""
    formations = {training.formation for training in data.trainings}
    together = sum(len(one.places) > 1 for one in formations)
    facts = [
        ("Trained on", _list(one.device for one in formations)),
        ("Versions", _versions(data)),
        ("Threads of a worker", _list(str(one.threads) for one in formations)),
        ("Trained together", f"{together:,} groups of models" if together > 1 else "one group" if together else ""),
    ]
    for name in SEEDS:
        if name in data.trials:
            facts.append((name.replace("_", " ").capitalize(), _seeds(data.trials[name].dropna().unique().tolist())))
    first = max(0, len(data.launches) - MOST_LAUNCHES)
    return Running(tuple(fact for fact in facts if fact[1]), tuple(data.launches[first:]), first)


def launches_frame(data: JobData) -> pd.DataFrame:
    """Return one row per launch of a job, oldest first; what is not known is missing."""
    rows = [
        {
            "started": pd.Timestamp(one.started_at),
            "ended": None if one.ended_at is None else pd.Timestamp(one.ended_at),
            "outcome": one.outcome,
            "workers": one.workers,
            "machine": one.host,
            "command": one.origin.command,
            "git_commit": one.origin.commit,
            "git_clean": one.origin.clean,
            "versions": versions_text([one.origin.versions]) or None,
        }
        for one in data.launches
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def versions_text(versions: Iterable[Versions]) -> str:
    """Return versions in words, each program once with every version of it that there is; nothing for none.

    >>> versions_text([(("gridsearch", "0.1.0"), ("torch", "2.4.0")), (("gridsearch", "0.1.0"), ("torch", "2.5.1"))])
    'gridsearch 0.1.0, torch 2.4.0 and 2.5.1'
    """
    found: dict[str, list[str]] = {}
    for name, version in (pair for one in versions for pair in one):
        if version not in found.setdefault(name, []):
            found[name].append(version)
    return ", ".join(f"{name} {' and '.join(known)}" for name, known in found.items())


def _versions(data: JobData) -> str:
    """Return with which versions a job was trained: as its launches tell, of torch as its trainings do."""
    trained = sorted({training.formation.torch for training in data.trainings} - {""})
    told = [one.origin.versions for one in data.launches]
    if trained:
        # Workers on another machine may have another one than the launch.
        told = [tuple(pair for pair in one if pair[0] != "torch") for one in told]
    return versions_text([*told, *((("torch", version),) for version in trained)])


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(filter(None, words))))


def _seeds(values: Sequence[object]) -> str:
    texts = [label(value) for value in values]
    more = len(texts) - MOST_SEEDS
    return ", ".join(texts[:MOST_SEEDS]) + (f" and {more:,} more" if more > 0 else "")
