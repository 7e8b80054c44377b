"""The places of a ranking that a reader asks for by name, and the curves of those who stand there."""

from __future__ import annotations

from dataclasses import dataclass

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.standings import Standings
from gridsearch.analysis.ties import Ties

BEST, RUNNER_UP, CHEAPEST, MEDIAN, WORST = "best", "runner-up", "cheapest as good", "median", "worst"
#: In the order in which they are drawn and listed.
ROLES = (BEST, RUNNER_UP, CHEAPEST, MEDIAN, WORST)


@dataclass(frozen=True, slots=True)
class Band:
    """A metric of several trainings of one point, in the epochs that all of them have.

    Attributes:
        epochs: The epochs, ascending.
        mean: The mean in each of them.
        low: The lowest value.
        high: The highest value.
        count: How many trainings it is of.
    """

    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    count: int


@dataclass(frozen=True, slots=True)
class RoleCurves:
    """The curves of one place of the ranking.

    Attributes:
        roles: What it is, one or several of `ROLES`.
        curve: That of the trial that stands for it.
        repeats: Those of all its trainings that have epochs; empty where it is trained once.
    """

    roles: tuple[str, ...]
    curve: Curve
    repeats: tuple[Curve, ...] = ()

    @property
    def name(self) -> str:
        """Return its roles in words: `best`, `runner-up and cheapest as good`."""
        *others, last = self.roles
        return f"{', '.join(others)} and {last}" if others else last

    def band(self, metric: str) -> Band | None:
        """Return the mean of its trainings with a score, and what lies between the lowest and the highest of them.

        Only epochs in which all of them have the metric count: a mean over fewer and fewer trainings would jump where
        one stops early. None where there are fewer than two such trainings, or no such epoch.
        """
        known = [dict(one.known(metric)) for one in self.repeats if one.score is not None]
        known = [values for values in known if values]
        shared = sorted(set.intersection(*map(set, known))) if len(known) > 1 else []
        if not shared:
            return None
        columns = [[values[epoch] for values in known] for epoch in shared]
        return Band(
            epochs=tuple(shared),
            mean=tuple(sum(column) / len(column) for column in columns),
            low=tuple(map(min, columns)),
            high=tuple(map(max, columns)),
            count=len(known),
        )


def places_by_role(order: Standings, tied: Ties | None) -> dict[int, tuple[str, ...]]:
    """Return the places of a ranking that have a role, best first, each with its roles in the order of `ROLES`.

    A place that is several things is there once. Only those with a score may be the best or the runner-up; there is a
    cheapest where several are tied and differ in what they cost, and a median from three places on.
    """
    count, scored = len(order), order.scored
    places: dict[str, int] = {}
    if scored:
        places[BEST] = 0
    if scored > 1:
        places[RUNNER_UP] = 1
    if tied is not None and tied.count > 1 and tied.cheapest:
        places[CHEAPEST] = next(place for place, own in enumerate(order.members) if tied.take.trial in own)
    if scored and count >= 3:
        places[MEDIAN] = (count - 1) // 2
    if count >= 2 or (count and not scored):
        places[WORST] = count - 1
    found: dict[int, tuple[str, ...]] = {}
    for role in ROLES:
        if role in places:
            found[places[role]] = (*found.get(places[role], ()), role)
    return dict(sorted(found.items()))
