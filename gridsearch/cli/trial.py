"""One trial, whole: settings, numbers, curves drawn with characters, events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gridsearch.cli.streams import printable
from gridsearch.cli.wording import duration
from gridsearch.spec.identity import flatten
from gridsearch.spec.outcomes import METRICS

if TYPE_CHECKING:
    from gridsearch.store.rows import EpochRow, EventRow, TrialRow

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
_EVENTS_SHOWN = 12


def trial_json(row: TrialRow, epochs: Sequence[EpochRow], events: Sequence[EventRow]) -> dict[str, Any]:
    """Return a trial as JSON values."""
    return {
        "trial": row.trial_id,
        "lineage": row.lineage_id,
        "state": str(row.state),
        "settings": flatten(row.config),
        "config": row.config,
        **{metric: getattr(row, metric) for metric in METRICS},
        "diverged_epoch": row.diverged_epoch,
        "error": row.error,
        "log": row.log,
        "attempt": row.attempt,
        "seconds": row.seconds,
        "epochs": [
            {"epoch": e.epoch, "learning_rate": e.learning_rate, "seconds": e.seconds}
            | {metric: getattr(e, metric) for metric in METRICS}
            for e in epochs
        ],
        "events": [{"at": event.at.isoformat(), "kind": event.kind, "detail": dict(event.detail)} for event in events],
    }


def trial_text(row: TrialRow, epochs: Sequence[EpochRow], events: Sequence[EventRow]) -> str:
    """Return a trial as lines of text."""
    settings = "\n".join(f"  {key:<16} {printable(str(value))}" for key, value in flatten(row.config).items())
    seconds = "" if row.seconds is None else f" in {duration(row.seconds)}"
    lines = [f"trial {row.trial_id}", f"  {row.state}{seconds}, attempt {row.attempt}", "", settings, ""]
    lines += [f"  {metric:<16} {_number(getattr(row, metric))}" for metric in METRICS]
    if row.diverged_epoch is not None:
        lines.append(f"  diverged in epoch {row.diverged_epoch}")
    if row.error:
        lines.append(f"  error            {printable(row.error)}\n  traceback        {row.log}")
    if len(epochs) > 1:
        lines += ["", f"  epochs 0 to {epochs[-1].epoch}"]
        lines += [_curve(metric, epochs, lambda e, m=metric: getattr(e, m)) for metric in METRICS]  # type: ignore[misc]
    lines += ["", "  events"]
    lines += [f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind}" for event in events[-_EVENTS_SHOWN:]]
    return "\n".join(lines)


def _curve(name: str, epochs: Sequence[EpochRow], value: Callable[[EpochRow], float | None]) -> str:
    """Return a curve as one line of bars between its lowest and its highest value."""
    values = [value(epoch) for epoch in epochs]
    known = [v for v in values if v is not None and abs(v) < float("inf")]
    if not known:
        return f"  {name:<16} no finite value"
    low, high = min(known), max(known)
    picked = (
        [values[round(i * (len(values) - 1) / (_WIDTH - 1))] for i in range(_WIDTH)] if len(values) > _WIDTH else values
    )
    bars = "".join(_bar(v, low, high) for v in picked)
    return f"  {name:<16} {bars}  {low:.4g} to {high:.4g}"


def _bar(value: float | None, low: float, high: float) -> str:
    if value is None or abs(value) == float("inf"):
        return "×"
    share = (value - low) / (high - low) if high > low else 0.0
    return _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6f}"
