"""How long epochs took: the one number of very many epochs that a page is told by, read without all others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select

from gridsearch.store.queries.lookup import AnySelect, batches_in
from gridsearch.store.schema.tables import epochs, lineages

_KEYS: AnySelect = select(lineages.c.id, lineages.c.lineage_id)
_TIMES: AnySelect = select(epochs.c.lineage, epochs.c.epoch, epochs.c.seconds)
_IN_ORDER = _TIMES.order_by(epochs.c.lineage, epochs.c.epoch)


def seconds_of(connection: Connection, totals: Mapping[str, tuple[int, float]]) -> dict[str, tuple[float, ...]]:
    """See `Store.seconds_of`."""
    names: dict[int, str] = dict(
        row for batch in batches_in(connection, _KEYS, lineages.c.lineage_id, totals) for row in batch
    )
    found = {}
    for key, seconds in _whole_curves(connection, names):
        last, total = totals[names[key]]
        own = seconds[: last + 1]
        if len(own) == last + 1 and _sum(own) == total:
            found[names[key]] = own
    return found


def _whole_curves(connection: Connection, keys: Mapping[int, str]) -> Iterator[tuple[int, tuple[float, ...]]]:
    """Yield the seconds of each lineage whose epochs count from 0 without a gap, by its row number."""
    rows = [row for batch in batches_in(connection, _IN_ORDER, epochs.c.lineage, keys) for row in batch]
    starts = [place for place, row in enumerate(rows) if row[1] == 0]
    if not starts:
        return
    of, numbers, seconds = zip(*rows, strict=True)
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        if of[start] == of[end - 1] and numbers[start:end] == tuple(range(end - start)):
            yield of[start], seconds[start:end]


def _sum(seconds: tuple[float, ...]) -> float | None:
    """Return the sum as a trial's row has it (`finalize.total_seconds`); None where one of them is no number."""
    try:
        return math.fsum(seconds)
    except (TypeError, ValueError, OverflowError):
        return None
