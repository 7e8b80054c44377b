"""Parallel coordinates: a line for each trial through its settings to its score, as the page draws them itself.

Plotly's own need WebGL, which no SVG or PDF holds.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.scatter import Board, BoardAxis, jitter
from gridsearch.visualization.figures.axis_ticks import axis_ticks
from gridsearch.visualization.figures.short_texts import LETTER_PX, MOST_LETTERS, ShortTexts, shortened, width_px
from gridsearch.visualization.theme import INK, LINE, MUTED, NEUTRAL, PAPER, TEMPLATE, VALIDATION, plain

_HEIGHT_PX = 380
#: How wide a figure is where nobody says so, what it leaves free at its sides, and how far headings are turned.
_WIDTH_PX, _SIDE_PX, _ANGLE = 760, 8, 40
#: Numbers of so many letters are never shortened.
_FEWEST_LETTERS = 6
#: How much wider bold letters are.
_BOLDER = 1.12
#: By their rank: the others, the best quarter, the best tenth; the best are drawn last, on top.
_GROUPS = ((1.0, "others", "#878787", 0.6), (0.25, "best quarter", NEUTRAL, 1.0), (0.1, "best tenth", VALIDATION, 1.6))
#: Ticks closer to each other than this share of the height are left out.
_CLOSEST = 0.05
_SCORE_TICKS = 5
#: How far lines are moved apart, as a share of the height.
_MOVED = 0.03


@dataclass(frozen=True, slots=True)
class _Scale:
    """An axis: its title, each trial's place from 0 (below) to 1, None without one, and its ticks with their texts."""

    title: str
    places: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]


class _Room:
    """How headings and labels fit beside each other.

    Attributes:
        left: What stands left of the first axis, px.
        right: What stands right of the last one, px.
        step: The distance of axes, px.
        turned: Whether headings stand aslant: beside each other they would overlap, even word below word.
        above: How high the headings are, px.
    """

    def __init__(self, scales: Sequence[_Scale], width: int) -> None:
        first = width_px([shortened(html.unescape(text), MOST_LETTERS) for _, text in scales[0].ticks])
        last = width_px([text for _, text in scales[-1].ticks])
        words = [word for scale in scales for word in _short_title(scale).split()]
        half = width_px(words) * _BOLDER / 2
        self.left = min(width / 4, max(first + 8, half))
        self.right = max(last + 8, half)
        self.step = self._step(scales, width)
        self.turned = 2 * half > self.step
        if self.turned:
            longest = max(map(_short_title, scales), key=len)
            self.above = width_px([longest]) * _BOLDER * math.sin(math.radians(_ANGLE)) + 16
            over = width_px([_short_title(scales[-1])]) * _BOLDER * math.cos(math.radians(_ANGLE)) + 10
            self.left, self.right = min(width / 4, first + 8), max(last + 8, over)
            self.step = self._step(scales, width)
        else:
            self.above = 16 * max(len(self.lines(scale)) for scale in scales) + 4

    def _step(self, scales: Sequence[_Scale], width: int) -> float:
        return max(1.0, (width - 2 * _SIDE_PX - self.left - self.right) / max(1, len(scales) - 1))

    def lines(self, scale: _Scale) -> list[str]:
        """Return a heading in lines: as many words in each as have room."""
        title = _short_title(scale)
        if self.turned:
            return [title]
        made: list[str] = []
        for word in title.split():
            longer = f"{made[-1]} {word}" if made else ""
            if longer and width_px([longer]) * _BOLDER <= self.step:
                made[-1] = longer
            else:
                made.append(word)
        return made


def _short_title(scale: _Scale) -> str:
    return shortened(scale.title, MOST_LETTERS)


def parallel_figure(board: Board, width: int = _WIDTH_PX) -> go.Figure:
    """Plot the trials of a board that have a value on every axis that varies; `width` is that of the figure, px."""
    scales = [*(_of_axis(axis, board.trials) for axis in board.varying), _of_scores(board)]
    room = _Room(scales, width)
    rows = list(zip(*(scale.places for scale in scales), strict=True))
    order = sorted(range(len(rows)), key=lambda row: board.scores[row], reverse=board.objective.highest)
    whole = [row for row in order if None not in rows[row]]
    figure = go.Figure([_lines(rows, members, look) for members, look in _grouped(whole)])
    for number, scale in enumerate(scales):
        figure.add_shape(
            type="line", x0=number, x1=number, y0=0, y1=1, line={"color": LINE, "width": 1.5}, layer="below"
        )
        for note in _notes(number, scale, room, last=number == len(scales) - 1):
            figure.add_annotation(note)
    hidden = {"showgrid": False, "showline": False, "showticklabels": False, "ticks": "", "fixedrange": True}
    figure.update_layout(
        template=TEMPLATE,
        height=_HEIGHT_PX,
        xaxis=hidden | {"range": [-room.left / room.step, len(scales) - 1 + room.right / room.step]},
        yaxis=hidden | {"range": [-0.04, 1.04]},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "yref": "container", "traceorder": "reversed"},
        margin={"l": _SIDE_PX, "r": _SIDE_PX, "t": 36 + room.above, "b": 8},
    )
    return figure


