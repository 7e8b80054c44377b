"""Reading which validation images lineages have right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from gridsearch.store.checked_tables import ANSWERS, checked
from gridsearch.store.queries.keys import lineage_keys
from gridsearch.store.queries.lookup import batches_in
from gridsearch.store.schema.tables import answers

_ANSWER = ANSWERS.picker(("lineage", "epoch", "correct"))


def answers_of(connection: Connection, lineage_ids: Collection[str]) -> dict[str, Mapping[int, bytes]]:
    """See `Store.answers`."""
    keys = lineage_keys(connection, lineage_ids)
    found: defaultdict[int, dict[int, bytes]] = defaultdict(dict)
    rows = batches_in(connection, select(*ANSWERS.columns), answers.c.lineage, keys.values())
    for lineage, epoch, correct in map(_ANSWER, checked(rows, ANSWERS)):
        found[lineage][epoch] = correct
    if len(found) < len(keys):  # one only looks as if it had none
        ANSWERS.check_all(connection)
    return {name: found[keys[name]] for name in dict.fromkeys(lineage_ids) if keys.get(name) in found}
