"""What keeps differences between jobs from being those of the settings alone, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gridsearch.analysis.comparing.overlap import overlap_text
from gridsearch.analysis.comparing.sides import Side

if TYPE_CHECKING:
    from gridsearch.analysis.comparing.jobs import BestOfJob
    from gridsearch.analysis.comparing.shared import Pairing


def cautions(sides: Sequence[Side], bests: Sequence[BestOfJob], pairings: Sequence[Pairing]) -> Iterator[str]:
    """Yield what a reader must know before they believe a difference."""
    if _data_differ(sides, bests):
        yield "the data sets differ, so differences are those of data and settings together"
    elif divided := _divided(sides, bests, pairings):
        yield f"the images are divided otherwise, so scores are {divided} other images"
    for other in sides[1:]:
        if told := overlap_text(sides[0], other):
            yield told
    yield from _other_epochs(sides)
    yield from _chosen(bests)


def _data_differ(sides: Sequence[Side], bests: Sequence[BestOfJob]) -> bool:
    """Whether the bests are of other data sets, or a job has none in common with the first."""
    known = [side.data_sets(side.results) for side in sides]
    apart = any(not known[0] & own for own in known[1:] if known[0] and own)
    return apart or len({best.data for best in bests if best.data}) > 1


def _divided(sides: Sequence[Side], bests: Sequence[BestOfJob], pairings: Sequence[Pairing]) -> str:
    """Return whether scores that are held against each other are of other images: `of`, `in part of`, or nothing.

    The split itself is asked, its seed and fold: equal numbers of images may be other images.
    """
    held = [
        side.images(side.members(best.ties.best.trial)) for side, best in zip(sides, bests, strict=True) if best.ties
    ]
    counts = {tuple(sorted(side.data.job.record.images.items())) for side in sides if not side.data.job.record.datasets}
    if len(counts) > 1 or any(not held[0] & own for own in held[1:] if held[0] or own):
        return "of"
    cells = (cell.same_images for pair in pairings for cell in pair.cells)
    return "" if len(set(held)) < 2 and all(cells) else "in part of"


def _other_epochs(sides: Sequence[Side]) -> Iterator[str]:
    asked = [side.data.objective for side in sides]
    if len({(one.metric, one.direction) for one in asked}) == 1 and len({one.at for one in asked}) > 1:
        words = [
            f"{side.label} {'the best' if one.at == 'best' else 'the last'} epoch"
            for side, one in zip(sides, asked, strict=True)
        ]
        yield f"scores are of other epochs: of {', of '.join(words)}; a best epoch is higher by luck alone"


def _chosen(bests: Sequence[BestOfJob]) -> Iterator[str]:
    """Yield that the bests whose scores are held against each other were chosen for these."""
    chosen = [best for best in bests if best.ties and best.scored > 1]
    if not chosen or not any(best.lead and not best.shared for best in bests):
        return
    having = [best for best in bests if best.ties]
    counts = [f"{best.scored:,} of {best.label}" for best in having]
    if len({best.scored for best in having}) == 1:
        yield "each best was chosen for its score, which flatters it, and no interval takes account of that"
    else:
        yield (
            "each best was chosen for its score, which flatters the best of many more than that of few"
            f" ({', '.join(counts)}), and no interval takes account of that"
        )
