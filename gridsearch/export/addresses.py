"""Addresses of servers as they may be read by anybody."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def shown_uri(uri: str) -> str:
    """Return a URI without the password, and the parameters, that it may have.

    >>> shown_uri("postgresql://me:secret@db:5432/runs?sslkey=a")
    'postgresql://me@db:5432/runs'
    """
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri.partition("?")[0]
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{user.partition(':')[0]}{at}{host}", parts.path, "", ""))
