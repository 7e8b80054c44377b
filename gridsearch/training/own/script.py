"""`gridsearch.report`: how a script says what it measures. It imports nothing that takes time."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from gridsearch.training.own.numbers import checked_metrics

#: The environment variable that names the file to report to; without it nobody listens.
REPORT_VARIABLE = "GRIDSEARCH_REPORT"


def report(epoch: int | None = None, /, **metrics: Any) -> None:
    """Report numbers by name from a script that `gridsearch launch` runs; where nobody listens they are printed.

    >>> report(3, val_accuracy=0.5)
    epoch 3: val_accuracy 0.5

    Args:
        epoch: The epoch that has just been trained, from 1, ascending; None for numbers of the whole trial. Of several
            reports of one epoch all metrics count, of one metric the last number.
        metrics: One number each; a tensor or an array of one element is one.

    Raises:
        TrialError: The epoch or a metric cannot be right.
    """
    numbers = checked_metrics(metrics)
    file = os.environ.get(REPORT_VARIABLE)
    if file is None:
        said = ", ".join(f"{name} {value:.6g}" for name, value in numbers.items()) or "no metrics"
        sys.stdout.write(said + "\n" if epoch is None else f"epoch {epoch}: {said}\n")
        return
    told: dict[str, Any] = {} if epoch is None else {"epoch": _whole(epoch)}
    line = json.dumps(told | numbers).encode() + b"\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _whole(epoch: Any) -> int:
    from gridsearch.errors import TrialError

    if isinstance(epoch, bool) or not hasattr(epoch, "__index__") or int(epoch) < 0:
        raise TrialError(f"the epoch is {epoch!r}; report(epoch, ...) takes a whole number first, from 1")
    return int(epoch)
