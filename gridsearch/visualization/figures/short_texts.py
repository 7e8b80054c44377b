"""Long names and values in figures that are files: with an ellipsis, still told apart, as paper has no hover texts."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from gridsearch.visualization.theme import plain

#: So many letters has a value at most, the words beside a bar, those of a legend, and a line of a panel's title.
MOST_LETTERS, MOST_OF_BAR, MOST_OF_LEGEND, MOST_OF_TITLE = 24, 28, 36, 40
#: About how wide a letter is at most, px, in the size of labels.
LETTER_PX = 6.6
_BOLD = re.compile(r"(<b>)?(.*?)(</b>)?", re.DOTALL)


class ShortTexts:
    """Shortens texts, each always to the same one, and no two to one."""

    def __init__(self, most: int = MOST_LETTERS) -> None:
        self._most = most
        self._made: dict[str, str] = {}

    def short(self, text: str) -> str:
        """Return a text, or its beginning and end around an ellipsis.

        >>> texts = ShortTexts(9)
        >>> [texts.short(text) for text in ("short", "a_long_name_1", "a_long_game_1", "a_long_name_1")]
        ['short', 'a_lon…e_1', 'a_l…1 (2)', 'a_lon…e_1']
        """
        if text not in self._made:
            self._made[text] = self._apart(text)
        return self._made[text]

    def marked(self, text: str) -> str:
        """Return the same of a text as plotly has it: with its signs escaped."""
        return plain(self.short(html.unescape(text)))

    def _apart(self, text: str) -> str:
        if len(text) <= self._most:
            return text
        taken, number = set(self._made.values()), 2
        made = shortened(text, self._most)
        while made in taken:
            sign = f" ({number})"
            made, number = shortened(text, max(3, self._most - len(sign))) + sign, number + 1
        return made


def shortened(text: str, most: int) -> str:
    """Return the beginning and the end of a text of more letters than this, with an ellipsis between them."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def shorten(figure: go.Figure) -> go.Figure:
    """Shorten, in place, the labels, names and titles of a figure."""
    texts, bars, names = ShortTexts(), ShortTexts(MOST_OF_BAR), ShortTexts(MOST_OF_LEGEND)
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if axis.ticktext:
            axis.ticktext = [texts.marked(text) for text in axis.ticktext]
    for trace in figure.data:
        if trace.name:
            trace.name = names.marked(trace.name)
        for key in ("x", "y"):
            values = trace[key]
            if values is not None and any(isinstance(value, str) for value in values):
                trace[key] = [_of_value(bars if trace.type == "bar" else texts, value) for value in values]
    lines = ShortTexts(MOST_OF_TITLE)
    for note in figure.layout.annotations:
        note.text = "<br>".join(_of_line(lines, line) for line in (note.text or "").split("<br>"))
    return figure


def _of_value(texts: ShortTexts, value: Any) -> Any:
    return texts.marked(value) if isinstance(value, str) else value


def _of_line(texts: ShortTexts, line: str) -> str:
    """Return a line of a title, of which whole may be bold."""
    found = _BOLD.fullmatch(line)
    before, text, after = found.groups() if found else ("", line, "")
    return f"{before or ''}{texts.marked(text)}{after or ''}"


def width_px(texts: Sequence[str]) -> float:
    """Return about how wide the longest of some labels is."""
    return LETTER_PX * max((len(html.unescape(text)) for text in texts), default=0)
