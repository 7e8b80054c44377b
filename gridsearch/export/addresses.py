"""Addresses of servers as they may be read by anybody."""

from __future__ import annotations


def shown_uri(uri: str) -> str:
    """Return a URI without the user and the password, either of which may be a token, and without parameters.

    A password may have any character, as people write it: whatever stands before the last `@` is left out.

    >>> shown_uri("postgresql://me:secret@db:5432/runs?sslkey=a"), shown_uri("postgresql://me:a/b?c#d@db/runs")
    ('postgresql://db:5432/runs', 'postgresql://db/runs')
    """
    scheme, slashes, rest = uri.partition("://")
    if not slashes:
        return uri.partition("?")[0]
    if not rest.startswith("/"):  # a path alone may have an @ in it
        rest = rest.rpartition("@")[2]
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0]}"
