"""Grid search for image classifiers: a YAML job, a resumable store, and dashboards worth showing.

In a notebook: `gridsearch.open("results.db").job("shallow")`; see `gridsearch.notebook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridsearch.version import __version__ as __version__

if TYPE_CHECKING:
    from gridsearch.notebook import open as open


def __getattr__(name: str) -> Any:
    """Load the notebook's part when it is first asked for: the command line must not pay for pandas."""
    if name == "open":
        from gridsearch.notebook import open as open_results

        return open_results
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["__version__", "open"]
