"""How a job stands: counts of trials, launches at work, failures by cause."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gridsearch.cli.streams import printable
from gridsearch.cli.wording import duration, plural
from gridsearch.spec.outcomes import OPEN_STATES

if TYPE_CHECKING:
    from gridsearch.store.contract import Store

_CAUSES_SHOWN = 5


def standing(store: Store, name: str) -> dict[str, Any]:
    """Return how a job stands as JSON values."""
    from gridsearch.engine.liveness import Watch

    row = store.job(name)
    counts = store.counts(name)
    watch = Watch()
    launches = [launch for launch in store.open_launches() if launch.job == name]
    failed = [trial for trial in store.trials(name) if trial.state == "failed"] if counts.get("failed") else []  # type: ignore[call-overload]
    causes = Counter(trial.error or "no cause recorded" for trial in failed)
    logs = {trial.error or "no cause recorded": trial.log for trial in failed}
    objective = row.spec["objective"]
    best = store.ranking(name, objective["metric"], 1, highest=objective["mode"] == "max")
    return {
        "job": name,
        "model": row.spec["model"],
        "dataset": row.spec["dataset"],
        "revision": row.revision,
        "updated_at": row.updated_at.isoformat(timespec="seconds"),
        "trials": sum(counts.values()),
        "states": {str(state): count for state, count in counts.items()},
        "open": sum(counts.get(state, 0) for state in OPEN_STATES),
        "best": {"trial": best[0].trial_id, objective["metric"]: getattr(best[0], objective["metric"])}
        if best
        else None,
        "training_seconds": sum(epoch.seconds for epoch in store.job_epochs(name)),
        "launches": [
            {
                "host": launch.host,
                "pid": launch.pid,
                "workers": launch.workers,
                "alive": watch.is_alive(launch),
            }
            for launch in launches
        ],
        "failures": [{"cause": cause, "trials": count, "log": logs[cause]} for cause, count in causes.most_common()],
    }


def standing_text(found: dict[str, Any]) -> str:
    """Return how a job stands as lines of text."""
    trials = found["trials"]
    done = trials - found["open"]
    states = ", ".join(f"{count:,} {state}" for state, count in found["states"].items())
    lines = [
        f"{printable(found['job'])}  ({printable(found['model'])} on {printable(found['dataset'])})",
        f"  trials    {done:,}/{trials:,} ended: {states}",
    ]
    if found["best"]:
        metric, value = list(found["best"].items())[1]
        lines.append(f"  best      {metric} {value:.4f}  trial {found['best']['trial'][:12]}")
    lines.append(f"  training  {duration(found['training_seconds'])} of workers' time; updated {found['updated_at']}")
    for launch in found["launches"]:
        state = "at work" if launch["alive"] else "gone; its trials wait for: gridsearch resume"
        lines.append(
            f"  launch    process {launch['pid']} on {launch['host']}, {plural(launch['workers'], 'worker')}, {state}"
        )
    for failure in found["failures"][:_CAUSES_SHOWN]:
        lines.append(f"  failed    {plural(failure['trials'], 'trial')}: {printable(failure['cause'])}")
        lines.append(f"            traceback: {failure['log']}")
    if len(found["failures"]) > _CAUSES_SHOWN:
        lines.append(f"            and {len(found['failures']) - _CAUSES_SHOWN} more causes; see --json")
    return "\n".join(lines)
