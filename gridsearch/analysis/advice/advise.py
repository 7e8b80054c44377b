"""All advice on a job, the most urgent first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gridsearch.analysis.advice import beyond, missing, telling
from gridsearch.analysis.advice.look import Look
from gridsearch.analysis.advice.piece import CODES, Advice
from gridsearch.analysis.frames import JobData

_RULES: tuple[Callable[[Look], Iterator[Advice]], ...] = (
    missing.no_result,
    missing.all_at_chance,
    missing.failed,
    missing.diverged,
    missing.incomplete,
    missing.unbalanced,
    beyond.edge,
    beyond.ending,
    telling.tie,
    telling.few_images,
    telling.one_draw,
    telling.no_effect,
    telling.reused_test,
)
#: What is said of a ranking that tells something.
_OF_A_RANKING = frozenset({"edge", "tie", "few-images", "one-draw", "no-effect"})


def advise(data: JobData, *, store: str = "", look: Look | None = None) -> tuple[Advice, ...]:
    """Return what a job suggests to do next, the most urgent first.

    Args:
        data: The job. Of its curves, evaluations and launches only that is spoken of which was read (`load_to_show`).
        store: What a command needs to name the store: ` --store other.db`; nothing for `results.db`.
        look: The same job where somebody looked at it already.
    """
    look = look or Look(data, store)
    found = [piece for rule in _RULES for piece in rule(look)]
    # Where nothing was learned there is nothing to measure better.
    if any(piece.code == "all-at-chance" for piece in found):
        found = [piece for piece in found if piece.code not in _OF_A_RANKING]
    # A longer training is asked for once.
    if any(piece.code == "still-improving" for piece in found):
        found = [
            piece
            for piece in found
            if not (piece.code == "edge" and piece.seen.startswith("the best value of epochs "))
        ]
    # Repeats that tell ties apart give effects their interval too.
    asked = {piece.run for piece in found if piece.code == "tie"}
    found = [piece for piece in found if not (piece.code == "one-draw" and piece.run in asked)]
    return tuple(sorted(found, key=lambda piece: CODES.index(piece.code)))
