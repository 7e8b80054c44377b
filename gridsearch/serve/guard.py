"""Who may read: the browser that was given the address, and no other page that is open in it.

A page of another origin can send requests to this machine, but it cannot know the token, cannot send our cookie (it is
`SameSite=Strict`), and cannot read an answer (there is no CORS). A name that is made to lead here (DNS rebinding) comes
with that name as its `Host`, and other programs' ports of this machine, which browsers hold for the same site, are told
by `Sec-Fetch-Site` and `Origin`. So every request must have the right Host, and the token or the cookie.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "token"
_METHODS = ("GET", "HEAD")
_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
#: In addition to the policy that a page has in itself.
_POLICY = "frame-ancestors 'none'"


class Guard:
    """Lets requests through to an application that may read, and answers all others itself.

    Args:
        app: The application.
        hosts: The names by which it may be asked, with the port: `127.0.0.1:8765`.
        token: What the address holds that is printed once.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], token: str) -> None:
        self._app, self._hosts, self._token = app, frozenset(hosts), token
        # Of its own, so that whoever sees the one does not have the other; a name for each port, as cookies have none.
        self._session = secrets.token_urlsafe(32)
        self._cookie = f"gridsearch-{next(iter(hosts)).rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own, (b"content-security-policy", _POLICY.encode())]
            await send(message)

        refused = self._answer(scope)
        await (refused or self._app)(scope, receive, guarded)

    def _answer(self, scope: Scope) -> Response | None:
        """Return the answer to a request that is not let through; None for one that is."""
        headers = Headers(scope=scope)
        if scope["method"] not in _METHODS:
            return _refused(405, "pages are only read")
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in self._hosts:
            return _refused(421, "this is not the address that gridsearch serve printed")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{host}" for host in self._hosts}:
            return _refused(403, "another page may not read this")
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get(TOKEN)
        if given is not None and hmac.compare_digest(given.encode(), self._token.encode()):
            answer = HTMLResponse(_onward(quote(scope["path"])))
            answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict", path="/")
            return answer
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return _refused(403, "another page may not read this; open the address that gridsearch serve printed")
        if not self._knows(headers.get("cookie", "")):
            return _refused(403, "open the whole address that gridsearch serve printed, with its token")
        return None

    def _knows(self, cookies: str) -> bool:
        try:
            found = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self._session.encode())


def _onward(path: str) -> str:
    """Return a page that goes on to another, with the cookie, and without the token in the address.

    A redirect would belong to whatever page the address was clicked in, for which browsers hold the cookie back.
    """
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>gridsearch</title><link rel="icon" href="data:,">'
        f'<meta http-equiv="refresh" content="0;url={escape(path)}">'
        f'<p><a href="{escape(path)}">Go on</a></p></html>'
    )


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"gridsearch: {why}\n", status)
