"""A webhook on a port of this machine that keeps what is posted to it, and answers as a test wants."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Hook:
    """What was posted, and how to answer: a status, where to redirect to, whether to wait before answering."""

    status: int = 200
    location: str = ""
    hanging: bool = False
    address: str = ""
    posted: list[tuple[str, Any]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def hook(**answer: Any) -> Iterator[Hook]:
    state = Hook(**answer)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.posted.append((f"GET {self.path}", None))
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/json"
            state.posted.append((self.path, content))
            state.arrived.set()
            if state.hanging:
                state.released.wait(60)
            self.send_response(state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}/hooks/secret"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()
