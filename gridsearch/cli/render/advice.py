"""Advice in words: what was seen and why it matters, then the command and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridsearch.cli.render.wording import duration, plural

if TYPE_CHECKING:
    from gridsearch.analysis.advice.piece import Advice


def advice_lines(one: Advice) -> list[str]:
    """Return a piece of advice as lines: the command stands unbroken on one of its own."""
    takes = effort_text(one)
    head = f"{one.code}: {one.seen}; {one.why}"
    return [f"{head}{f' ({takes})' if takes else ''}: {one.run}" if one.run else head]


def effort_text(one: Advice) -> str:
    """Return what the command of a piece of advice takes: `288 trials, about 3m 10s`; nothing where it is free."""
    effort = one.effort
    if effort is None or not effort.trials:
        return ""
    trials = plural(effort.trials, "trial")
    if effort.seconds is None:
        return trials
    return f"{trials}, about {duration(effort.seconds)}" if effort.seconds >= 0.05 else f"{trials}, trained already"
