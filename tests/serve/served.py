"""`gridsearch serve` as a user starts it: a process of its own that prints its address."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.cli.program import command, environment


@dataclass(frozen=True)
class Server:
    """A server that is up: the address with its token, and the process."""

    url: str
    process: subprocess.Popen[str]

    @property
    def host(self) -> str:
        """The host with its port."""
        return urlsplit(self.url).netloc

    @property
    def port(self) -> int:
        """The port."""
        return int(self.host.rpartition(":")[2])

    @property
    def token(self) -> str:
        """The token."""
        return urlsplit(self.url).query.removeprefix("token=")

    def page(self, name: str) -> str:
        """The address of a page, with the token."""
        return f"http://{self.host}/{name}?token={self.token}"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """Serve the store of a folder until the block ends, with Ctrl-C."""
    process = subprocess.Popen(
        command("serve", "--port", "0", *options),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate(timeout=10)
        yield Server(url, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=10)
        finally:
            process.kill()
