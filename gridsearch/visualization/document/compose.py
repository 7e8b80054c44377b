"""A job's document: its sections in the order in which reports of grid searches tell theirs.

Data, model and axes first, then the table of the best and the worst, the score along each axis, what matters and the
correlations, curves, the test; then what these leave to ask: cost, spread, failures, what to try next, how to
reproduce. A section that the numbers do not allow is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gridsearch.quantities import counted
from gridsearch.version import __version__
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.parts import Document, Section
from gridsearch.visualization.document.sections.along import along
from gridsearch.visualization.document.sections.cost import cost
from gridsearch.visualization.document.sections.curves import curves
from gridsearch.visualization.document.sections.failed import failed
from gridsearch.visualization.document.sections.matters import matters
from gridsearch.visualization.document.sections.next_steps import next_steps
from gridsearch.visualization.document.sections.reproduce import reproduce
from gridsearch.visualization.document.sections.result import result
from gridsearch.visualization.document.sections.searched import searched
from gridsearch.visualization.document.sections.spread import spread
from gridsearch.visualization.document.sections.tested import tested
from gridsearch.visualization.wording import moment

_SECTIONS: tuple[Callable[[Findings], Section | None], ...] = (
    searched,
    result,
    along,
    matters,
    curves,
    tested,
    cost,
    spread,
    failed,
    next_steps,
    reproduce,
)


def document_of(found: Findings) -> Document:
    """Return the document of a job."""
    record = found.data.job.record
    what = "random search" if record.search else "grid search"
    data = f" on {record.dataset_text}" if record.dataset else ""
    origin = f"Made by gridsearch {__version__}{f' from {Path(found.store).name}' if found.store else ''}."
    return Document(
        title=found.data.job.name,
        subtitle=f"A {what} of {counted(len(found.data.rows), 'trial')}{data}",
        date=moment(found.generated),
        sections=tuple(section for make in _SECTIONS if (section := make(found))),
        origin=origin,
    )
