"""Whether a tracking URI of MLflow's leads anywhere: MLflow's client tries for minutes, and says nothing meanwhile."""

from __future__ import annotations

import os
import re
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gridsearch.errors import GridsearchError
from gridsearch.export.addresses import shown_uri
from gridsearch.network import answering
from gridsearch.output_places import not_written, require_writable

#: Where servers listen of which a URI does not say it.
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
#: So long another process may be writing to a database.
_BUSY_SECONDS = 10.0


def require_place(uri: str) -> None:
    """Raise `GridsearchError` where a URI's database or folder cannot be written, or its server does not answer."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    what = f"--mlflow {shown_uri(uri)}"
    if scheme == "sqlite":
        _require_database(what, uri)
    elif scheme == "file":
        _require_folder(what, Path(unquote(urlsplit(uri).path)))
    elif scheme in _PORTS:
        _require_server(what, uri, _PORTS[scheme])


def _require_database(what: str, uri: str) -> None:
    name = re.fullmatch(r"[^:]+:///([^?]+)(?:[?].*)?", uri)
    if name is None or name[1] == ":memory:":
        raise GridsearchError(f"{what}: names no file; write sqlite:///mlflow.db, or sqlite:////folder/mlflow.db")
    file = Path(name[1])
    if file.is_dir() or (file.exists() and not os.access(file, os.W_OK)):
        raise not_written(what, file, PermissionError(13, "Permission denied"))
    # MLflow makes the folders above a new database; beside an old one its journal is to lie.
    require_writable(what, file.parent)
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as database:
            database.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        raise GridsearchError(f"{what}: {file} cannot be read as a database ({error}); name another file") from None


def _require_folder(what: str, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise not_written(what, folder, NotADirectoryError(), "folder")
    require_writable(what, folder)


def _require_server(what: str, uri: str, port: int) -> None:
    parts = urlsplit(uri)
    # A proxy stands between: whether it gets there is for MLflow's client to find out.
    if not parts.hostname or (parts.scheme.startswith("http") and urllib.request.getproxies()):
        return
    try:
        answering(parts.hostname, parts.port or port)
    except ValueError as error:
        raise GridsearchError(f"{what}: {error}; check the address") from None
    except OSError as error:
        raise GridsearchError(
            f"{what}: the server cannot be reached ({error}); check the address, or start the server"
        ) from None
