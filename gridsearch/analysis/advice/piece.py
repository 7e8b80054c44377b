"""A piece of advice: what was seen, why it matters, the command, what that takes."""

from __future__ import annotations

from dataclasses import dataclass

from gridsearch.analysis.widening import Effort
from gridsearch.quantities import counted, duration

#: What costs nothing to run.
NOTHING = Effort(0, 0.0)
#: Every code, in the order in which advice is given: what spoils the answer first, then what would make it better.
CODES = (
    "no-result",
    "all-at-chance",
    "failed",
    "diverged",
    "incomplete",
    "unbalanced",
    "edge",
    "still-improving",
    "overfitting",
    "tie",
    "few-images",
    "one-draw",
    "no-effect",
    "test-reused",
)


@dataclass(frozen=True, slots=True)
class Advice:
    """A piece of advice.

    Attributes:
        code: What it is about, one of `CODES`; stable, for programs.
        seen: What was seen.
        why: Why it matters.
        run: The command to run; empty where there is none.
        effort: What the command takes; None where nothing is known of it.
        chance: Of ties, how probable it is that the first is the best of all, from 0 to 1; else None.
    """

    code: str
    seen: str
    why: str
    run: str
    effort: Effort | None
    chance: float | None = None

    @property
    def takes(self) -> str:
        """Return what its command takes: `288 trials, about 3m 10s`; nothing where it is free."""
        effort = self.effort
        if effort is None or not effort.trials:
            return ""
        trials = counted(effort.trials, "trial")
        if effort.trained:
            return f"{trials}, trained already"
        if effort.seconds is None:
            return trials
        return f"{trials}, {f'about {duration(effort.seconds)}' if effort.seconds >= 1 else 'less than a second'}"
