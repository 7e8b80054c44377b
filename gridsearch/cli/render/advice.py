"""Advice in words: what was seen and why it matters, then the command and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridsearch.cli.render.wording import duration, plural

if TYPE_CHECKING:
    from gridsearch.analysis.advice.piece import Advice


def advice_text(one: Advice) -> str:
    """Return a piece of advice in a sentence, without its command: what was seen, why it matters, what that takes."""
    takes = effort_text(one)
    return f"{one.code}: {one.seen}; {one.why}{f' ({takes})' if takes else ''}"


def effort_text(one: Advice) -> str:
    """Return what the command of a piece of advice takes: `288 trials, about 3m 10s`; nothing where it is free."""
    effort = one.effort
    if effort is None or not effort.trials:
        return ""
    trials = plural(effort.trials, "trial")
    if effort.seconds is None:
        return trials
    if effort.trained:
        return f"{trials}, trained already"
    return f"{trials}, about {duration(effort.seconds)}" if effort.seconds >= 1 else f"{trials}, less than a second"
