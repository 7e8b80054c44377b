"""How a job was launched last: its file, and what was set on the command line in place of what the file says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from gridsearch.config.overridden_source import overrides_in
from gridsearch.paths import JOBS_NAME
from gridsearch.store.rows import JobRow, LaunchRow

_SUFFIXES = (".yaml", ".yml")


def launched_as(job: JobRow, launches: Sequence[LaunchRow], changes: Sequence[str] = ()) -> list[str]:
    """Return the words of a command that launches a job as it was last launched, but for some keys.

    Args:
        job: The job.
        launches: Its launches.
        changes: What is to be set, as `KEY=VALUE`.

    Returns:
        The job's name where that leads to its file, else the file; and for each key that is set, `--set` and its value.
    """
    changed = {text.partition("=")[0] for text in changes}
    kept = [text for text in overrides_in(job.source) if text.partition("=")[0] not in changed]
    return [_file(job, launches), *(word for text in (*kept, *changes) for word in ("--set", text))]


def _file(job: JobRow, launches: Sequence[LaunchRow]) -> str:
    for launch in sorted(launches, key=lambda one: one.started_at, reverse=True):
        words = _words(launch.origin.command or "")
        if words[1:2] == ["launch"] and len(words) > 2:
            path = PurePath(words[2])
            plain = path.suffix in (*_SUFFIXES, "") and str(path.parent) in (".", JOBS_NAME)
            return job.name if plain and path.name in (job.name, *(job.name + end for end in _SUFFIXES)) else words[2]
    return job.name


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a store may have any text there
        return []
