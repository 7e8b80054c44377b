"""In words, what shares of the variance rest on and do not tell: the same on a terminal, a page and in a report.

All are sentences without their capital and their full stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from gridsearch.analysis.effects import Effects
from gridsearch.analysis.factors import SEEDS
from gridsearch.analysis.labels import share_text
from gridsearch.quantities import counted

NO_AXIS = "no axis has two values with a score, so there is no effect to tell"
NO_SHARES = "shares of the variance cannot be told: there are too few trials, or their scores are equal"
#: What shares are exact of: all, or what has a score.
_WHOLE = "the grid is whole, so shares of the variance are exact"
_WHOLE_OF_SCORED = "what has a score is a whole grid, so shares of the variance are exact for that"


def basis(found: Effects, named: Callable[[str], str] = str) -> str:
    """Return what the shares rest on.

    Args:
        found: The effects.
        named: What an axis is called.
    """
    if not found.axes:
        return NO_AXIS
    if found.rest is None:
        return NO_SHARES
    if found.exact:
        return (_WHOLE_OF_SCORED if found.empty else _WHOLE) + _higher(found)
    explains = f"which explains {share_text(found.fitted)}"
    if found.nested:
        names = " and ".join(map(named, found.nested))
        return (
            f"not every trial has {names}, so shares are those of a fitted model, {explains};"
            f" {names} {'explains' if len(found.nested) == 1 else 'explain'} what differs among those that have"
            f" {'it' if len(found.nested) == 1 else 'them'}"
        )
    whole = found.within == "all"
    missing = f" ({_empty(found.empty)} no score)" if found.empty and whole else ""
    parts = "axes and pairs" if found.pairs else "axes alone (too few trials for pairs)"
    which = "the trials are" if whole else "a part of the trials is"
    return (
        f"{which} no whole grid{missing}, so shares are those of a model of {parts}, fitted by least squares,"
        f" {explains}; they need not add up"
    )


def cautions(found: Effects, named: Callable[[str], str] = str) -> Iterator[str]:
    """Yield what the numbers do not tell; what can be done about it is left to whoever knows the commands."""
    if told := guessing(found):
        yield told
    if told := hidden(found, named):
        yield told
    if told := seeds(found):
        yield told
    if found.skewed:
        yield f"{skew(found)}, so the better half tells more"
    if found.unscored:
        yield unscored(found, named)
    if found.repeats is not None:
        yield repeats(found)
    elif found.seed is not None and found.axes:
        yield one_draw(found)
    if found.constant:
        yield left_out(found, named)


def guessing(found: Effects) -> str:
    """Return that nothing was learned, where that is so."""
    if not found.axes or found.at_chance != found.n:
        return ""
    return "no trial is better than guessing, so what an axis explains is chance"


def hidden(found: Effects, named: Callable[[str], str] = str) -> str:
    """Return of which axes a correlation tells little; nothing where there is none."""
    names = [named(axis.name) for axis in found.axes if axis.hidden]
    which = "it goes up and down" if len(names) == 1 else "they go up and down"
    return f"a correlation tells little of {' and '.join(names)}: {which} (eta squared is far larger)" if names else ""


def repeats(found: Effects) -> str:
    """Return what repeats and folds of one point make up."""
    return f"repeats and folds of the same point differ by {share_text(found.repeats)} of the variance"


def one_draw(found: Effects) -> str:
    """Return what rests on one draw of the weights."""
    return f"all trials share seed {found.seed}, so an effect is that of one draw of the weights"


def left_out(found: Effects, named: Callable[[str], str] = str) -> str:
    """Return which axes have no effect to tell."""
    return f"left out, as all trials with a score have one value of it: {', '.join(map(named, found.constant))}"


def unscored(found: Effects, named: Callable[[str], str] = str) -> str:
    """Return which values have no score, so that nothing here tells of them."""
    values = (f"{named(name)} {' and '.join(texts)}" for name, texts in found.unscored.items())
    return f"no trial with {' or '.join(values)} has a score, so nothing here tells of {_it(found.unscored)}"


def seeds(found: Effects) -> str:
    """Return what an axis of seeds is, where there is one: nothing to choose."""
    names = [axis.name for axis in found.axes if axis.name in SEEDS]
    if not names:
        return ""
    return f"{' and '.join(names)} draws anew and is no setting to choose: what it explains is chance"


def _it(values: Mapping[str, Sequence[str]]) -> str:
    return "it" if sum(map(len, values.values())) == 1 else "these"


def _higher(found: Effects) -> str:
    """Return what of an exact decomposition is neither an axis's nor a pair's."""
    chance = found.repeats is None
    if len(found.axes) > 2:
        return f"; three axes or more{' and chance' if chance else ''} make up {share_text(found.rest)}"
    # Of two axes with one trial to a cell nothing is left to chance.
    return "; with one trial to a combination, chance is part of the pair" if chance and len(found.axes) == 2 else ""


def skew(found: Effects) -> str:
    """Return why the better half tells more, where scores are skewed."""
    if found.at_chance is not None and found.at_chance >= found.n / 3:
        return f"{found.at_chance:,} of {found.n:,} trials are no better than guessing"
    return f"few scores make the mean and the variance (skewness {found.skewness:.1f})"


def _empty(count: int) -> str:
    return counted(count, "combination has", "combinations have")
