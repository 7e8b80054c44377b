"""The last words of a launch: how its trials ended, which was best, what failed, how to go on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.cli.streams import say
from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.paths import store_option
from gridsearch.quantities import counted, duration
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec
    from gridsearch.engine.run.launch import LaunchEnd
    from gridsearch.store.contract import Store

_CAUSES_SHOWN = 3
#: How much advice stands at the end, and which never does: a line above says it, or it is true of most jobs.
_ADVICE_SHOWN, _NOT_SHOWN = 2, frozenset({"no-result", "failed", "incomplete", "one-draw"})
#: Of more trials the epochs are not read for it: that takes as long as a page.
_MOST_READ = 20_000


def say_end(
    store: Store, job: JobSpec, store_path: Path, end: LaunchEnd, *, seconds: float | None, before: int = 0
) -> None:
    """Say how a launch ended, and in what time if it trained anything; `before` trials had their result already."""
    from gridsearch.cli.render.best import best_trial

    name = job.name
    states = ", ".join(f"{count:,} {state}" for state, count in end.counts.items())
    earlier = f" ({before:,} of them before)" if before else ""
    say(f"{name}: {states}" + ("" if seconds is None else f" in {duration(seconds)}{earlier}"))
    if best := best_trial(store, name):
        say(f"{name}: {best}")
    if end.counts.get(TrialState.FAILED):
        _say_failures(store, name)
    again = f"gridsearch resume {quoted(name)}{store_option(store_path)}"
    if end.interrupted:
        only = "".join(f" --only {quoted(rule.text)}" for rule in job.only)
        say(f"interrupted, nothing is lost; continue with: {again}{only}")
    elif end.others:
        say(f"{name}: {counted(end.others, 'trial')} still to train; train all with: {again}")
    elif any(end.counts.get(state) for state in RESULT_STATES):
        _say_advice(store, name, store_option(store_path))


def _say_advice(store: Store, name: str, option: str) -> None:
    """Say what to do next: the most urgent of it, but for what stands above already."""
    from gridsearch.analysis.advice.advise import advise
    from gridsearch.analysis.frames import load, load_to_show
    from gridsearch.cli.render.advice import advice_text

    small = sum(store.counts(name).values()) <= _MOST_READ
    data = load_to_show(store, name, ["overfit_epoch"]) if small else load(store, name)
    found = advise(data, store=option)
    shown = [one for one in found if one.code not in _NOT_SHOWN][:_ADVICE_SHOWN]
    for one in shown:
        say(f"{name}: {advice_text(one)}" + (f": {one.run}" if one.run else ""))
    if len(found) > len(shown):
        say(f"{name}: {'more advice' if shown else 'what to do next'}: gridsearch advise {quoted(name)}{option}")


def _say_failures(store: Store, name: str) -> None:
    from gridsearch.analysis.shared_settings import shared_settings, shared_text

    trials = store.trials(name)
    failed = [trial for trial in trials if trial.state == TrialState.FAILED]
    logs = {trial.error: trial.log for trial in failed}
    job = store.job(name)
    causes = Counter(trial.error for trial in failed)
    for error, count in causes.most_common(_CAUSES_SHOWN):
        alike = [trial for trial in failed if trial.error == error]
        shared = shared_text(shared_settings(job, alike, (trial for trial in trials if trial.state in RESULT_STATES)))
        log = f"\n  traceback: {logs[error]}" if logs[error] else ""
        say(f"{counted(count, 'trial')} failed: {error}{shared}{log}")
    if len(causes) > _CAUSES_SHOWN:
        others = counted(len(causes) - _CAUSES_SHOWN, "other cause")
        say(f"and {others}; see: gridsearch status {quoted(name)} --json")
