"""What the server answers: pages, named as the files that `gridsearch dashboard` writes, and what they listen to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from gridsearch.paths import INDEX_PAGE
from gridsearch.serve.guard import Guard
from gridsearch.serve.news import Newsroom
from gridsearch.serve.pages import Pages

#: Seconds between two looks for news, and between two signs of life where there are none.
_PAUSE_SECONDS, _ALIVE_SECONDS = 0.1, 10.0


def make_app(pages: Pages, news: Newsroom, stopping: asyncio.Event, hosts: Sequence[str], token: str) -> ASGIApp:
    """Return the application, guarded."""

    async def root(_: Request) -> Response:
        return RedirectResponse(INDEX_PAGE, 303)

    async def page(request: Request) -> Response:
        name = f"{request.path_params['stem']}.html"
        text, status = await run_in_threadpool(pages.text, name)
        return HTMLResponse(text.encode(errors="backslashreplace"), status)

    async def events(request: Request) -> Response:
        name = f"{request.path_params['stem']}.html"
        return StreamingResponse(_stream(name, pages, news, stopping), media_type="text/event-stream")

    routes = [Route("/", root), Route("/{stem}.html", page), Route("/events/{stem}.html", events)]
    return Guard(Starlette(routes=routes), hosts, token)


async def _stream(name: str, pages: Pages, news: Newsroom, stopping: asyncio.Event) -> AsyncIterator[str]:
    """Yield server-sent events for a page: how the job goes, and which version of the page there is."""
    number, version, quiet = 0, None, 0.0
    yield "retry: 1000\n\n"
    while not stopping.is_set():
        told = news.of(name)
        quiet += _PAUSE_SECONDS
        if told.number != number:
            number, quiet = told.number, 0.0
            yield f"event: {told.kind}\ndata: {told.text}\n\n"
        if (now := pages.version(name)) is not None and now != version:
            version = now
            yield f"event: page\ndata: {json.dumps(version)}\n\n"
        if quiet >= _ALIVE_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_PAUSE_SECONDS)
