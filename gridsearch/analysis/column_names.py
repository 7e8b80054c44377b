"""What the columns of tables are called: as settings and metrics are, and apart where two would be called alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gridsearch.analysis.measures import MEASURES
from gridsearch.config.metrics import METRICS

BEFORE = ("trial", "state")
AFTER = ("score", "diverged_epoch", *MEASURES, "seconds", "parameters", "macs", "error")
#: What a job with constraints has too: which of them a trial exceeds.
OVER = "over"
#: What a table of points has instead, where each is trained more than once (see `groups`).
SPREAD = ("score_std", "score_n", "score_of", "score_diverged")
#: All columns that are no setting, whatever the metrics are called.
OURS = frozenset((*BEFORE, *METRICS, *AFTER, OVER, *SPREAD))


def setting_column(name: str) -> str:
    """Return the column of a setting: its name, or `setting_<name>` where a column of ours is called that."""
    return f"setting_{name}" if name in OURS else name


def metric_columns(metrics: Sequence[str], settings: Collection[str]) -> dict[str, str]:
    """Return the column of each metric: its name, or `metric_<name>` where another column is called that.

    >>> metric_columns(["val_f1", "width", "error"], ["width"])
    {'val_f1': 'val_f1', 'width': 'metric_width', 'error': 'metric_error'}
    """
    taken = {*map(setting_column, settings), *OURS}
    apart = [name for name in metrics if name in taken and name not in METRICS]
    taken.update(metrics)
    found = dict(zip(metrics, metrics, strict=True))
    for name in apart:
        found[name] = free(name, taken, "metric")
        taken.add(found[name])
    return found


def free(name: str, taken: Collection[str], prefix: str) -> str:
    """Return a name for a column, with a prefix where another is called that.

    >>> free("rank", ["width", "rank"], "table"), free("rank", ["width"], "table")
    ('table_rank', 'rank')
    """
    while name in taken:
        name = f"{prefix}_{name}"
    return name
