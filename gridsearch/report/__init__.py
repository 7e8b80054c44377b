"""From numbers to figures and static pages; the only room that knows plotly."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """This room, which has the name of a function: once it is imported, `gridsearch.report(...)` still reports."""

    def __call__(self, *epoch: int, **metrics: Any) -> None:
        """Report numbers, as `gridsearch.training.own.script.report` does."""
        from gridsearch.training.own.script import report

        report(*epoch, **metrics)


sys.modules[__name__].__class__ = _Room
