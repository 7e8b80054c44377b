"""Commands that run users' models, in a process of its own: what a model does to that one, this one lives to tell."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

import typer

from gridsearch.cli.defects import kept_text
from gridsearch.cli.streams import err, say
from gridsearch.engine.exit_causes import cause_of_exit
from gridsearch.engine.supervised import IN_ORDER, VARIABLE, is_supervised
from gridsearch.errors import EXIT_INTERRUPTED, ModelError, StopNowError, StoreError

if TYPE_CHECKING:
    from gridsearch.store.contract import Store

#: How long a process that was asked to stop may take until it is ended; a second Ctrl-C ends it at once.
PATIENCE_SECONDS = 7.0
POLL_SECONDS = 0.1
MOST_CHARACTERS = 20_000
#: The child's path is the parent's; `-P` keeps the folder it starts in, which may be the user's, out of its way.
_START = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); from gridsearch.cli.start import main; main()"
#: What Python's faulthandler says of a time limit.
_TIMEOUT = re.compile(r"^Timeout \((\d+):(\d\d):(\d\d)", re.MULTILINE)


class UsersModelError(Exception):
    """A command is about to run models of users, in the process that a person started."""

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__(models)
        self.models = models


def users_own(models: Sequence[str]) -> list[str]:
    """Return which of these models, as jobs name them, are users'."""
    return [name for name in dict.fromkeys(models) if ":" in name]


def run_elsewhere(models: Sequence[str]) -> None:
    """Have the command, which must be `supervisable`, run in a process of its own if any of these is a user's model."""
    if not is_supervised() and (own := users_own(models)):
        raise UsersModelError(own)


def models_behind(store: Store, trials: Sequence[str]) -> list[str]:
    """Return the models of trials, by their ids, and of those that taught them, and of those that taught these."""
    from gridsearch.spec.identity import parse  # pydantic: a mistake shows without it

    found, following = [], list(trials)
    while following:
        with contextlib.suppress(StoreError):  # a teacher that is gone; only who trains again needs it
            config = parse(store.trial(following.pop()).config)
            found.append(config.model)
            if config.teacher:
                following.append(config.teacher.partition("@")[0])
    return found


def supervisable(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command run again in a process of its own where it says that it must (`run_elsewhere`)."""

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except UsersModelError as error:
            raise typer.Exit(supervise(sys.argv[1:], error.models)) from None

    return run


def supervise(arguments: Sequence[str], models: Sequence[str], stopping: Callable[[], bool] = lambda: False) -> int:
    """Run a command in a process of its own and return its exit code; `ModelError` where a model ended it.

    It writes to our streams. What asks us to stop, a signal or `stopping`, is handed on to it.
    """
    with tempfile.TemporaryFile() as account:
        process = _started(arguments, account)
        try:
            asked = _wait(process, stopping)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
            process.wait()
        account.seek(0)
        told = account.read(MOST_CHARACTERS).decode(errors="replace")
    if told.endswith(f"{IN_ORDER}\n"):
        return process.returncode
    if asked:
        say("stopped")
        return EXIT_INTERRUPTED
    named = f"model {models[0]!r}" if len(models) == 1 else f"one of the models {', '.join(map(repr, models))}"
    where = f"; where it was is told in {kept_text(told)}" if told.strip() else ""
    raise ModelError(f"{named} {_cause(process.returncode, told)}; nothing recorded is lost{where}")


def _started(arguments: Sequence[str], account: IO[bytes]) -> subprocess.Popen[bytes]:
    sys.stdout.flush()
    descriptor = account.fileno()
    path = json.dumps([os.path.abspath(folder) for folder in sys.path])  # noqa: PTH100 - "" is the current one
    # A session of its own: Ctrl-C in the terminal is for this process, which hands it on once.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, path, *arguments],
        stdin=subprocess.DEVNULL,
        stderr=err().file.fileno(),
        env=os.environ | {VARIABLE: f"{descriptor}:{os.getpid()}"},
        pass_fds=[descriptor],
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], stopping: Callable[[], bool]) -> bool:
    """Wait for the end, and return whether it was asked for; it is not waited for for long then."""
    deadline: float | None = None
    with _suspended_with(process):
        while True:
            try:
                process.wait(POLL_SECONDS)
                return deadline is not None
            except subprocess.TimeoutExpired:
                wanted = stopping()
            except StopNowError:
                raise
            except KeyboardInterrupt:
                if deadline is not None:
                    return True
                wanted = True
            if wanted and deadline is None:
                deadline = time.monotonic() + PATIENCE_SECONDS
                process.send_signal(signal.SIGINT)
            if deadline is not None and time.monotonic() > deadline:
                return True


@contextlib.contextmanager
def _suspended_with(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Have Ctrl-Z suspend the process with us: it is of another session than the terminal's."""

    def suspend(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)

    before = signal.signal(signal.SIGTSTP, suspend)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def _cause(code: int, account: str) -> str:
    if found := _TIMEOUT.search(account):
        hours, minutes, seconds = map(int, found.groups())
        from gridsearch.spec.durations import duration_text

        return f"did not come to an end within {duration_text(hours * 3600 + minutes * 60 + seconds)}"
    return cause_of_exit(code)
