"""How a job stands: counts of trials, launches at work, failures by cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gridsearch.analysis.labels import Spread
from gridsearch.analysis.limits import exceeded
from gridsearch.analysis.shared_settings import shared_settings, shared_text
from gridsearch.analysis.sweep import shown_states
from gridsearch.analysis.updated import updated_at
from gridsearch.cli.render.best import Best, best_trial
from gridsearch.cli.render.wording import moment, short_id
from gridsearch.cli.streams import folded
from gridsearch.config.events import OPEN_STATES, RESULT_STATES
from gridsearch.printable import printable
from gridsearch.quantities import counted, duration

if TYPE_CHECKING:
    from gridsearch.store.contract import Store
    from gridsearch.store.rows import AtWork

_CAUSES_SHOWN = 5
_LINEAGES_SHOWN = 3
#: A worker that has not been heard of for so long is told of; epochs may take longer, which only a person can know.
SILENT_SECONDS = 60.0


def job_status(store: Store, name: str) -> dict[str, Any]:
    """Return how a job stands as JSON values."""
    from gridsearch.store.signs_of_life import Life, all_lost, holders, is_there, life, silent_seconds

    row = store.job(name)
    counts = store.counts(name)
    open_ones = store.open_launches()
    launches = [launch for launch in open_ones if launch.job == name]
    trials = store.trials(name) if counts.get("failed") else []  # type: ignore[call-overload]
    failed = [trial for trial in trials if trial.state == "failed"]
    sound = [trial for trial in trials if trial.state in RESULT_STATES]
    causes = Counter(trial.error or "no cause recorded" for trial in failed)
    logs = {trial.error or "no cause recorded": trial.log for trial in failed}

    def shared(cause: str) -> dict[str, list[Any]]:
        alike = [trial for trial in failed if (trial.error or "no cause recorded") == cause]
        return shared_settings(row, alike, sound)

    record, bounds = row.record, row.record.limits
    models = record.models
    over = Counter(key for trial in (store.trials(name) if bounds else ()) if (key := exceeded(trial, bounds)))
    best = best_trial(store, name)
    at_work = store.at_work(name)
    return {
        "job": name,
        "model": list(models) if len(models) > 1 else record.models_text,
        "dataset": record.dataset,
        "revision": row.revision,
        "updated_at": updated_at(store, row).isoformat(timespec="seconds"),
        "trials": sum(counts.values()),
        "states": {str(state): count for state, count in counts.items()},
        "interrupted": all_lost(holders(open_ones, name)),
        "open": sum(counts.get(state, 0) for state in OPEN_STATES),
        "best": {"trial": best.trial, best.heading: best.score, **_spread(best)} if best else None,
        "constraints": bounds,
        "over": dict(over),
        "training_seconds": store.training_cost(name).seconds,
        "launches": [
            {
                "host": launch.host,
                "pid": launch.pid,
                "workers": launch.workers,
                "command": launch.origin.command,
                "git_commit": launch.origin.commit,
                "git_clean": launch.origin.clean,
                "versions": dict(launch.origin.versions),
                "alive": life(launch) is not Life.LOST,
                "seen": is_there(launch),
                "silent_seconds": round(silent_seconds(launch), 1),
                "silent": [_silence(one) for one in at_work if one.launch_id == launch.launch_id],
            }
            for launch in launches
        ],
        "failures": [
            {"cause": cause, "trials": count, "log": logs[cause], "shared": shared(cause)}
            for cause, count in causes.most_common()
        ],
    }


def _silence(one: AtWork) -> dict[str, Any]:
    """Return what a worker was given and how long ago it was heard of, by this machine's clock."""
    return {
        "lineages": [short_id(lineage) for lineage in one.lineage_ids],
        "heard_at": one.heard_at.isoformat(timespec="seconds"),
        "seconds": max(0.0, (datetime.now(UTC) - one.heard_at).total_seconds()),
    }


def _silent_lines(launch: dict[str, Any]) -> list[str]:
    """Return a line for each worker of a live launch that has not been heard of for long."""
    silent = [one for one in launch["silent"] if one["seconds"] >= SILENT_SECONDS] if launch["alive"] else []
    return [
        f"  silent    a worker, for {duration(one['seconds'])}, since {moment(datetime.fromisoformat(one['heard_at']))}"
        f" ({counted(len(one['lineages']), 'lineage')}: {', '.join(one['lineages'][:_LINEAGES_SHOWN])}"
        f"{' and others' if len(one['lineages']) > _LINEAGES_SHOWN else ''})"
        for one in silent
    ]


def _spread(best: Best) -> dict[str, Any]:
    return {"spread": asdict(best.spread)} if best.spread else {}


def _launch_state(launch: dict[str, Any]) -> str:
    from gridsearch.store.signs_of_life import SILENT_SECONDS

    if not launch["alive"]:
        return "lost; train its trials with: gridsearch resume"
    if launch["silent_seconds"] < SILENT_SECONDS:
        return "at work"
    silent = f"silent for {duration(launch['silent_seconds'])}"
    if launch["seen"]:
        return f"{silent}: its process exists, but is suspended, or waits for a lock on the store or a slow disk"
    return f"{silent}; if it is gone, continue its trials with: gridsearch resume"


def _what(found: dict[str, Any]) -> str:
    """Return what is trained: models on a data set, or a training of the user's own."""
    models = ", ".join(_models(found))
    return f"{models} on {found['dataset']}" if found["dataset"] else models


def status_text(found: dict[str, Any], *, width: int | None) -> str:
    """Return how a job stands as lines of text that keep to a width."""
    trials = found["trials"]
    done = trials - found["open"]
    shown = shown_states(found["states"].items(), interrupted=found["interrupted"])
    states = ", ".join(f"{count:,} {state}" for state, count in shown)
    lines = [
        f"{printable(found['job'])}  ({printable(_what(found))})",
        f"  trials    {done:,}/{trials:,} ended: {states}",
    ]
    if found["best"]:
        metric, value = list(found["best"].items())[1]
        best = Best(found["best"]["trial"], metric, value, "")
        if spread := found["best"].get("spread"):
            best = replace(best, spread=Spread(**spread))
        lines.append(f"  best      {metric} {best.score_text}  {best.which} {short_id(best.trial)}")
    if found["over"]:
        causes = ", ".join(f"{count:,} {names}" for names, count in found["over"].items())
        lines.append(f"  over      {counted(sum(found['over'].values()), 'trial')} over a constraint: {causes}")
    lines.append(f"  training  {duration(found['training_seconds'])} of workers' time")
    lines.append(f"  updated   {moment(datetime.fromisoformat(found['updated_at']))}")
    for launch in found["launches"]:
        state = _launch_state(launch)
        lines.append(
            f"  launch    process {launch['pid']} on {launch['host']}, {counted(launch['workers'], 'worker')}, {state}"
        )
        lines += _silent_lines(launch)
    for failure in found["failures"][:_CAUSES_SHOWN]:
        shared = shared_text(failure["shared"])
        lines.append(
            f"  failed    {counted(failure['trials'], 'trial')}: {printable(failure['cause'])}{printable(shared)}"
        )
        lines += [f"            traceback: {failure['log']}"] if failure["log"] else []
    if len(found["failures"]) > _CAUSES_SHOWN:
        lines.append(f"            and {len(found['failures']) - _CAUSES_SHOWN} more causes; see --json")
    return "\n".join(folded(line, width, indent=12) for line in lines)


def _models(found: dict[str, Any]) -> list[str]:
    return [found["model"]] if isinstance(found["model"], str) else found["model"]