def _grouped(whole: Sequence[int]) -> list[tuple[list[int], tuple[float, str, str, float]]]:
    """Return the rows of each group, given all of them best first."""
    bounds = [*(share for share, *_ in _GROUPS[1:]), 0.0]
    made = []
    for look, below in zip(_GROUPS, bounds, strict=True):
        share = look[0]
        made.append(([row for place, row in enumerate(whole, 1) if below < place / len(whole) <= share], look))
    return made


def _lines(rows: Sequence[Sequence[float | None]], members: Sequence[int], look: tuple[Any, ...]) -> go.Scatter:
    """Return the lines of several trials as one trace, with a gap between each two."""
    _, name, color, width = look
    x: list[int | None] = []
    y: list[float | None] = []
    for row in members:
        x += [*range(len(rows[row])), None]
        y += [*rows[row], None]
    line = {"color": color, "width": width}
    return go.Scatter(x=x, y=y, mode="lines", name=name, line=line, hoverinfo="skip", connectgaps=False)


def _notes(number: int, scale: _Scale, room: _Room, *, last: bool) -> list[dict[str, Any]]:
    common: dict[str, Any] = {"x": number, "showarrow": False}
    title = "<br>".join(f"<b>{plain(line)}</b>" for line in room.lines(scale))
    turned = {"textangle": -_ANGLE, "xanchor": "left", "xshift": -4} if room.turned else {}
    heading = {"y": 1.04, "yanchor": "bottom", "text": title, "font": {"size": 12, "color": INK}}
    made = [common | heading | turned]
    texts = ShortTexts(max(_FEWEST_LETTERS, min(MOST_LETTERS, int(room.step / LETTER_PX) - 1)))
    before = -math.inf
    side = {"xanchor": "left", "xshift": 5} if last else {"xanchor": "right", "xshift": -5}
    for place, text in scale.ticks:
        if place - before < _CLOSEST:
            continue
        before = place
        # Lines pass below the text.
        look = {"font": {"size": 11, "color": MUTED}, "bgcolor": PAPER, "borderpad": 0}
        made.append(common | side | look | {"y": place, "text": text if last else texts.marked(text)})
    return made


def _of_axis(axis: BoardAxis, trials: Sequence[str]) -> _Scale:
    positions = axis.placement.positions
    log = axis.placement.scale == "log"
    raw = {text: math.log10(at) if log else at for text, at in positions.items() if text in set(axis.true)}
    shown = {text: _share(at, raw.values()) for text, at in raw.items()}
    ticks = sorted((place, plain(text)) for text, place in shown.items())
    if axis.continuous:
        places, labels = axis_ticks(axis)
        at = (math.log10(tick) if log else tick for tick in places)
        told = zip((_share(tick, raw.values()) for tick in at), labels, strict=True)
        ticks = [(place, text) for place, text in told if 0 <= place <= 1]
    return _Scale(
        title=axis.name.replace("_", " "),
        # Moved a little, always alike: lines would lie on each other.
        places=tuple(
            shown[text] + _MOVED * jitter(trial, axis.name) if text in shown else None
            for text, trial in zip(axis.true, trials, strict=True)
        ),
        ticks=tuple(ticks),
    )


def _of_scores(board: Board) -> _Scale:
    low, high = min(board.scores), max(board.scores)
    ticks: list[float] = [low]
    if high > low:
        step = (high - low) / _SCORE_TICKS
        ticks = [low + place * step for place in range(_SCORE_TICKS + 1)]
    return _Scale(
        title=board.objective.title,
        places=tuple(_share(score, board.scores) for score in board.scores),
        ticks=tuple((_share(tick, board.scores), f"{tick:.4g}") for tick in ticks),
    )


def _share(at: float, ends: Any) -> float:
    low, high = min(ends), max(ends)
    return (at - low) / (high - low) if high > low else 0.5
