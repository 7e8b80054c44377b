"""One trial, whole: settings, numbers, curves drawn with characters, events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gridsearch.analysis.column_names import free
from gridsearch.analysis.labels import label, score_text
from gridsearch.analysis.measures import initial_val_loss, measures_for, overfit_epoch, seconds_per_epoch
from gridsearch.analysis.spans import trained_as
from gridsearch.cli.render.bars import bars
from gridsearch.cli.render.tables import Grid
from gridsearch.cli.render.wording import id_within, moment, short_id
from gridsearch.cli.streams import folded
from gridsearch.config.identity import flatten, own_settings
from gridsearch.config.metrics import METRICS, is_loss, metric_of, names_in
from gridsearch.config.trial import without_dead_settings
from gridsearch.config.versions import implied_settings
from gridsearch.printable import printable
from gridsearch.quantities import counted, duration
from gridsearch.store.rows import LineageCurve

if TYPE_CHECKING:
    from gridsearch.analysis.spans import Span
    from gridsearch.store.rows import EpochRow, EventRow, JobRow, TrialRow

#: Bars of a curve at most, and the columns that its name and its bounds take beside them.
_BARS_SHOWN, _BESIDE = 60, 44
_EVENTS_SHOWN = 12
#: What all names of settings and numbers are aligned with.
_LONGEST = "initial_val_loss"
_MEASURES = {
    "initial_val_loss": initial_val_loss,
    "overfit_epoch": overfit_epoch,
    "seconds_per_epoch": seconds_per_epoch,
}
#: Events of a trial's lineage that the trial has no event of its own for; others would tell the same twice.
_OF_LINEAGE = ("enqueued", "refused")


def settings_of(row: TrialRow, jobs: Sequence[JobRow]) -> dict[str, Any]:
    """Return all settings of a trial; jobs with its model, and with its data, tell the defaults that it leaves out."""
    config = json.loads(row.config)
    model = config["model"]
    known = next((job.record.defaults(model) for job in jobs if model in job.record.models), {})
    if ":" not in model:
        known |= {key: value for key, value in implied_settings(config["version"]).items() if key in known}
    having = (job.record for job in jobs if config.get("dataset") in job.record.fingerprints())
    return {**next((record.data_defaults for record in having), {}), **known, **flatten(row.config)}


def trial_json(
    row: TrialRow,
    settings: Mapping[str, Any],
    epochs: Sequence[EpochRow],
    events: Sequence[EventRow],
    trained: Sequence[Span] = (),
) -> dict[str, Any]:
    """Return a trial as JSON values."""
    curve, names = LineageCurve.of(row.lineage_id, epochs), names_in([row], own=is_own(row))
    told = {
        "trial": row.trial_id,
        "lineage": row.lineage_id,
        "state": str(row.state),
        "settings": dict(settings),
        "config": row.config,
        "diverged_epoch": row.diverged_epoch,
        "stopped_epoch": row.stopped_epoch,
        **({} if is_own(row) else {"parameters": row.parameters, "macs": row.macs}),
        "error": row.error,
        "log": row.log,
        "attempt": row.attempt,
        "seconds": row.seconds,
        **{name: _MEASURES[name](curve) for name in measures_for(names, own=True)},
        "trained": [
            {
                "first_epoch": span.first,
                "last_epoch": span.last,
                "strategy": span.formation.strategy,
                "lineages": [place.lineage_id for place in span.formation.places] or [row.lineage_id],
                "device": span.formation.device,
                "threads": span.formation.threads,
                "torch": span.formation.torch,
            }
            for span in trained
        ],
        "epochs": epochs_json(epochs, own=is_own(row)),
        "events": [
            {
                "at": event.at.isoformat(),
                "of": "trial" if event.trial_id else "lineage",
                "kind": event.kind,
                "detail": dict(event.detail),
            }
            for event in events
        ],
    }
    metrics = {free(metric, told, "metric"): metric_of(row, metric) for metric in names}
    first = ("trial", "lineage", "state", "settings", "config")
    return {key: told[key] for key in first} | metrics | told


def is_own(row: TrialRow) -> bool:
    """Whether code of the user's trained a trial."""
    return "training" in json.loads(row.config)


def epochs_json(epochs: Sequence[EpochRow], *, own: bool = False) -> list[dict[str, Any]]:
    """Return a trial's epochs as JSON values; without a learning rate of a training of the user's `own`."""
    names = names_in(epochs, own=own)
    return [
        {"epoch": e.epoch}
        | ({} if own else {"learning_rate": e.learning_rate})
        | {"seconds": e.seconds}
        | {metric: metric_of(e, metric) for metric in names}
        for e in epochs
    ]


def epoch_grid(epochs: Sequence[EpochRow], *, own: bool = False) -> Grid:
    """Return the log of a trial: a line for each epoch, and the time of them all."""
    names = names_in(epochs, own=own)
    rows = [
        [str(e.epoch), *(score_text(metric_of(e, name)) or "-" for name in names), f"{e.seconds:.3f}"] for e in epochs
    ]
    trained, seconds = sum(epoch.epoch >= 1 for epoch in epochs), sum(epoch.seconds for epoch in epochs)
    headings = ["epoch", *names, "seconds"]
    what, included = ("reported", "") if own else ("trained", ", evaluation included")
    caption = f"{counted(trained, 'epoch')} {what} in {duration(seconds)}{included}"
    return Grid(headings, [True] * len(headings), rows, caption=caption, keys=1)


