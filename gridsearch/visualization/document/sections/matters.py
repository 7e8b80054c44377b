"""What matters: the variance that axes and pairs explain, the strongest pair, and correlations."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.correlation import FEWEST, correlation
from gridsearch.analysis.effect_words import basis, cautions
from gridsearch.analysis.effects import Effects
from gridsearch.analysis.labels import brief_text, share_text, signed_text
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Block, Section, Table
from gridsearch.visualization.document.phrases import listed, paragraph, sentence, words

#: So many pairs of axes are in the table.
_MOST_PAIRS = 10
_SHAPES = {
    "rises": "rises",
    "falls": "falls",
    "peaks": "has a peak",
    "dips": "has a low",
    "varies": "up and down",
    "stays": "stays",
    "": "names",
}


def matters(found: Findings) -> Section | None:
    """Return the section; None where no trial has a score."""
    effects = found.effects
    if effects.mean is None:
        return None
    return Section("What matters", (*paragraph(*_told(found)), *_shares(found), *_pairs(found), *_correlations(found)))


def _told(found: Findings) -> Iterator[str]:
    effects = found.effects
    mean = brief_text(effects.mean or 0.0)
    yield f"{counted(effects.n, 'trial has', 'trials have')} a score, {mean}{' in the mean' if effects.n > 1 else ''}."
    if effects.axes and effects.rest is not None:
        yield _strongest(effects)
    yield sentence(basis(effects, words))
    if effects.axes and effects.rest is not None:
        yield from _better(found)
    yield from map(sentence, cautions(effects, words))


def _strongest(effects: Effects) -> str:
    first, *others = effects.axes
    told = f"Of the variance of the score, {words(first.name)} explains {share_text(first.share or 0.0)} alone"
    if first.total is not None and first.total != first.share:
        told += f" and {share_text(first.total)} together with others"
    rest = [f"{words(axis.name)} {share_text(axis.share or 0.0)}" for axis in others]
    told += f"; {listed(rest)}" if rest else ""
    if effects.pairs and share_text(effects.pairs[0].share) != share_text(0.0):
        pair = effects.pairs[0]
        both = f"{words(pair.axes[0])} with {words(pair.axes[1])}"
        told += f". The strongest pair is {both}: {share_text(pair.share)} beyond each alone"
    return f"{told}."


def _better(found: Findings) -> Iterator[str]:
    for part in found.answer.effects[1:]:
        first, *others = (share_text(axis.share) for axis in part.axes)
        if first not in others:
            name = words(part.axes[0].name)
            yield f"Among the better {part.within} of the trials, {name} explains most, {first}."


def _shares(found: Findings) -> Iterator[Block]:
    effects = found.effects
    if not effects.axes:
        return
    yield from found.figures(
        f"The share of the variance of the {found.score} that each axis and pair explains",
        found.figure("effects", "Share of the variance that each axis and pair explains"),
    )
    # Of equal scores, or too few, no share is known.
    shares = effects.rest is not None
    rows = [
        [
            words(axis.name),
            *([share_text(axis.share), share_text(axis.total)] if shares else []),
            f"{axis.eta_squared:.3f}",
            signed_text(axis.pearson),
            signed_text(axis.spearman),
            _SHAPES[axis.shape],
        ]
        for axis in effects.axes
    ]
    known = ["share", "with others"] if shares else []
    headings = ["axis", *known, "eta squared", "Pearson", "Spearman", "mean score"]
    caption = "How the score goes along each axis"
    if shares:
        caption = (
            "What each axis explains of the variance, alone and together with others, and how the score goes along it"
        )
    yield Table(Grid(headings, [False, *[True] * (len(headings) - 2), False], rows), caption)


def _pairs(found: Findings) -> Iterator[Block]:
    pairs = found.effects.pairs
    if len(pairs) > 1:
        rows = [[words(pair.axes[0]), words(pair.axes[1]), share_text(pair.share)] for pair in pairs[:_MOST_PAIRS]]
        which = f"The first {_MOST_PAIRS} of {len(pairs)} pairs" if len(pairs) > _MOST_PAIRS else "The pairs"
        yield Table(
            Grid(["axis", "with", "share"], [False, False, True], rows),
            f"{which}: the variance explained beyond each axis alone",
        )
    if found.answer.pairs:
        cells = found.answer.pairs[0]
        both = f"{words(cells.rows)} and {words(cells.columns)}"
        name = f"pair-{cells.rows}-{cells.columns}"
        mean = found.figure(name, f"Mean {found.score} of each combination of {both}")
        if cells.means == cells.bests:  # one trial to a combination
            yield from found.figures(f"The {found.score} of each combination of {both}", mean)
            return
        yield from found.figures(
            f"The mean {found.score} of each combination of {both}, and the best",
            mean,
            found.figure(f"{name}-best", f"Best {found.score} of each combination of {both}"),
        )


def _correlations(found: Findings) -> Iterator[Block]:
    known = correlation(found.data)
    if len(known.names) < 2 or known.n < FEWEST:
        return
    left = [f"{listed([words(name) for name in known.text])}, whose values are not numbers"] if known.text else []
    left += [f"{listed([words(name) for name in known.constant])}, with one value"] if known.constant else []
    without = f"; without {' and '.join(left)}" if left else ""
    caption = f"Correlation (Pearson) of the settings and the {found.score}, n = {known.n:,}{without}"
    drawn = found.figures(caption, found.figure("correlation-pearson", "Correlation of settings and score"))
    if drawn:
        yield from drawn
        return
    rows = [[words(name), *map(signed_text, line)] for name, line in zip(known.names, known.matrix, strict=True)]
    yield Table(Grid(["", *map(words, known.names)], [False, *[True] * len(known.names)], rows), caption)
