"""Posting a message to an address on the web, whose path may be a secret: no text of ours has the whole of it."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

#: How long a message may take, the look-up of a name included: an interrupted launch has seconds.
PATIENCE_S = 4.0


def problem_of(url: str) -> str:
    """Return why nothing can be posted to an address; nothing where it can. The address is not in the text."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "it is no URL"
    if parts.scheme not in ("http", "https"):
        return "it must begin with https:// or http://"
    if not host or port == 0:
        return "it names no host"
    if any(sign.isspace() or not sign.isprintable() for sign in url) or not url.isascii():
        return "it has blanks or other characters that no URL has"
    if parts.username is not None or parts.password is not None:
        return "it has a user's name or password; name an address that needs none"
    return ""


def shown(url: str) -> str:
    """Return an address as it may be read by anybody: without its path.

    >>> shown("https://hooks.slack.com/services/T0/B0/secret")
    'https://hooks.slack.com/...'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."


def post(url: str, content: Mapping[str, Any], patience_s: float = PATIENCE_S) -> str:
    """Post JSON; return what went wrong, nothing if it was taken.

    The request is made in a thread of its own that is left behind: looking up a name, and a server that answers byte
    by byte, obey no time limit.
    """
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_post, args=(url, content, patience_s, answers), name="webhook", daemon=True).start()
    with contextlib.suppress(queue.Empty):
        return answers.get(timeout=patience_s)
    return _late(patience_s)


def _post(url: str, content: Mapping[str, Any], patience_s: float, answers: queue.SimpleQueue[str]) -> None:
    import http.client  # not before it is needed: these take longer than all else here
    import urllib.error
    import urllib.request

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        """Follows no redirect: what is posted is for the address that was named, and for no other."""

        def redirect_request(self, *_: object) -> None:
            """Return no request to go on with; the answer is then an error."""

    headers = {"Content-Type": "application/json", "User-Agent": "gridsearch"}
    try:
        request = urllib.request.Request(url, json.dumps(content).encode(), headers)
        with urllib.request.build_opener(NoRedirect()).open(request, timeout=patience_s):
            answers.put("")
    except urllib.error.HTTPError as error:
        error.close()
        moved = "; it is moved, and redirects are not followed" if 300 <= error.code < 400 else ""
        answers.put(f"the server answered {error.code} {http.client.responses.get(error.code, '')}".rstrip() + moved)
    except Exception as error:  # urllib passes on whatever sockets, TLS and proxies raise, some with the address
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        waited = isinstance(reason, TimeoutError)
        answers.put(_late(patience_s) if waited else getattr(reason, "strerror", None) or type(reason).__name__)


def _late(patience_s: float) -> str:
    return f"no answer within {patience_s:g} s"