def trial_text(
    row: TrialRow,
    settings: Mapping[str, Any],
    epochs: Sequence[EpochRow],
    events: Sequence[EventRow],
    trained: Sequence[Span] = (),
    *,
    width: int | None = None,
) -> str:
    """Return a trial as lines of text that keep to a width."""
    written = json.loads(row.config)
    chosen = {key: value for key, value in settings.items() if key in written or key in own_settings(written)}
    if "teacher" in written:
        chosen["teacher"] = short_id(written["teacher"])
    chosen = {"model": written["model"]} | chosen
    room = max(map(len, (*chosen, _LONGEST)))
    given = "\n".join(f"  {key:<{room}} {printable(label(value))}" for key, value in chosen.items())
    live = settings if is_own(row) else without_dead_settings(dict(settings))
    rest = ", ".join(f"{key} {label(value)}" for key, value in live.items() if key not in chosen)
    seconds = "" if row.seconds is None else f" in {duration(row.seconds)}"
    known_by = id_within(row.trial_id, width and width - len("trial "))
    lines = [f"trial {known_by}", f"  {row.state}{seconds}, attempt {row.attempt}", "", given]
    lines += [f"  {'by default':<{room}} {printable(rest)}"] if rest else []
    lines.append("")
    names = names_in([row, *epochs], own=is_own(row))
    beside = max(len(_LONGEST), *map(len, names))
    lines += [f"  {metric:<{beside}} {_number(metric_of(row, metric))}" for metric in names]
    lines += _measured(LineageCurve.of(row.lineage_id, epochs), beside)
    if row.diverged_epoch is not None:
        lines.append(f"  diverged in epoch {row.diverged_epoch}")
    if row.stopped_epoch is not None:
        lines.append(f"  stopped early, after epoch {row.stopped_epoch}")
    if row.parameters is not None:
        lines.append(f"  {'parameters':<{beside}} {row.parameters:,}\n  {'MACs':<{beside}} {row.macs:,}")
    if trained:
        last = f"{trained[-1].formation.device}, torch {trained[-1].formation.torch}"
        reach = f"epochs 1-{trained[-1].last}; {last}"
        lines.append(f"  {'trained':<{beside}} {printable(trained_as(trained))}; {printable(reach)}")
    if row.error:
        lines.append(f"  {'error':<{beside}} {printable(row.error)}")
        lines += [f"  {'traceback':<{beside}} {row.log}"] if row.log else []
    lines += _curves(epochs, names, beside, width)
    lines += ["", "  events"]
    shown = [event for event in events if event.trial_id or event.kind in _OF_LINEAGE]
    lines += [f"  {moment(event.at)}  {event.kind}" for event in shown[-_EVENTS_SHOWN:]]
    return folded("\n".join(lines), width, indent=19)


def _measured(curve: LineageCurve, beside: int) -> list[str]:
    """Return what the epochs tell about the trial, as far as they do."""
    lines = []
    if (initial := initial_val_loss(curve)) is not None:
        lines.append(f"  {'initial_val_loss':<{beside}} {_number(initial)}")
    if (overfits := overfit_epoch(curve)) is not None:
        lines.append(f"  {'overfit_epoch':<{beside}} {overfits}")
    return lines


def _curves(epochs: Sequence[EpochRow], names: Sequence[str], beside: int, width: int | None) -> list[str]:
    """Return a line for each metric that was recorded in two epochs or more, and what they are before these."""
    # Before its first step a model is as bad as chance: with that in view, the rest would be a flat line.
    later = [epoch for epoch in epochs if epoch.epoch >= 1]
    recorded = {name: [metric_of(epoch, name) for epoch in later if _has(epoch, name)] for name in names}
    values = {name: found for name, found in recorded.items() if len(found) > 1}
    if not values:
        return []
    most = _BARS_SHOWN if width is None else min(_BARS_SHOWN, max(2, width - _BESIDE))
    note = " (losses on a log scale)" if any(map(is_loss, values)) else ""
    drawn = [_curve(name, found, most, beside) for name, found in values.items()]
    return ["", f"  epochs {later[0].epoch} to {later[-1].epoch}{note}", *drawn]


def _has(epoch: EpochRow, name: str) -> bool:
    """Whether a metric was measured in an epoch, finite or not: of our own training, which has a rate, all were."""
    return name in epoch.more or (name in METRICS and epoch.learning_rate is not None)


def _curve(name: str, values: Sequence[float | None], most: int, beside: int) -> str:
    """Return a curve as one line of bars between its lowest and its highest value, of losses by their logarithm."""
    known = [v for v in values if v is not None and abs(v) < float("inf")]
    if not known:
        return f"  {name:<{beside}} no finite value"
    drawn = bars(values, most, log=is_loss(name))
    return f"  {name:<{beside}} {drawn}  {min(known):.4g} to {max(known):.4g}"


def _number(value: float | None) -> str:
    return score_text(value) or "-"
