"""How sentences are put together: names, lists and settings in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from gridsearch.visualization.document.parts import Code, Paragraph, Part


def words(name: str) -> str:
    """Return the name of a setting or a metric in words.

    >>> words("learning_rate")
    'learning rate'
    """
    return name.replace("_", " ")


def listed(items: Sequence[str]) -> str:
    """Return items as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def settings_text(settings: Iterable[tuple[str, str]]) -> str:
    """Return a trial's values on the axes, those that it has.

    >>> settings_text([("learning_rate", "0.1"), ("momentum", "")])
    'learning rate 0.1'
    """
    return ", ".join(f"{words(name)} {text}" for name, text in settings if text)


def sentence(text: str) -> str:
    """Return words as a sentence: with a capital letter and a full stop.

    >>> sentence("all trials share seed 0"), sentence("Is it?")
    ('All trials share seed 0.', 'Is it?')
    """
    end = "" if text.endswith((".", "?", "!")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def opened(text: str, names: Collection[str]) -> str | tuple[Part, ...]:
    """Return words as a sentence; a setting's name that they begin with stays as it is, set off from them.

    >>> opened("weight_decay explains 0.4 %", ["weight_decay"])
    (Code(text='weight_decay'), ' explains 0.4 %.')
    """
    first, space, rest = text.partition(" ")
    return (Code(first), f"{space}{sentence(f'.{rest}')[1:]}") if first in names and rest else sentence(text)


def paragraph(*sentences: str | Sequence[Part]) -> tuple[Paragraph, ...]:
    """Return sentences as a paragraph; those that are empty are left out, and nothing is returned without any."""
    told = [(one,) if isinstance(one, str) else tuple(one) for one in sentences if one]
    parts: list[Part] = []
    for place, one in enumerate(told):
        parts.extend([*([" "] if place else []), *one])
    return (Paragraph(tuple(parts)),) if parts else ()
