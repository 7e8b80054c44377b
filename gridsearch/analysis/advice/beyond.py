"""Advice where something better may lie beyond the grid: wider axes, longer trainings, or shorter ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from gridsearch.analysis.advice.look import Look, setting
from gridsearch.analysis.advice.piece import Advice
from gridsearch.analysis.edges import edges
from gridsearch.analysis.labels import brief_text
from gridsearch.analysis.widening import Effort, effort_of, wider
from gridsearch.config.events import RESULT_STATES
from gridsearch.store.rows import LineageCurve, TrialRow

#: A training is not at its end while the last tenth of its epochs brings this share of all that it gained.
_LAST_PART, _STILL_GAINS = 0.1, 0.02
#: The end of a curve of fewer epochs tells nothing.
_FEWEST_EPOCHS = 10
_EPOCHS = "epochs"


def edge(look: Look) -> Iterator[Advice]:
    """Where the best value of an axis is the outermost: one more value in the same spacing."""
    for found in edges(look.data):
        if (values := wider(look.data, found)) is None:
            continue
        yield Advice(
            "edge",
            f"the best value of {found.column} ({found.value}) is the {'largest' if found.largest else 'smallest'}"
            " tried",
            f"{'larger' if found.largest else 'smaller'} ones may be better still",
            look.launch(setting(found.axis.name, values)),
            effort_of(look.data, found, values[-1] if found.largest else values[0]),
        )


def ending(look: Look) -> Iterator[Advice]:
    """Where the best trial overfits, or still improves at its end."""
    if look.ties is None or look.data.curves is None:
        return
    row = look.data.rows[look.data.place_of[look.ties.best.trial]]
    if "overfit_epoch" not in look.data.trials:  # an own training may report no losses
        turn = None
    else:
        turn = look.data.trials["overfit_epoch"].iloc[look.data.place_of[row.trial_id]]
    if not pd.isna(turn):
        yield _overfitting(look, row, int(turn))
    elif row.stopped_epoch is None and row.epochs == max(look.longest.values()):
        yield from _still_improving(look, row, next(iter(look.data.own_curves([row]))))


def _overfitting(look: Look, row: TrialRow, turn: int) -> Advice:
    epochs = sorted({*look.data.job.record.values(_EPOCHS), turn}, key=lambda value: float(str(value)))
    shared = not look.own and look.config.shares_prefix
    # A shorter trial is part of a longer training that is there already.
    run = setting(_EPOCHS, epochs) if shared else "early_stopping=5"
    return Advice(
        "overfitting",
        f"the best trial overfits from epoch {turn:,} of {row.epochs:,} on: its validation loss rises while its"
        " training loss falls",
        "later epochs take time and make its probabilities worse; a shorter training, or regularisation, may be better",
        "" if look.own else look.launch(run),
        _shorter(look, turn, [float(str(one)) for one in epochs]) if shared else None,
    )


def _shorter(look: Look, turn: int, epochs: Sequence[float]) -> Effort:
    """Return what trials of so many epochs take: nothing where all trainings came as far as the new value, the turn."""
    lacking = dict(look.longest)
    for row in look.data.rows:
        if row.state in RESULT_STATES and row.epochs >= turn:
            lacking.pop(row.lineage_id, None)
    if not lacking:
        return Effort(len(look.longest), 0.0, trained=True)
    return Effort(len(epochs) * len(lacking), look.seconds(round(max(epochs)) * len(lacking)))


def _still_improving(look: Look, row: TrialRow, curve: LineageCurve) -> Iterator[Advice]:
    sign = 1 if look.data.objective.highest else -1
    known = [
        sign * value
        for epoch, value in zip(curve.epoch, curve.metric(look.data.objective.metric), strict=True)
        if value is not None and math.isfinite(value) and epoch > 0
    ]
    if len(known) < _FEWEST_EPOCHS:
        return
    last = max(2, round(_LAST_PART * len(known)))
    before = max(known[:-last])
    late, all_gained = known[-1] - before, known[-1] - known[0]
    if late <= 0 or late < _STILL_GAINS * all_gained:
        return
    more = 2 * row.epochs
    axis = next((axis.values for axis in look.data.axes if axis.name == _EPOCHS), None)
    yield Advice(
        "still-improving",
        f"the best trial still improves at its last epoch: {look.data.objective.metric} improved by"
        f" {brief_text(late)} in the last {last} of {row.epochs:,}",
        "more epochs may make it better, and others overtake it",
        look.launch(setting(_EPOCHS, more if axis is None else (*axis, more))),
        Effort(len(look.longest), look.seconds(sum(max(0, more - one) for one in look.longest.values()))),
    )
