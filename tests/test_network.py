from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from gridsearch.network import fetchable, network_timeout
from tests.served import Served


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/file"


@pytest.fixture
def closed() -> str:
    """Return an address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/file"


def test_silence_is_given_up_on(silent: str) -> None:
    start = time.monotonic()
    with pytest.raises(OSError, match=r"timed out|no answer"):
        fetchable([silent, silent], patience_s=0.3)
    assert time.monotonic() - start < 5


def test_all_mirrors_refusing_is_known_at_once(closed: str) -> None:
    start = time.monotonic()
    with pytest.raises(OSError, match="refused"):
        fetchable([closed, closed], patience_s=30)
    assert time.monotonic() - start < 5


def test_a_mirror_without_the_file_is_no_answer(served: Served, closed: str) -> None:
    with pytest.raises(OSError, match="404"):
        fetchable([served.address + "no-such-file"])
    (served.folder / "file").write_bytes(b"content")
    fetchable([closed, served.address + "file"])


def test_the_socket_timeout_is_put_back() -> None:
    before = socket.getdefaulttimeout()
    with network_timeout(3.0):
        assert socket.getdefaulttimeout() == 3.0
    assert socket.getdefaulttimeout() == before
