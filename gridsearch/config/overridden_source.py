"""The text of a job that was launched with `--set`: what was set stands above it, a line each."""

from __future__ import annotations

import json
from collections.abc import Sequence

_MARK = "# --set "


def with_overrides(text: str, overrides: Sequence[str]) -> str:
    """Return a job's text below what was set on the command line, as `KEY=VALUE`."""
    return "".join(f"{_MARK}{json.dumps(one)}\n" for one in overrides) + text


def overrides_in(text: str) -> list[str]:
    """Return what was set on the command line when a job was launched.

    >>> overrides_in(with_overrides("name: a", ["repeats=5"]))
    ['repeats=5']
    """
    found = []
    for line in text.splitlines():
        if not line.startswith(_MARK):
            break
        try:
            found.append(str(json.loads(line.removeprefix(_MARK))))
        except ValueError:  # a comment of the user's
            break
    return found
