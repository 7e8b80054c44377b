"""Grid search for image classifiers: a YAML job, a resumable store, and dashboards worth showing.

In a notebook: `gridsearch.open("results.db").job("shallow")`; see `gridsearch.notebook`. A training of your own is a
function of a `gridsearch.Trial`, or a script, which may `report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridsearch.version import __version__ as __version__

if TYPE_CHECKING:
    from gridsearch.notebook import open as open
    from gridsearch.training.own.script import report as report
    from gridsearch.training.own.trial import Trial as Trial
    from gridsearch.training.own.trial import TrialStopped as TrialStopped


def __getattr__(name: str) -> Any:
    """Load a part when it is first asked for: the command line must not pay for pandas, nor a training."""
    if name == "open":
        from gridsearch.notebook import open as open_results

        return open_results
    if name in ("Trial", "TrialStopped"):
        from gridsearch.training.own import trial

        return getattr(trial, name)
    if name == "report":
        from gridsearch.training.own.script import report

        return report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["Trial", "TrialStopped", "__version__", "open", "report"]
