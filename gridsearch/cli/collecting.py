"""Garbage in commands that go through very many rows and end: what they make is nearly all kept."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable

#: How many objects are made before the collector looks, by default 700; and how many such looks before a longer one.
_OBJECTS, _LOOKS = 200_000, 20


def seldom_collected(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command's objects looked through seldom: of a hundred thousand rows that takes a fifth of the time."""

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        before = gc.get_threshold()
        gc.set_threshold(_OBJECTS, _LOOKS, _LOOKS)
        try:
            command(*arguments, **options)
        finally:
            gc.set_threshold(*before)

    return run
