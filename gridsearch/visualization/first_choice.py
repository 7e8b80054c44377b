"""Which axes a scatter plot opens with."""

from __future__ import annotations

from collections.abc import Sequence

from gridsearch.analysis.correlation import Correlation


def first_choice(names: Sequence[str], ranks: Correlation) -> tuple[str, str]:
    """Return the x axis and the colour of the scatter plot: of axes that vary, the closest to the score."""
    last = dict(zip(ranks.names, ranks.matrix[-1], strict=True)) if ranks.matrix else {}
    order = sorted(names, key=lambda name: -abs(last.get(name) or 0.0))
    return (order[0] if order else "", order[1] if len(order) > 1 else "")
