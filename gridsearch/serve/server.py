"""The server: a socket on this machine's own address, and uvicorn behind it."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from gridsearch.errors import GridsearchError
from gridsearch.serve.app import make_app
from gridsearch.serve.guard import TOKEN
from gridsearch.serve.news import Newsroom
from gridsearch.serve.pages import Pages
from gridsearch.serve.painting import Painter

#: The only address that is listened on: whoever is not on this machine comes through ssh.
ADDRESS = "127.0.0.1"
DEFAULT_PORT = 8765
#: Seconds that connections have to end once a stop is wanted.
_END_SECONDS = 1


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine, with 0 on any that is free.

    Raises:
        GridsearchError: The port is in use, or may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise GridsearchError(
            f"port {port} of {ADDRESS} {why}; give another with --port, or any that is free with --port 0"
        ) from None
    return listener


def serve(path: Path, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve the pages of a store until the process is interrupted.

    Args:
        path: The store, which may not exist yet.
        listener: Where to listen (`listen`).
        ready: Called with the address to open, once it answers.
    """
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    news, pages = Newsroom(path), Pages(path)
    painter = Painter(pages, news)
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()
    app = make_app(pages, news, stopping, [f"{ADDRESS}:{port}", f"localhost:{port}"], token)
    # Its own lines would come between ours; headers are no place to tell which server this is.
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http="h11",
        ws="none",
        timeout_graceful_shutdown=_END_SECONDS,
    )
    server = uvicorn.Server(config)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.serve(sockets=[listener]))

    # Not in the main thread, where uvicorn would take the signals that are ours.
    thread = threading.Thread(target=run, name="server", daemon=True)
    for part in (news, painter, thread):
        part.start()
    try:
        ready(f"http://{ADDRESS}:{port}/?{TOKEN}={token}")
        while thread.is_alive():
            thread.join(0.5)
    finally:
        server.should_exit = True
        loop.call_soon_threadsafe(stopping.set)
        news.stop()
        painter.stop()
        thread.join(2 * _END_SECONDS)
