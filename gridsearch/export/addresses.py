"""Addresses of servers as they may be read by anybody."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def shown_uri(uri: str) -> str:
    """Return a URI without the user and the password, either of which may be a token, and without parameters.

    >>> shown_uri("postgresql://me:secret@db:5432/runs?sslkey=a")
    'postgresql://db:5432/runs'
    """
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri.partition("?")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
