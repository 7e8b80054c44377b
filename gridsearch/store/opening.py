"""Opening a store: the only way to one. Nothing heavy is imported unless a schema must be made or changed."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection

from gridsearch import paths
from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.store.backups import newest_backup
from gridsearch.store.connection import Database
from gridsearch.store.contract import Store
from gridsearch.store.nearby import SQLITE, nearby_text
from gridsearch.store.rollback_journals import start_of
from gridsearch.store.schema.revisions import CURRENT, make_schema, revision_of
from gridsearch.store.sqlite import SqliteStore
from gridsearch.store.sqlite_errors import damaged
from gridsearch.store.waiting import Patience

#: What a file's name may have, less what files beside a store have at its end (`-journal`, `.before-m001`).
_BESIDE = 16
_LONGEST_NAME = 255 - _BESIDE
#: Bytes of a store of which every page is looked at when it is opened: some ten milliseconds.
_SMALL = 4 * 2**20


def open_store(
    path: Path,
    *,
    create: bool = True,
    read_only: bool = False,
    examine: bool = True,
    patience: Patience | None = None,
) -> Store:
    """Open the store in a file; make it where there is none and `create` allows.

    A store with an older schema is upgraded, after a copy was made beside it (`<name>.before-<version>`). A
    store opened with `read_only` is neither made nor upgraded, and refuses every change. A small file's pages are all
    looked at, unless `examine` is off: for `verify`, which says more about them. `StoreError` says in
    one line what is wrong with the path or the file; `StoreDamagedError` that the file is no sound database;
    `StoreBusyError` that an upgrade found a live launch; `StoreLockedError` that another program kept it locked for
    longer than `patience`, this process' own where left out.
    """
    _check_path(path, must_exist=read_only or not create)
    try:
        database = Database(path, create=create, read_only=read_only, patience=patience)
    except StoreDamagedError:
        if _is_of_another_kind(path):
            raise StoreError(f"{path} is not a store but a file of another kind; give the store with --store") from None
        raise
    try:
        _prepare(database, create=create, read_only=read_only)
        if examine:
            with database.read() as connection:
                _check_small(connection, path)
    except BaseException:
        database.close()
        raise
    return SqliteStore(database)


def _check_path(path: Path, *, must_exist: bool) -> None:
    """Refuse what SQLite would only call "unable to open"."""
    # SQLite would open the part before it.
    if "\0" in str(path):
        raise StoreError(f"the store {str(path)!r} cannot be opened: the path contains a NUL character")
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise StoreError(f"the store {path}: its name is too long; SQLite's files beside it need {_BESIDE} bytes more")
    try:
        if path.is_dir():
            raise StoreError(f"the store {path} is a folder; name a file, such as {path / 'results.db'}")
        if path.exists():
            return
        if must_exist:
            raise no_store(path)
        if not path.absolute().parent.is_dir():
            raise StoreError(f"the store {path} cannot be created: there is no folder {path.absolute().parent}")
    except OSError as error:
        raise StoreError(f"the store {path} cannot be opened: {error}") from error


def no_store(path: Path, beside: Path | None = None) -> StoreError:
    """Return the error for a store that is not there, naming one that may be meant, also above the folder `beside`."""
    makes = "; `gridsearch launch` creates one, --store names another"
    return StoreError(f"there is no store {path}{nearby_text(path, beside) or makes}")


def _is_of_another_kind(path: Path) -> bool:
    """Whether a file that SQLite refuses was given by mistake; where there has been a store, it is damage."""
    if paths.companion_dir(path).exists() or newest_backup(path):
        return False
    try:
        start = start_of(path, len(SQLITE))
    except OSError:
        return False
    return bool(start) and start != SQLITE


def refuse_unsound(store: Store, path: Path) -> None:
    """Refuse to go on with a store that `verify` finds problems in, where that takes no time: where it is small."""
    if path.stat().st_size <= _SMALL and (problems := store.verify()):
        raise damaged(path, f"{problems[0].subject}: {problems[0].text}")


def _check_small(connection: Connection, path: Path) -> None:
    """Refuse a store whose pages are not sound, where looking at all of them takes no time."""
    if path.stat().st_size <= _SMALL:
        for (found,) in connection.exec_driver_sql("PRAGMA integrity_check(1)").fetchall():
            if found != "ok":
                raise damaged(path, str(found))


def _prepare(database: Database, *, create: bool, read_only: bool) -> None:
    path = database.path
    with database.read() as connection:
        revision = revision_of(connection, path)
    if revision == CURRENT:
        return
    if revision is None:
        if read_only or not create:
            raise StoreError(f"the file {path} is not a store; `gridsearch launch` creates one")
        with database.write() as connection:
            # Another process may have made it since.
            if revision_of(connection, path) is None:
                make_schema(connection)
        return
    if read_only:
        raise StoreError(
            f"the store {path} has an older schema, {revision}: `gridsearch gc{paths.store_option(path)}` upgrades it,"
            " as every launch does, and keeps a copy beside it"
        )
    # Alembic takes half a second to import.
    from gridsearch.store.schema.upgrading import upgrade

    upgrade(database)
