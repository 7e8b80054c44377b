"""What trained a lineage: the formations it was in, so that its training can be repeated."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from gridsearch.errors import StoreDamagedError
from gridsearch.spec.outcomes import Formation, LineagePlaced, Place
from gridsearch.store.bulk import execute_many
from gridsearch.store.columns import storable, to_json
from gridsearch.store.lookup import AnyRow, as_stored, lineage_keys, rows_in
from gridsearch.store.rows import TrainingRow
from gridsearch.store.seals import seal
from gridsearch.store.tables import formations, lineages, trainings, trials

#: The columns under the seals of the two tables.
SEALED_OF_FORMATIONS = ("id", "form", "device", "threads", "torch", "places")
SEALED_OF_TRAININGS = ("lineage", "number", "formation", "epoch", "recorded", "attempt")
_ADD_FORMATION, _ADD_TRAININGS = insert(formations), insert(trainings)
_NEXT_FORMATION = select(func.coalesce(func.max(formations.c.id), 0) + 1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A lineage's report that it is trained in a formation, with its row number and its last epoch recorded."""

    lineage: int
    event: LineagePlaced
    recorded: int


def add_trainings(connection: Connection, placed: Sequence[Placed]) -> None:
    """Write what trains lineages from now on; lineages of one formation share its row."""
    if not placed:
        return
    # By identity: hashing what hundreds of lineages share, for each of them, takes longer than writing it.
    keys = {id(one.event.formation): 0 for one in placed}
    for formation in {id(one.event.formation): one.event.formation for one in placed}.values():
        keys[id(formation)] = _key(connection, formation)
    last = select(trainings.c.lineage, func.max(trainings.c.number)).group_by(trainings.c.lineage)
    known = rows_in(connection, last, trainings.c.lineage, (one.lineage for one in placed))
    numbers: dict[int, int] = {row[0]: row[1] for row in known}
    rows = []
    for one in placed:
        numbers[one.lineage] = numbers.get(one.lineage, -1) + 1
        own = (one.lineage, numbers[one.lineage], keys[id(one.event.formation)], one.event.epoch, one.recorded)
        sealed = (*own, one.event.attempt)
        rows.append(dict(zip(SEALED_OF_TRAININGS, sealed, strict=True)) | {"seal": seal(*sealed)})
    execute_many(connection, _ADD_TRAININGS, rows)


def _key(connection: Connection, formation: Formation) -> int:
    """Return the row of a formation: the newest if it is that one, as its lineages may report in turn, else a new one.

    All lineages that are trained alone on a kind of machine share one.
    """
    names = lineage_keys(connection, (place.lineage_id for place in formation.places))
    places = [[names.get(place.lineage_id), place.epoch, place.epochs] for place in formation.places]
    values: dict[str, Any] = {
        "form": formation.form,
        "device": storable(formation.device),
        "threads": formation.threads,
        "torch": storable(formation.torch),
        "places": to_json({"places": places}),
    }
    content = (formations.c[name] == value for name, value in values.items() if name != "places")
    same = select(formations.c.id, formations.c.places).where(*content).order_by(formations.c.id.desc()).limit(1)
    newest = connection.execute(same).one_or_none()
    if newest is not None and to_json(newest.places) == values["places"]:
        return int(newest.id)
    key = int(connection.execute(_NEXT_FORMATION).scalar_one())
    row = {"id": key} | values
    execute_many(connection, _ADD_FORMATION, [row | {"seal": seal(*row.values())}])
    return key


def trainings_of(connection: Connection, lineage_id: str) -> list[TrainingRow]:
    """See `Store.trainings`."""
    own = select(*as_stored(trainings)).join(lineages, lineages.c.id == trainings.c.lineage)
    rows = connection.execute(own.where(lineages.c.lineage_id == lineage_id).order_by(trainings.c.number)).all()
    asked = select(*as_stored(formations))
    found = {row.id: row for row in rows_in(connection, asked, formations.c.id, {row.formation for row in rows})}
    for some, sealed in ((rows, SEALED_OF_TRAININGS), (found.values(), SEALED_OF_FORMATIONS)):
        if any(seal(*(row._mapping[name] for name in sealed)) != row.seal for row in some):
            what = f"what trained lineage {lineage_id[:12]} is not what was written"
            raise StoreDamagedError(f"{what}; look at all of it with: gridsearch verify")
    together = {key: _formation(connection, row) for key, row in found.items()}
    return [TrainingRow(lineage_id, row.epoch, row.recorded, row.attempt, together[row.formation]) for row in rows]


def _formation(connection: Connection, row: AnyRow) -> Formation:
    places = json.loads(row.places)["places"]
    columns = select(lineages.c.id, lineages.c.lineage_id)
    keys = (key for key, _, _ in places if key is not None)
    names = {one[0]: one[1] for one in rows_in(connection, columns, lineages.c.id, keys)}
    members = tuple(Place(names.get(key, ""), epoch, epochs) for key, epoch, epochs in places)
    return Formation(row.form, row.device, row.threads, row.torch, members)


def configs_of(connection: Connection, lineage_ids: Collection[str]) -> dict[str, str]:
    """See `Store.configs`."""
    columns = select(lineages.c.lineage_id, trials.c.epochs, trials.c.config).join_from(trials, lineages)
    rows = sorted(rows_in(connection, columns, lineages.c.lineage_id, lineage_ids), key=lambda row: int(row[1]))
    return {row[0]: row[2] for row in rows}
