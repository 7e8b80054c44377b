"""What trained a lineage: the formations it was in, so that its training can be repeated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, func, select

from gridsearch.config.events import Formation, LineagePlaced, Place
from gridsearch.errors import StoreDamagedError
from gridsearch.store.checked_tables import FORMATIONS, LINEAGES, TRAININGS, TRIALS, checked
from gridsearch.store.queries.keys import lineage_keys, names_of
from gridsearch.store.queries.lookup import AnySelect, batches, batches_in, rows_in
from gridsearch.store.rows import TrainingRow
from gridsearch.store.schema.columns import storable, to_json, to_mapping
from gridsearch.store.schema.tables import formations, job_trials, lineages, trainings, trials
from gridsearch.store.write.jobs import job_key

_EPOCHS, _CONFIG = TRIALS.names.index("epochs"), TRIALS.names.index("config")
_LINEAGE_ID = TRIALS.width + LINEAGES.names.index("lineage_id")
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
        rows.append(
            {
                "lineage": one.lineage,
                "number": numbers[one.lineage],
                "formation": keys[id(one.event.formation)],
                "epoch": one.event.epoch,
                "recorded": one.recorded,
                "attempt": one.event.attempt,
            }
        )
    TRAININGS.insert(connection, rows)


def _key(connection: Connection, formation: Formation) -> int:
    """Return the row of a formation: the newest if it is that one, as its lineages may report in turn, else a new one.

    All lineages that are trained alone on a kind of machine share one.
    """
    names = lineage_keys(connection, (place.lineage_id for place in formation.places))
    places = [[names.get(place.lineage_id), place.epoch, place.epochs] for place in formation.places]
    values: dict[str, Any] = {
        "form": formation.strategy,
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
    FORMATIONS.insert(connection, [{"id": key} | values])
    return key


def trainings_of(connection: Connection, lineage_id: str) -> list[TrainingRow]:
    """See `Store.trainings`."""
    own: AnySelect = select(*TRAININGS.columns).join(lineages, lineages.c.id == trainings.c.lineage)
    return _trainings(connection, own.where(lineages.c.lineage_id == lineage_id).order_by(trainings.c.number))


def job_trainings(connection: Connection, job: str) -> list[TrainingRow]:
    """See `Store.job_trainings`."""
    of_job = select(trials.c.lineage).join_from(job_trials, trials).where(job_trials.c.job == job_key(connection, job))
    asked: AnySelect = select(*TRAININGS.columns).where(trainings.c.lineage.in_(of_job))
    return _trainings(connection, asked.order_by(trainings.c.lineage, trainings.c.number))


def _trainings(connection: Connection, asked: AnySelect) -> list[TrainingRow]:
    rows = [TRAININGS.by_name(row) for row in checked(batches(connection, asked), TRAININGS)]
    together = _formations(connection, {row["formation"] for row in rows})
    names = names_of(connection, LINEAGES, "lineage_id", {row["lineage"] for row in rows})
    return [
        TrainingRow(
            lineage_id=names[row["lineage"]] or "",
            epoch=row["epoch"],
            recorded=row["recorded"],
            attempt=row["attempt"],
            formation=together[row["formation"]],
        )
        for row in rows
    ]


def _formations(connection: Connection, keys: Collection[int]) -> dict[int, Formation]:
    """Return formations by their row numbers; `StoreDamagedError` where one is missing."""
    statement: AnySelect = select(*FORMATIONS.columns)
    rows = map(FORMATIONS.by_name, checked(batches_in(connection, statement, formations.c.id, keys), FORMATIONS))
    found = {row["id"]: row | {"places": to_mapping(row["places"])["places"]} for row in rows}
    if missing := set(keys) - found.keys():
        raise StoreDamagedError(f"{formations.name} {min(missing)} is missing")
    members = {key for row in found.values() for key, _, _ in row["places"]}
    names = names_of(connection, LINEAGES, "lineage_id", members)
    return {
        number: Formation(
            strategy=row["form"],
            device=row["device"],
            threads=row["threads"],
            torch=row["torch"],
            places=tuple(
                Place(lineage_id=names[key] or "", epoch=epoch, epochs=epochs) for key, epoch, epochs in row["places"]
            ),
        )
        for number, row in found.items()
    }


def configs_of(connection: Connection, lineage_ids: Collection[str]) -> dict[str, str]:
    """See `Store.configs`."""
    columns: AnySelect = select(*TRIALS.columns, *LINEAGES.columns).join_from(trials, lineages)
    rows = checked(batches_in(connection, columns, lineages.c.lineage_id, lineage_ids), TRIALS, LINEAGES)
    return {row[_LINEAGE_ID]: row[_CONFIG] for row in sorted(rows, key=itemgetter(_EPOCHS))}
