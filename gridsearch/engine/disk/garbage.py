"""Collecting garbage: what lies beside a store and nothing needs any more.

It works beside launches. What is of a lineage is removed only while no launch holds it and none can claim it
(`Store.unclaimed`), a launch's own folder only when its lock is free, any other unfinished file a day after it was last
written to. Kept weights, logs and pages are a person's, and stay.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from gridsearch import paths
from gridsearch.engine.disk.checkpoint_limit import with_unclaimed
from gridsearch.engine.disk.disk_use import files_at
from gridsearch.engine.disk.usefulness import Found, Use, Worth, beyond, checkpoints_in, worths
from gridsearch.engine.run.launch import close_lost_launches
from gridsearch.engine.run.liveness import Watch
from gridsearch.engine.run.own_folder import orphans, remove_orphan
from gridsearch.engine.trained.spare_snapshots import spare_readings
from gridsearch.store.contract import Store
from gridsearch.store.rows import LineageRow
from gridsearch.store.signs_of_life import is_gone
from gridsearch.training.checkpoints import CheckpointFolder

#: Nobody takes so long between two writes to a file.
STALE_SECONDS = 86_400.0


class Kind(StrEnum):
    """What is removed, in words."""

    SPARE = "spare copies of checkpoints"
    OVER = "checkpoints of trainings that are never continued"
    UNKNOWN = "checkpoints of trainings not in the store"
    BEYOND = "checkpoints beyond the limit"
    READINGS = "weights gathered by launches that ended"
    UNFINISHED = "unfinished files"
    SCRATCH = "scratch folders of launches that are gone"


@dataclass(frozen=True)
class Piece:
    """One thing to remove at a place, of a lineage or nobody's; `files` and bytes are what would go."""

    kind: Kind
    place: Path
    files: int
    size: int
    remove: Callable[[], object]
    lineage_id: str | None = None


@dataclass(frozen=True)
class Share:
    """All that is of one kind."""

    kind: Kind
    files: int
    size: int


def collect(store: Store, store_path: Path, limit: float = float("inf"), *, dry_run: bool = False) -> list[Share]:
    """Remove what nothing needs, and checkpoints beyond a limit in bytes; return what was, or would be, by kind."""
    if not dry_run:
        close_lost_launches(store, Watch())
    root = paths.checkpoint_dir(store_path)
    found = checkpoints_in(root)
    readings = spare_readings(store, store_path)
    rows = store.lineages({*found, *(folder.name for folder in readings)})
    held = {launch.launch_id for launch in store.open_launches() if not is_gone(launch)}
    free = {name for name in found if name not in rows or rows[name].launch_id not in held}
    worth = worths(store, found)
    pieces = _of_lineages(root, found, free, rows, worth, limit)
    pieces += [_folder(Kind.READINGS, folder, _tree(folder), folder.name) for folder in readings]
    pieces += _of_nobody(store_path)
    return _shares(pieces if dry_run else _removed(store, pieces, rows))


def _removed(store: Store, pieces: Iterable[Piece], rows: Mapping[str, LineageRow]) -> list[Piece]:
    """Remove pieces; return what was removed of them: not what a launch has claimed since it was looked at."""
    done: list[Piece] = []

    def remove(piece: Piece) -> None:
        files, size = _taken(piece.place)
        piece.remove()
        files_left, size_left = _taken(piece.place)
        if files_left < files:
            done.append(replace(piece, files=files - files_left, size=size - size_left))

    by_lineage: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.lineage_id is None:
            remove(piece)
        else:
            by_lineage.setdefault(piece.lineage_id, []).append(piece)

    def remove_all(lineage_id: str) -> None:
        for piece in by_lineage[lineage_id]:
            remove(piece)

    # Finding a sound copy means reading it: such a lineage has the store for itself.
    slow = [name for name, own in by_lineage.items() if own[0].kind is Kind.SPARE]
    with_unclaimed(store, slow, rows, remove_all, at_once=1)
    with_unclaimed(store, [name for name in by_lineage if name not in set(slow)], rows, remove_all)
    return done


def _of_lineages(
    root: Path,
    found: Mapping[str, Found],
    free: set[str],
    rows: Mapping[str, LineageRow],
    worth: Mapping[str, Worth],
    limit: float,
) -> list[Piece]:
    pieces: list[Piece] = []
    left = dict(found)
    whole = {Use.UNKNOWN: Kind.UNKNOWN, Use.OVER: Kind.OVER}
    for name in sorted(free):
        attempt = rows[name].attempt if name in rows else 0
        folder = CheckpointFolder(root, name, attempt + 1)
        if worth[name].use in whole:
            pieces.append(_folder(whole[worth[name].use], folder.folder, folder.remove, name))
            del left[name]
        elif spare := folder.spare():
            piece = Piece(Kind.SPARE, folder.folder, len(spare), sum(map(_size, spare)), folder.finalize, name)
            pieces.append(piece)
            left[name] = replace(left[name], size=left[name].size - piece.size)
    # What is held stays, and counts.
    for name in beyond(left, worth, limit):
        if name in free:
            folder = CheckpointFolder(root, name)
            pieces.append(Piece(Kind.BEYOND, folder.folder, 1, left[name].size, folder.remove, name))
    return pieces


def _of_nobody(store_path: Path) -> list[Piece]:
    pieces = []
    for folder in (paths.readings_dir(store_path), paths.log_dir(store_path), paths.weights_dir(store_path)):
        for path in paths.unfinished_files(folder):
            if _age(path) > STALE_SECONDS:
                pieces.append(Piece(Kind.UNFINISHED, path, 1, _size(path), partial(path.unlink, missing_ok=True)))
    for folder in orphans(paths.scratch_dir(store_path)):
        pieces.append(_folder(Kind.SCRATCH, folder, partial(remove_orphan, folder)))
    return pieces


def _folder(kind: Kind, folder: Path, remove: Callable[[], object], lineage_id: str | None = None) -> Piece:
    return Piece(kind, folder, *_taken(folder), remove, lineage_id)


def _tree(folder: Path) -> Callable[[], object]:
    return partial(shutil.rmtree, folder, ignore_errors=True)


def _taken(place: Path) -> tuple[int, int]:
    """Return how many files there are at a place, a folder or a file itself, and how many bytes they take."""
    files = files_at(place)
    return len(files), sum(files.values())


def _shares(pieces: Iterable[Piece]) -> list[Share]:
    totals: dict[Kind, Share] = {}
    for piece in pieces:
        before = totals.get(piece.kind, Share(piece.kind, 0, 0))
        totals[piece.kind] = Share(piece.kind, before.files + piece.files, before.size + piece.size)
    return [totals[kind] for kind in Kind if kind in totals]


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.lstat().st_size
    return 0


def _age(path: Path) -> float:
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime
    return 0.0
