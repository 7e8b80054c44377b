"""Advice in words: what was seen and why it matters, then the command and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridsearch.analysis.labels import probability_text

if TYPE_CHECKING:
    from gridsearch.analysis.advice.piece import Advice


def advice_text(one: Advice) -> str:
    """Return a piece of advice in a sentence, without its command: what was seen, why it matters, what that takes."""
    takes = one.takes
    chance = (
        "" if one.chance is None else f"; the first is the best with a probability of {probability_text(one.chance)}"
    )
    return f"{one.code}: {one.seen}{chance}; {one.why}{f' ({takes})' if takes else ''}"
