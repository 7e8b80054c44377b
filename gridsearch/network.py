"""Finding out within seconds that there is no network, where a plain download would wait for minutes."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

PATIENCE_S = 10.0
STALL_S = 20.0


def fetchable(addresses: Sequence[str], patience_s: float = PATIENCE_S) -> None:
    """Return once one of the addresses answers; raises OSError when none has within `patience_s` seconds.

    All are asked at once, in threads of their own that are left behind: looking up a name, and connecting to
    a host with many addresses, obey no time limit.
    """
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    for address in addresses:
        threading.Thread(target=_ask, args=(address, patience_s, answers), daemon=True).start()
    reason: Exception = TimeoutError(f"no answer within {patience_s:g} s")
    with contextlib.suppress(queue.Empty):
        for _ in addresses:
            answer = answers.get(timeout=patience_s)
            if answer is None:
                return
            reason = answer
    raise OSError(str(reason)) from reason


def answering(host: str, port: int, patience_s: float = PATIENCE_S) -> None:
    """Return once a connection to a port stands; raises OSError when none does within `patience_s` seconds.

    In a thread that is left behind, as in `fetchable`.
    """
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    threading.Thread(target=_connect, args=(host, port, patience_s, answers), daemon=True).start()
    reason: Exception | None = TimeoutError()
    with contextlib.suppress(queue.Empty):
        reason = answers.get(timeout=patience_s)
    if reason is not None:
        said = f"no answer within {patience_s:g} s" if isinstance(reason, TimeoutError) else str(reason)
        raise OSError(said) from reason


def _connect(host: str, port: int, patience_s: float, answers: queue.SimpleQueue[Exception | None]) -> None:
    """Put None when a connection stands, else the error."""
    try:
        socket.create_connection((host, port), timeout=patience_s).close()
        answers.put(None)
    except Exception as error:  # such as of a name that no host can have
        answers.put(error)


def _ask(address: str, patience_s: float, answers: queue.SimpleQueue[Exception | None]) -> None:
    """Put None when the address answers, else the error."""
    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=patience_s):
            answers.put(None)
    except urllib.error.HTTPError as error:
        error.close()
        answers.put(error)
    except Exception as error:  # urllib passes on whatever sockets, TLS and proxies raise
        answers.put(error)


@contextlib.contextmanager
def network_timeout(stall_s: float = STALL_S) -> Iterator[None]:
    """Let connections that are silent for `stall_s` seconds fail where a library sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(stall_s)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
