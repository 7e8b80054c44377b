"""Curves over the epochs: of the best, the median and the worst, and compared along the strongest axis."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.comparison import comparisons
from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import Curves
from gridsearch.analysis.curves import curves as curves_of
from gridsearch.analysis.labels import brief_text
from gridsearch.analysis.plots import Plot
from gridsearch.quantities import counted
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.parts import Block, Section
from gridsearch.visualization.document.phrases import listed, paragraph, words


def curves(found: Findings) -> Section | None:
    """Return the section; None where nothing was recorded over epochs, or all that could be told is in figures."""
    drawn = curves_of(found.data, found.order)
    if not drawn.plots:
        return None
    blocks = (*paragraph(*_told(found, drawn)), *_panels(found, drawn), *_compared(found))
    return Section("Curves", blocks) if blocks else None


def _told(found: Findings, drawn: Curves) -> Iterator[str]:
    if drawn.best:
        yield from _best(drawn.best[0], drawn.plots[0], drawn.unit)
    lost = found.data.trials["diverged_epoch"].dropna()
    if len(lost):
        first, last = int(lost.min()), int(lost.max())
        when = f"in epoch {first:,}" if first == last else f"between epochs {first:,} and {last:,}"
        yield f"{counted(len(lost), 'trial')} diverged, {when}."
    if "overfit_epoch" in found.data.trials:
        over = found.data.trials["overfit_epoch"].dropna()
        if len(over):
            yield (
                f"{counted(len(over), 'trial overfits', 'trials overfit')}: from some epoch on the validation loss"
                " rises while the training loss falls."
            )


def _best(curve: Curve, plot: Plot, unit: str) -> Iterator[str]:
    epoch, last = plot.best_epoch(curve), max(curve.epochs, default=0)
    which = "the best trial" if unit == "trial" else "the trial drawn of the best point"
    if epoch is not None and last:
        value = dict(curve.known(plot.metric))[epoch]
        end = "its last epoch" if epoch == last else f"epoch {epoch:,} of {last:,}"
        yield f"{which[0].upper()}{which[1:]} has its {plot.best_words} in {end}, {brief_text(value)}."
    if curve.overfit_epoch is not None:
        yield f"It overfits from epoch {curve.overfit_epoch:,} on."


def _panels(found: Findings, drawn: Curves) -> Iterator[Block]:
    groups = listed([f"the {name}" for name, _ in drawn.groups])
    for plot in drawn.plots[:1]:
        caption = f"The {plot.words} of {groups} {drawn.unit}s over the epochs"
        yield from found.figures(caption, found.figure(f"curves-{plot.metric}", caption, wide=True))


def _compared(found: Findings) -> Iterator[Block]:
    known = {one.axis: one for one in comparisons(found.data, found.order) if one.plots}
    strongest = [axis.name for axis in found.effects.axes if axis.name in known][:2]
    for plots in zip(*(known[name].plots[:1] for name in strongest), strict=False):
        figures = [
            found.figure(f"compared-{name}-{plot.metric}", f"{plot.words} over the epochs, by {words(name)}")
            for name, plot in zip(strongest, plots, strict=True)
        ]
        by = listed([words(name) for name in strongest])
        yield from found.figures(f"The {plots[0].words} of the best trial at each value of {by}", *figures)
