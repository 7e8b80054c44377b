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
    if found.same == len(found.cells) and not any(cell.difference for cell in found.cells):
        all_of = f"all {found.same:,} shared cells are" if found.same > 1 else "the only cell that they share is"
        return f"{all_of} the very same trial{'s' if found.same > 1 else ''} in {reference} and {other}"
    if not found.independent:
        return _all_in_common(found)
    only = [cell for cell in found.cells if cell.independent]
    more = len(only) < len(found.cells)
    if len(only) == 1:
        which = "only cell that they share without a trial in common" if more else "only cell that they share"
        text = f"in the {which}, {other} differs from {reference} by {signed(found.mean)}"
        return text + (f" (95 % interval {interval_text(own)})" if (own := only[0].interval) else "")
    which = f"{len(only):,} shared cells{' without a trial in common' if more else ''}"
    text = f"over {which} {other} differs from {reference} by {signed(found.mean)} in the mean"
    text += f" (95 % interval {interval_text(found.interval)})"
    better, equal, worse = found.better
    counts = [(better, "better"), (equal, "equal"), (worse, "worse")]
    return f"{text}: {', '.join(f'{count:,} {word}' for count, word in counts if count)}"


def _all_in_common(found: Pairing) -> str:
    """Return what is to say where every shared cell has trials that are in both jobs."""
    one = len(found.cells) == 1
    where = "in the only cell that they share" if one else f"in all {len(found.cells):,} shared cells"
    within = [
        (found.labels[place], found.labels[1 - place])
        for place in (1, 0)
        if all(cell.common == cell.sizes[place] for cell in found.cells)
    ]
    if within:
        smaller, larger = within[0]
        text = f"{where} the trials of {smaller} are among those of {larger}"
        rest = f"the other trials of {larger}"
    else:
        text, rest = f"{where} some trials are in both {found.labels[0]} and {found.labels[1]}", "the others"
    by = signed(found.mean or 0.0)
    what = f"the difference, {by}, comes" if one else f"the differences, {by} in the mean, come"
    return f"{text}: {what} from {rest} alone, so there is no interval"


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
    yield from _notes_in_common(found)


def _notes_in_common(found: Pairing) -> Iterator[str]:
    """Yield which cells have trials in common, and what that means for the mean of the differences."""
    counted = " and not counted above" if found.independent else ""
    for cells, what in (
        ([cell for cell in found.cells if cell.same], "have the very same trials in both"),
        ([cell for cell in found.cells if cell.common and not cell.same], "have some trials in both"),
    ):
        if not cells or (len(cells) == len(found.cells) and not cells[0].independent):
            continue
        count = f"{len(cells):,} of the cells" if len(cells) < len(found.cells) else "all cells"
        having = what.replace("have", "has", 1) if len(cells) == 1 else what
        anew = ", with other scores" if cells[0].independent else f",{counted.removeprefix(' and')}" if counted else ""
        yield f"{count} {having}{anew}"


def lead_text(best: BestOfJob) -> str:
    """Return by how much the best of a job leads, with its interval; nothing where there is nothing to tell."""
    if best.lead is None:
        return ""
    return signed(best.lead) + (f" ({interval_text(best.interval)})" if best.interval else "")


def answer_text(found: JobComparison) -> str:
    """Return which of the jobs has the best score, and whether chance may explain it."""
    having = [best for best in found.bests if best.ties]
    if not having:
        return "no job has a trial with a score yet"
    if len({best.heading for best in having}) > 1 or len({best.highest for best in having}) > 1:
        return "the jobs have different objectives, so none of them is the best"
    if found.baseline:
        return _against_baseline(found)
    if len({best.data for best in having}) > 1:
        return "the data sets differ, and scores of different data cannot be compared, so no job is the best"
    first, others = found.bests[0], [best for best in having if best.lead is not None]
    if first.ties is None or not others:
        return f"only {having[0].label} has a trial that may be the best"
    sign = 1 if first.highest else -1
    top = max(others, key=lambda best: sign * (best.lead or 0.0))
    lead = sign * (top.lead or 0.0)
    one, other = (top, first) if lead > 0 else (first, top)
    if lead == 0:
        return f"the best {first.heading} of {first.label} and of {top.label} is the same, {_score(first)}"
    return (
        f"the best {first.heading} is that of {one.label}, {_score(one)}, against {_score(other)} of {other.label}:"
        f" {signed(top.lead or 0.0)} for {top.label}{_verdict(top)}"
    )


def _verdict(best: BestOfJob) -> str:
    """Return whether chance may explain the lead of a best, as the end of a sentence."""
    if best.shared:
        return (
            ", but both have the same settings and trials in common, so their other repeats alone make the difference"
        )
    return {
        True: f", more than chance explains: its 95 % interval is {interval_text(best.interval)}",
        False: f", which chance may explain: its 95 % interval is {interval_text(best.interval)}",
        None: "; whether chance may explain that is not known, as the error of this difference is not",
    }[told_apart(best.interval)]


def _against_baseline(found: JobComparison) -> str:
    assert found.baseline
    zero = found.baseline
    what = f"trial {zero.trial[:8]} of {zero.label}"
    if zero.repeats > 1:
        what = f"the mean of the point of {what} (n={zero.repeats})"
    parts = [f"the baseline, {what}, has {brief_text(zero.score)}"]
    for best in found.bests:
        if best.above is not None:
            lead = f", the best by {lead_text(best)}" if best.above and best.lead else ""
            if best.scored == 1:
                told = f"the only {best.unit} of {best.label} is {'better' if best.above else 'not better'}"
            else:
                better = f"{best.above:,} are" if best.above > 1 else "1 is" if best.above else "none is"
                told = f"of the {best.scored:,} {best.unit}s of {best.label} {better} better"
            parts.append(told + lead)
        elif best.ties:
            parts.append(f"scores of {best.label} are of different data, and cannot be compared with it")
    return "; ".join(parts)


def _score(best: BestOfJob) -> str:
    return brief_text(best.ties.best.score) if best.ties else ""
