"""A comparison of jobs in words, the same in terminal, page and notebook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gridsearch.analysis.labels import brief_text, brief_texts

if TYPE_CHECKING:
    from gridsearch.analysis.comparing.jobs import BestOfJob, JobComparison
    from gridsearch.analysis.comparing.paired import Interval
    from gridsearch.analysis.comparing.shared import Pairing


def signed(value: float) -> str:
    """Return a difference with its sign: `+0.0120`, `-0.0031`, `0.0000`.

    >>> signed(0.012), signed(-0.0031), signed(0.0)
    ('+0.0120', '-0.0031', '0.0000')
    """
    return f"+{brief_text(value)}" if value > 0 and float(brief_text(value)) else brief_text(value)


def interval_text(interval: Interval | None) -> str:
    """Return an interval of a difference: `-0.0100 to +0.0200`; nothing where there is none."""
    if interval is None:
        return ""
    texts = brief_texts(interval)
    return " to ".join(f"+{text}" if float(text) > 0 else text for text in texts)


def told_apart(interval: Interval | None) -> bool | None:
    """Whether a difference is more than chance explains; None where that is not known."""
    return None if interval is None else not interval[0] <= 0 <= interval[1]


def pairing_text(found: Pairing) -> str:
    """Return what the cells that two jobs share say, in a sentence."""
    if found.problem or found.mean is None:
        return found.problem
    reference, other = found.labels
    if found.same == len(found.cells):
        all_of = f"all {found.same:,} shared cells are" if found.same > 1 else "the only cell that they share is"
        return f"{all_of} the very same trial{'s' if found.same > 1 else ''} in {reference} and {other}"
    better, equal, worse = found.better
    if len(found.cells) == 1:
        text = f"in the only cell that they share, {other} differs from {reference} by {signed(found.mean)}"
        return text + (f" (95 % interval {interval_text(own)})" if (own := found.cells[0].interval) else "")
    text = (
        f"over {len(found.cells):,} shared cells {other} differs from {reference} by {signed(found.mean)} in the mean"
    )
    text += f" (95 % interval {interval_text(found.interval)})"
    counts = [(better, "better"), (equal, "equal"), (worse, "worse")]
    return f"{text}: {', '.join(f'{count:,} {word}' for count, word in counts if count)}"


def pairing_notes(found: Pairing, by: str) -> Iterator[str]:
    """Yield what a reader of shared cells must know of them."""
    if found.problem:
        return
    for place, label in enumerate(found.labels):
        if found.own[place]:
            names = ", ".join(found.own[place])
            yield f"{names} of {label}: a cell has all values in it, and is told by their {by}"
    if by == "best" and any(cell.points[0] != cell.points[1] for cell in found.cells):
        most = [max(cell.points[place] for cell in found.cells) for place in (0, 1)]
        yield (
            f"a cell is the best of up to {most[0]:,} in {found.labels[0]} and of up to {most[1]:,} in"
            f" {found.labels[1]}: the best of more is higher by luck alone"
        )
    for name, value in found.held:
        yield f"{name} is an axis of one of them; cells are those with {name} {value}, as in the other"
    if any(found.alone):
        told = [f"{count:,} in {label}" for count, label in zip(found.alone, found.labels, strict=True) if count]
        yield f"cells with a score in one alone: {', '.join(told)}"
    if 0 < found.same < len(found.cells):
        verb = "is" if found.same == 1 else "are"
        yield f"{found.same:,} of the cells {verb} the very same trial in both, without a difference"


def lead_text(best: BestOfJob) -> str:
    """Return by how much the best of a job leads, with its interval; nothing where there is nothing to tell."""
    if best.lead is None:
        return ""
    return signed(best.lead) + (f" ({interval_text(best.interval)})" if best.interval else "")


def answer_text(found: JobComparison) -> str:
    """Return which of the jobs has the best score, and whether more than chance explains it."""
    having = [best for best in found.bests if best.ties]
    if not having:
        return "no job has a trial with a score yet"
    if len({best.heading for best in having}) > 1 or len({best.highest for best in having}) > 1:
        return "the jobs have different objectives, so none of them is the best"
    if found.baseline:
        return _against_baseline(found)
    first, others = found.bests[0], [best for best in having if best.lead is not None]
    if first.ties is None or not others:
        return f"only {having[0].label} has a trial that may be the best"
    sign = 1 if first.highest else -1
    top = max(others, key=lambda best: sign * (best.lead or 0.0))
    lead = sign * (top.lead or 0.0)
    one, other = (top, first) if lead > 0 else (first, top)
    if lead == 0:
        return f"the best {first.heading} of {first.label} and of {top.label} is the same, {_score(first)}"
    apart = told_apart(top.interval)
    sure = {
        True: "more than chance explains",
        False: f"which chance explains: its 95 % interval is {interval_text(top.interval)}",
        None: "of which nothing tells whether chance explains it",
    }[apart]
    return (
        f"the best {first.heading} is that of {one.label}, {_score(one)}, against {_score(other)} of {other.label}:"
        f" {signed(top.lead or 0.0)} for {top.label}, {sure}"
    )


def _against_baseline(found: JobComparison) -> str:
    assert found.baseline
    zero = found.baseline
    parts = [f"the baseline, trial {zero.trial[:8]} of {zero.label}, has {brief_text(zero.score)}"]
    for best in found.bests:
        if best.above is not None:
            lead = f", the best by {lead_text(best)}" if best.above and best.lead else ""
            if best.scored == 1:
                told = f"the only {best.unit} of {best.label} is {'better' if best.above else 'not better'}"
            else:
                better = f"{best.above:,} are" if best.above > 1 else "1 is" if best.above else "none is"
                told = f"of the {best.scored:,} {best.unit}s of {best.label} {better} better"
            parts.append(told + lead)
    return "; ".join(parts)


def _score(best: BestOfJob) -> str:
    return brief_text(best.ties.best.score) if best.ties else ""
