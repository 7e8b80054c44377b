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
from typing import IO, TYPE_CHECKING, Any

import typer

from gridsearch.cli.defects import kept_text
from gridsearch.cli.streams import err, say
from gridsearch.engine.run.exit_causes import cause_of_exit
from gridsearch.engine.trained.supervised import BEGAN, ENDED, VARIABLE, is_supervised
from gridsearch.errors import EXIT_INTERRUPTED, EngineError, ModelError, StopNowError, StoreError

if TYPE_CHECKING:
    from gridsearch.store.contract import Store

#: How long a process that was asked to stop may take until it is ended; a second Ctrl-C ends it at once.
PATIENCE_SECONDS = 7.0
#: How long one that has come to its end may still take: threads that a model has started may never end.
LINGER_SECONDS = 3.0
POLL_SECONDS = 0.1
MOST_CHARACTERS, KEPT_CHARACTERS = 1_000_000, 20_000
#: The child's path is the parent's; `-P` keeps the folder it starts in, which may be the user's, out of its way.
_START = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); from gridsearch.cli.start import main; main()"
_END = re.compile(rf"^{ENDED} (\d+)$", re.MULTILINE)
#: What Python's faulthandler says of a time limit.
_TIMEOUT = re.compile(r"^Timeout \((\d+):(\d\d):(\d\d(?:\.\d+)?)\)", re.MULTILINE)


class UsersModelError(Exception):
    """A command is about to run models of users, in the process that a person started."""

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__(models)
        self.models = models


def users_own(models: Sequence[str]) -> list[str]:
    """Return which of these models, as jobs name them, are users'."""
    return [name for name in dict.fromkeys(models) if ":" in name]


def require_own_process(models: Sequence[str]) -> None:
    """Have a command, which must be `supervisable`, begin anew in another process if any of these is a user's model."""
    if not is_supervised() and (own := users_own(models)):
        raise UsersModelError(own)


def models_behind(store: Store, trials: Sequence[str]) -> list[str]:
    """Return the models of trials, by their ids, and of those that taught them, and of those that taught these."""
    from gridsearch.config.identity import parse  # pydantic: a mistake shows without it

    found, following = [], list(trials)
    while following:
        with contextlib.suppress(StoreError):  # a teacher that is gone; only who trains again needs it
            config = parse(store.trial(following.pop()).config)
            found.append(config.model)
            if config.teacher:
                following.append(config.teacher.partition("@")[0])
    return found


def supervisable(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command run again in a process of its own where it says that it must (`require_own_process`)."""

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except UsersModelError as error:
            raise typer.Exit(supervise(sys.argv[1:], error.models)) from None

    return run


def supervise(arguments: Sequence[str], models: Sequence[str], stopping: Callable[[], bool] = lambda: False) -> int:
    """Run a command in a process of its own and return its exit code; `ModelError` where a model ended it.

    It writes to our streams. What asks us to stop, a signal or `stopping`, is handed on to it. At its end everything
    that is left of its session is ended, too.
    """
    with tempfile.TemporaryFile() as account, _children_told():
        process = _started(arguments, account)
        try:
            asked = _wait(process, account, stopping)
        finally:
            # Before its number is given up, which may be another's then.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        told = _read(account)
    if ended := _END.search(told):
        return int(ended[1])
    if asked:
        say("stopped")
        return EXIT_INTERRUPTED
    if BEGAN not in told.split():
        raise EngineError(f"the process that runs models could not be started: it {cause_of_exit(process.returncode)}")
    named = f"model {models[0]!r}" if len(models) == 1 else f"one of the models {', '.join(map(repr, models))}"
    traces = told.replace(BEGAN, "", 1).strip()[-KEPT_CHARACTERS:]
    where = f"; its stack is in {kept_text(traces)}" if traces else ""
    raise ModelError(f"{named} {_deed(process.returncode, told)}; nothing recorded is lost{where}")


def _started(arguments: Sequence[str], account: IO[bytes]) -> subprocess.Popen[bytes]:
    sys.stdout.flush()
    descriptor = account.fileno()
    # A session of its own: Ctrl-C in the terminal is for this process, which hands it on once.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, json.dumps(sys.path), *arguments],
        stdin=subprocess.DEVNULL,
        stderr=err().file.fileno(),
        env=os.environ | {VARIABLE: f"{descriptor}:{os.getpid()}"},
        pass_fds=[descriptor],
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], account: IO[bytes], stopping: Callable[[], bool]) -> bool:
    """Wait for the end, and return whether it was asked for; it is not waited for for long then."""
    deadline: float | None = None
    asked = False
    with _suspended_with(process):
        while not _has_ended(process) and (deadline is None or time.monotonic() < deadline):
            try:
                time.sleep(POLL_SECONDS)
                wanted = stopping()
            except StopNowError:
                raise
            except KeyboardInterrupt:
                if asked:
                    return True
                wanted = True
            if wanted and not asked:
                asked, deadline = True, time.monotonic() + PATIENCE_SECONDS
                process.send_signal(signal.SIGTERM)  # which nobody ignores for whoever runs in the background
            elif deadline is None and _END.search(_read(account)):
                deadline = time.monotonic() + LINGER_SECONDS
    return asked


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Say whether a process has ended, and leave it its number where the system can."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _read(account: IO[bytes]) -> str:
    """Return the account as it is now; its end, where it is endless."""
    size = os.fstat(account.fileno()).st_size
    return os.pread(account.fileno(), MOST_CHARACTERS, max(0, size - MOST_CHARACTERS)).decode(errors="replace")


@contextlib.contextmanager
def _children_told() -> Iterator[None]:
    """Be told of children's ends, whatever was inherited: where SIGCHLD is ignored nobody learns how they ended."""
    before = signal.getsignal(signal.SIGCHLD)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


@contextlib.contextmanager
def _suspended_with(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Have Ctrl-Z suspend the process with us: it is of another session than the terminal's."""
    before = signal.getsignal(signal.SIGTSTP)
    if before is not signal.SIG_DFL:  # ignored, say, by who has no job control
        yield
        return

    def suspend(number: int, frame: Any) -> None:
        _send(process, signal.SIGSTOP)
        # As without us: the system does nothing where nobody could have it go on.
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, suspend)
        _send(process, signal.SIGCONT)

    signal.signal(signal.SIGTSTP, suspend)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _deed(code: int, account: str) -> str:
    if found := _TIMEOUT.search(account):
        from gridsearch.config.durations import duration_text

        seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
        return f"did not finish within {duration_text(seconds)}"
    return cause_of_exit(code)
