"""The command that frees disk space: gc."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gridsearch.cli.options import DEFAULT_STORE, FormatOption, StoreOption, TableFile
from gridsearch.cli.render import tables
from gridsearch.cli.resources import checked_size
from gridsearch.cli.streams import answer, data, into, say
from gridsearch.config.byte_sizes import bytes_of, size_text
from gridsearch.quantities import counted

GcDryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")]
GcCheckpoints = Annotated[
    str,
    typer.Option(
        "--checkpoints",
        metavar="SIZE",
        callback=checked_size,
        help="Also delete checkpoints of finished trainings, the least useful first, until all checkpoints fit into"
        " this size: 5GB, or none to delete all of them.",
    ),
]


def gc(
    dry_run: GcDryRun = False,
    checkpoints: GcCheckpoints = "all",
    format_: FormatOption = None,
    output: TableFile = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Delete files beside the store that nothing needs any more; results, weights, logs and pages are kept.

    It is safe to run during a launch: the files that the launch uses are not touched.
    """
    from gridsearch.store.opening import open_store, refuse_unsound

    kind = tables.format_of(format_, output)
    with open_store(store, create=False, read_only=dry_run) as opened:
        refuse_unsound(opened, store)
        from gridsearch.engine.disk.garbage import collect  # and torch with it, which takes seconds

        shares = collect(opened, store, bytes_of(checkpoints), dry_run=dry_run)
    files, size = sum(share.files for share in shares), sum(share.size for share in shares)
    if kind is tables.Format.JSON:
        kinds = [{"what": share.kind.value, "files": share.files, "bytes": share.size} for share in shares]
        with into(output):
            data(json.dumps({"dry_run": dry_run, "removed": kinds, "files": files, "bytes": size}, indent=2))
        return
    plain = kind is tables.Format.CSV
    rows = [[s.kind.value, str(s.files) if plain else f"{s.files:,}", _size(s.size, plain)] for s in shares]
    if rows or output or kind is not tables.Format.TABLE:
        heads = ["what", "files", "bytes" if plain else "size"]
        with into(output):
            tables.write(tables.Grid(heads, [False, True, True], rows), kind)
    # A line in words would be none of a table for programs, nor of a file.
    tell = answer if kind is tables.Format.TABLE and output is None else say
    if not shares:
        tell(f"{store}: nothing to remove")
    elif dry_run:
        tell(
            f"{store}: would remove {counted(files, 'file')}, {size_text(size)};"
            " run it without --dry-run to remove them"
        )
    else:
        tell(f"{store}: removed {counted(files, 'file')}, {size_text(size)}")


def _size(size: int, plain: bool) -> str:
    return str(size) if plain else size_text(size)
