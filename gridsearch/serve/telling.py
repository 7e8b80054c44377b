"""What a page is told of a job, as JSON values: texts and numbers, no markup."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from gridsearch.analysis.sweep import AtWork, Line, Result, Sweep
from gridsearch.config.events import RESULT_STATES
from gridsearch.shell_words import quoted
from gridsearch.store.signs_of_life import silent_seconds
from gridsearch.visualization.figures.short_numbers import short_numbers


def sweep_json(sweep: Sweep, store: str = "") -> dict[str, Any]:
    """Return how a job goes, for its page; `store` is how a command names its store, nothing for `results.db`."""
    return {
        "job": sweep.job,
        "counts": list(sweep.shown_counts),
        "total": sweep.total,
        "ended": sweep.ended,
        "epochs": sweep.epochs,
        "pace": _number(sweep.epochs_per_second),
        "left": _number(sweep.seconds_left),
        "heading": sweep.heading,
        "best": _result(sweep.best) if sweep.best else None,
        "axes": [name for name, _ in sweep.newest[0].settings] if sweep.newest else [],
        "newest": [_result(one) for one in sweep.newest],
        "history": [[round(at, 3), *short_numbers(scores)] for at, *scores in sweep.history],
        "lines": [_line(one) for one in sweep.lines],
        "launches": [_launch(one) for one in sweep.launches],
        "trains": sweep.trains,
        "resume": _resume(sweep, store),
        "causes": list(sweep.causes),
    }


def row_json(sweep: Sweep, store: str = "") -> dict[str, Any]:
    """Return how a job goes, for its row in the list of jobs; `store` as for `sweep_json`."""
    done = "" if sweep.work is None else f", {100 * sweep.work:.0f} % done"
    left = f"training{done}" if sweep.trains else f"lost{done}: {_resume(sweep, store)}" if sweep.launches else ""
    states = ", ".join(f"{count:,} {state}" for state, count in sweep.shown_counts if state != "completed")
    return {
        "job": sweep.job,
        "counts": list(sweep.shown_counts),
        "total": sweep.total,
        "results": sum(count for state, count in sweep.counts if state in RESULT_STATES),
        "words": "; ".join(text for text in (states, left) if text),
    }


def _resume(sweep: Sweep, store: str) -> str:
    return f"gridsearch resume {quoted(sweep.job)}{store}"


def _result(one: Result) -> dict[str, Any]:
    return {
        "trial": one.trial,
        "score": _number(one.score),
        "text": one.text,
        "words": one.words,
        "settings": [value for _, value in one.settings],
    }


def _line(one: Line) -> dict[str, Any]:
    return {
        "trial": one.trial,
        "of": one.of,
        "words": one.words,
        "epochs": one.epochs,
        "values": short_numbers([_number(value) for value in one.values]),
    }


def _launch(one: AtWork) -> dict[str, Any]:
    silent = silent_seconds(one.launch)
    now = datetime.now(UTC)
    return {
        "host": one.launch.host,
        "pid": one.launch.pid,
        "of": one.launch.workers,
        "beat": round(silent, 1),
        "life": one.life.value,
        "workers": [
            {"lineages": worker.lineages, "heard": round(max(0.0, (now - worker.heard_at).total_seconds()), 1)}
            for worker in one.workers
        ],
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
