"""How a job goes just now, as lines for the terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from gridsearch.analysis.sweep import AtWork, Result, Sweep
from gridsearch.cli.render.bars import bars
from gridsearch.cli.render.wording import short_id
from gridsearch.cli.streams import folded
from gridsearch.config.metrics import is_loss
from gridsearch.printable import printable
from gridsearch.quantities import counted, duration
from gridsearch.store.signs_of_life import Life, silent_seconds

#: Columns of the progress bar and of a curve, at most; and how many of the newest results and of the workers are told.
_BAR, _CURVE, _WORKERS = 40, 24, 8
NEWEST = 6
_INDENT = 12
#: A terminal of fewer columns has settings on a line of their own.
_NARROW = 70


def sweep_lines(sweep: Sweep, *, width: int | None, newest: int = NEWEST) -> list[str]:
    """Return how a job goes as lines of text that keep to a width."""
    states = ", ".join(f"{count:,} {state}" for state, count in sweep.shown_counts)
    lines = [
        f"{printable(sweep.job)}  ({printable(sweep.what)})",
        f"  trials    {sweep.ended:,}/{sweep.total:,} ended: {states}",
        f"  epochs    {' · '.join(_progress(sweep, width))}",
    ]
    if sweep.best:
        lines.append(
            f"  best      {sweep.heading.removeprefix('best ')} {sweep.best.text}  trial {short_id(sweep.best.trial)}:"
            f" {printable(sweep.best.words)}"
        )
    for one in sweep.launches:
        lines += _launch_lines(one)
    curves = {line.trial: line.values for line in sweep.lines}
    log = is_loss(sweep.metric)
    if sweep.newest and newest:
        lines.append("  newest")
        shown = sweep.newest[:newest]
        drawn_of = {one.trial: bars(curves.get(one.trial, ())[1:], _curve(width), log=log) for one in shown}
        room = _curve(width) if any(drawn_of.values()) else 0
        for result in shown:
            lines += _result_lines(result, f"{drawn_of[result.trial]:<{room}}", width)
    running = [line for line in sweep.lines if line.of == "running"][:newest]
    if running:
        lines.append("  in training")
        for line in running:
            drawn = bars(line.values[1:], _curve(width), log=log)
            lines.append(
                f"    {short_id(line.trial)}  epoch {line.epochs[-1]:<4} {drawn}  {printable(line.words)}".rstrip()
            )
    if (others := sweep.training - len(running)) > 0 and newest:
        lines.append(
            f"    and {others:,} more" if running else f"  training  {others:,} under way, without a whole epoch yet"
        )
    for cause, count in sweep.causes:
        lines.append(f"  failed    {counted(count, 'trial')}: {printable(cause)}")
    return [part for line in lines for part in folded(line, width, indent=_INDENT).split("\n")]


def _progress(sweep: Sweep, width: int | None) -> list[str]:
    done, wanted = sweep.epochs
    parts = [f"{done:,}/{wanted:,}"]
    if sweep.work is not None:
        room = _BAR if width is None else max(8, min(_BAR, width - 40))
        full = round(room * sweep.work)
        parts = [f"{'━' * full}{'─' * (room - full)} {int(100 * sweep.work)} %", *parts]
    if sweep.epochs_per_second is not None:
        parts.append(f"{sweep.epochs_per_second:,.1f} epochs/s")
    if sweep.seconds_left is not None:
        parts.append(f"{duration(sweep.seconds_left)} left")
    return parts


def _launch_lines(one: AtWork) -> list[str]:
    launch = one.launch
    state = one.life.value
    if one.life is Life.LOST:
        state = "lost; train its trials with: gridsearch resume"
    elif one.life is Life.SILENT:
        state = f"silent for {duration(silent_seconds(launch))}"
    lines = [f"  launch    process {launch.pid} on {launch.host}, {counted(launch.workers, 'worker')}, {state}"]
    now = datetime.now(UTC)
    for worker in one.workers[:_WORKERS]:
        ago = max(0.0, (now - worker.heard_at).total_seconds())
        of = f" of {counted(worker.lineages, 'training')}" if worker.lineages > 1 else ""
        lines.append(f"  worker    {short_id(worker.first)}{of}, heard {duration(ago)} ago")
    if len(one.workers) > _WORKERS:
        lines.append(f"            and {len(one.workers) - _WORKERS} more workers")
    return lines


def _curve(width: int | None) -> int:
    return _CURVE if width is None else max(6, min(_CURVE, width - 50))


def _result_lines(one: Result, curve: str, width: int | None) -> list[str]:
    head = f"    {short_id(one.trial)}  {one.text:<9} {curve}"
    why = f": {one.error}" if one.error else ""
    words = printable(f"{one.words}{why}")
    if width is not None and width < _NARROW:
        return [head.rstrip(), f"      {words}"] if words else [head.rstrip()]
    return [f"{head}  {words}".rstrip()]
