"""`gridsearch serve`: the pages, in a browser on this machine, as they change."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_STORE, OptionalJobName, StoreOption
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.streams import data, say

#: `DEFAULT_PORT` of the server, which is not imported for the help.
_PORT = 8765
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of this machine to listen on; 0 is any that is free.")
]
OpenIt = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def serve(
    job: OptionalJobName = None, port: Port = _PORT, open_it: OpenIt = False, store: StoreOption = DEFAULT_STORE
) -> None:
    """Show the pages in a browser on this machine, and keep them current while jobs are trained.

    It prints an address to open, which nobody else knows; Ctrl-C ends it. It only reads the store, which need not exist
    yet, and answers this machine alone: from another one, `ssh -L 8765:127.0.0.1:8765 MACHINE` brings the port there.
    """
    from gridsearch.paths import dashboard_page
    from gridsearch.serve.server import listen
    from gridsearch.serve.server import serve as run

    page = ""
    if job is not None:
        with open_to_read(store, job) as opened:
            page = dashboard_page(store.parent, jobs.stored_name(opened, job)).name
    _refuse_others(store)
    listener = listen(port)

    def ready(address: str) -> None:
        shown = address.replace("/?", f"/{page}?")
        data(shown)
        typer.get_text_stream("stdout").flush()
        say(f"serving {store}; open the address above, stop with Ctrl-C")
        if open_it:
            webbrowser.open(shown)

    run(store, listener, ready)


def _refuse_others(path: Path) -> None:
    """Refuse what is no store, as every command does; `StoreError` says why. One that is locked now will be free."""
    from gridsearch.errors import StoreLockedError
    from gridsearch.store.opening import open_store
    from gridsearch.store.waiting import Patience

    if path.exists():
        at_once = Patience(limit=0.0, note=lambda text: None)
        with contextlib.suppress(StoreLockedError):
            open_store(path, create=False, read_only=True, patience=at_once).close()
