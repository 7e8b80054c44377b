"""`--notify URL`: a message to a webhook when a launch ends, fails or is interrupted."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch import webhook
from gridsearch.cli.secrets import forget, forget_values
from gridsearch.cli.streams import say
from gridsearch.errors import EXIT_COMPLETE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, GridsearchError, one_line

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec

VARIABLE = "GRIDSEARCH_NOTIFY"
_STATES = {EXIT_COMPLETE: "complete", EXIT_SOME_FAILED: "some_failed", EXIT_INTERRUPTED: "interrupted"}
#: How long the store's lock is waited for to say how many trials are done.
_STORE_SECONDS = 1.0


def _checked(url: str | None) -> str | None:
    """Return the URL; from here on nothing else knows it: no log of the command line, and no process started."""
    os.environ.pop(VARIABLE, None)
    if url is None:
        return None
    problem = webhook.problem_of(url)
    instead = "..." if problem else webhook.shown(url)
    forget(url, instead)
    forget_values("--notify", instead)
    if problem:
        raise typer.BadParameter(problem)
    return url


NotifyOption = Annotated[
    str | None,
    typer.Option(
        "--notify",
        metavar="URL",
        envvar=VARIABLE,
        callback=_checked,
        help="Post a JSON message to this webhook (Slack, Discord or your own) when the launch ends, fails or is"
        " interrupted. The variable keeps the URL out of the shell's history.",
    ),
]


class Notifier:
    """Tells a webhook how a launch ended; that it cannot be told is a line, and changes nothing else."""

    def __init__(self, url: str | None, spec: JobSpec, store: Path) -> None:
        self._url, self._spec, self._store = url, spec, store
        self._began = time.monotonic()

    def ended(self, code: int) -> None:
        """Tell that the launch ended with an exit code."""
        self._tell(_STATES.get(code, "failed"))

    def failed(self, error: BaseException) -> None:
        """Tell that the launch ended with an error, or was stopped at once."""
        if isinstance(error, KeyboardInterrupt):
            self._tell("interrupted")
        else:
            self._tell("failed", str(error) if isinstance(error, GridsearchError) else one_line(error))

    def _tell(self, state: str, error: str = "") -> None:
        if self._url is None:
            return
        try:
            from gridsearch.cli.render.notification import Ending, addressed

            ending = Ending(self._spec, self._store, state, error, time.monotonic() - self._began)
            with contextlib.suppress(Exception):  # a message without them is better than none
                ending.read_store(_STORE_SECONDS)
            problem = webhook.post(self._url, addressed(self._url, ending))
        except KeyboardInterrupt:
            problem = "stopped"
        except Exception as trouble:
            problem = type(trouble).__name__
        if problem:
            with contextlib.suppress(BrokenPipeError):
                say(f"{self._spec.name}: the notification was not sent to {webhook.shown(self._url)}: {problem}")
