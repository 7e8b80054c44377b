"""Which versions of the schema there are, which one a file has, and the making of a fresh one.

Plain SQL and no alembic, whose import takes longer than everything else together. A fresh store is made from
`tables` and marked as current; a test proves that the migrations make the very same schema.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, create_engine, insert, select

from gridsearch.errors import StoreError
from gridsearch.store.schema.tables import APPLICATION_ID, metadata
from gridsearch.store.sqlite_errors import damaged

#: Every version of the schema, oldest first; each is a file in `migrations/versions`.
REVISIONS = ("m001", "m002", "m003", "m004", "m005", "m006", "m007", "m008", "m009", "m010", "m011", "m012", "m013")
CURRENT = REVISIONS[-1]

#: What SQLite's ANALYZE keeps: it makes statements quicker and changes nothing that they say.
_STATISTICS = {("table", "sqlite_stat1"), ("table", "sqlite_stat4")}

#: Alembic's own table, as alembic makes it.
_version = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "alembic_version_pkc"}),
    Column("version_num", String(32), primary_key=True, nullable=False),
)


def revision_of(connection: Connection, path: Path) -> str | None:
    """Return the schema version of the file, None when it is empty.

    `StoreError` when the file is another program's database, or was written by a newer gridsearch.
    """
    tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    if not tables:
        return None
    if connection.exec_driver_sql("PRAGMA application_id").scalar() != APPLICATION_ID:
        if metadata.tables.keys() <= tables:
            raise damaged(path, "its header is not that of a store")
        raise StoreError(f"the file {path} is another program's database; name another file with --store")
    versions = connection.scalars(select(_version.c.version_num)).all()
    revision = str(versions[0]) if len(versions) == 1 else ""
    if not re.fullmatch(r"m\d{3}", revision):
        raise damaged(path, f"its schema is {revision[:20]!r}")
    if revision not in REVISIONS:
        raise StoreError(
            f"the store {path} has the schema {revision}, newer than {CURRENT}, the newest that this version of"
            f" gridsearch knows; upgrade gridsearch"
        )
    return revision


def make_schema(connection: Connection) -> None:
    """Make the current schema in an empty file."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version).values(version_num=CURRENT))


def columns_in(connection: Connection) -> set[tuple[str, ...]]:
    """Return every column of the file as SQLite understands it: table, name, type, whether NULL may stand, key.

    Those of SQLite's own tables are left out.
    """
    statement = (
        'SELECT t.name, c.name, c.type, c."notnull", c.pk '
        "FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return {tuple(map(str, row)) for row in connection.exec_driver_sql(statement)}


def objects_in(connection: Connection) -> set[tuple[str, str]]:
    """Return what the file's schema has: the type and name of tables, indexes, views and triggers."""
    rows = connection.exec_driver_sql("SELECT type, name FROM sqlite_master")
    return {(str(kind), str(name)) for kind, name in rows} - _STATISTICS


def expected_schema() -> tuple[set[tuple[str, ...]], set[tuple[str, str]]]:
    """Return what `columns_in` and `objects_in` say of a sound store."""
    engine = create_engine("sqlite+pysqlite://")
    with engine.begin() as connection:
        make_schema(connection)
        found = columns_in(connection), objects_in(connection)
    engine.dispose()
    return found
