"""All trials of a job as columns, the best first: what a page's table sorts, filters and shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from gridsearch.analysis.column_names import AFTER, BEFORE, OVER
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import ordered_values
from gridsearch.analysis.ranking import UNRANKED, TableOptions, ranking_order
from gridsearch.config.axes import Axis
from gridsearch.config.events import RESULT_STATES

#: How a column's cells are written: an axis by the texts of its values, a metric with six decimals, a measured amount
#: with four digits, a whole number, or text.
Kind = Literal["setting", "metric", "measured", "whole", "text"]
_KINDS: dict[str, Kind] = {
    "score": "metric",
    "initial_val_loss": "metric",
    "diverged_epoch": "whole",
    "overfit_epoch": "whole",
    "seconds_per_epoch": "measured",
    "ms_per_step": "measured",
    "seconds": "measured",
    "parameters": "whole",
    "macs": "whole",
}


@dataclass(frozen=True, slots=True)
class TrialColumn:
    """A column of all trials.

    Attributes:
        name: Its name, in expressions too.
        kind: How its cells are written.
        values: The value of each trial, None where it has none; a list is a tuple.
        texts: Of a setting the text of each trial's value; nothing where it has none.
        known: Of a setting these texts, each once, in the order of the axis, with what people read in their place.
        ordered: Whether its values are sorted by what they are, not by their place in `known`.
        shown: Whether the table opens with it.
    """

    name: str
    kind: Kind
    values: tuple[Any, ...]
    texts: tuple[str, ...] = ()
    known: tuple[tuple[str, str], ...] = ()
    ordered: bool = True
    shown: bool = False


@dataclass(frozen=True, slots=True)
class AllTrials:
    """Trials in the order of the ranking, those without a result last; `total` are in the job."""

    trials: tuple[str, ...]
    ranks: tuple[int | None, ...]
    columns: tuple[TrialColumn, ...]
    total: int


def all_trials(data: JobData, most: int | None = None) -> AllTrials:
    """Return the trials of a job, or only the first of the ranking where there are more than `most`.

    Trials of a point are ranked each by itself. Columns without any value are left out, and so are settings that are
    no axis.
    """
    order = [
        place for state in (None, *UNRANKED) for place in ranking_order(data, TableOptions(state=state, each=True))
    ]
    frame = data.trials.loc[order[: most or len(order)]]
    states = {state.value for state in RESULT_STATES}
    return AllTrials(
        trials=tuple(frame["trial"].tolist()),
        ranks=tuple(place if state in states else None for place, state in enumerate(frame["state"].tolist(), start=1)),
        columns=tuple(_columns(data, frame)),
        total=len(data.trials),
    )


def _columns(data: JobData, frame: pd.DataFrame) -> list[TrialColumn]:
    axes = dict(zip(data.axis_columns, data.axes, strict=True))
    results = [OVER] if OVER in frame else []
    # Trials of one point differ in their seeds and their fold.
    repeat = [name for name in data.job.record.differing if name in frame]
    names = ["score", *results, *axes, *repeat, "state", *data.metrics.values()]
    names += [name for name in AFTER[1:] if name in frame]
    shown = {"score", *axes, *repeat, *(name for name in results if (frame[name] != "").any())}
    made = []
    for name in dict.fromkeys(names):
        if name in axes:
            made.append(_setting(data, name, axes[name], frame))
        elif name in (*BEFORE, "score") or frame[name].notna().any():
            kind = (
                "metric" if name in data.metrics.values() else "whole" if name in repeat else _KINDS.get(name, "text")
            )
            made.append(TrialColumn(name, kind, _values(frame[name]), shown=name in shown))
    return made


def _setting(data: JobData, name: str, axis: Axis, frame: pd.DataFrame) -> TrialColumn:
    values, texts = _values(frame[name]), data.texts(axis, frame)
    seen = {text for text in texts if text}
    order = [text for text in map(label, ordered_values(axis)) if text in seen]
    known = tuple((text, data.shown(name, text)) for text in dict.fromkeys([*order, *filter(None, texts)]))
    return TrialColumn(name, "setting", values, tuple(texts), known, axis.scale != "category", shown=True)


def _values(column: pd.Series[Any]) -> tuple[Any, ...]:
    return tuple(value if isinstance(value, (tuple, list)) or not pd.isna(value) else None for value in column.tolist())
