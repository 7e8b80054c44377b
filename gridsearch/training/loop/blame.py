"""Whose doing it is when user code raises what no program should: `sys.exit()`, `GeneratorExit`, `KeyboardInterrupt`.

Python lets such exceptions pass every `except Exception`, so that they end the process. Raised by a model they are a
mistake of that model, and no reason to end anything but its training. Only what the world outside asked for may end
more: a signal, or Ray.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

from gridsearch.errors import ModelError, StopNowError
from gridsearch.user_code import told

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def charged(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function that raises `ModelError` in place of whatever no `except Exception` would stop."""

    @wraps(call)
    def run(*args: Arguments.args, **options: Arguments.kwargs) -> Result:
        try:
            return call(*args, **options)
        except BaseException as error:
            if isinstance(error, Exception) or of_the_world(error):
                raise
            raise ModelError(f"the model raised {told(error)}") from error

    return run


def charged_events(events: Iterator[Result]) -> Iterator[Result]:
    """Yield what an iterator does; what it raises is told apart as by `charged`.

    Only what is raised while the iterator works counts: a `GeneratorExit` that comes while this one waits at its own
    `yield` says that nobody wants more.
    """
    following = charged(lambda: next(events, _END))
    while (event := following()) is not _END:
        yield event  # type: ignore[misc]


def of_the_world(error: BaseException) -> bool:
    """Whether an exception came from outside: our own handlers of signals, Ray's, or Python's of Ctrl-C."""
    if isinstance(error, StopNowError) or hasattr(error, "ray_terminate_msg"):
        return True
    # Where Python itself makes Ctrl-C an exception, nobody can tell it from one that a model raised.
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler


class _End:
    """What follows the last event."""


_END = _End()
