"""A user's model in a process of its own: it is asked what the launch must know, and can end nothing but that.

Nothing that the process says is trusted to be well-formed: answers are JSON, checked before anything else sees them.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gridsearch.config.durations import duration_text
from gridsearch.config.events import ModelSize
from gridsearch.config.identity import canonical
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError, Problem, Seen
from gridsearch.engine.run.exit_causes import cause_of_exit
from gridsearch.errors import EngineError, ModelError, StopNowError
from gridsearch.models.arguments import Want, Wanted
from gridsearch.models.functions import FunctionSignature
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import DATA_ARGUMENTS, ModelSignature
from gridsearch.models.user_objects import USER_FOLDERS

if TYPE_CHECKING:
    from gridsearch.engine.prepare.probing import Looks, Settings
    from gridsearch.models.layers import LayerTable

#: How long one answer may take: importing the user's module, or building the model once and running it.
TRYING_SECONDS = 60.0
#: How long the process may take to start, and beyond the limit to end itself.
STARTING_SECONDS, GRACE_SECONDS = 300.0, 3.0
#: How many times a model may end its process; what it then does to workers costs the trials one by one.
MOST_DEATHS = 5
#: How long an answer may be, and how much of an account of an end is kept.
MOST_CHARACTERS, ACCOUNT_CHARACTERS = 16_000_000, 20_000
POLL_SECONDS = 0.1

#: The child's path is the parent's; `-P` keeps the folder it starts in, which may be the user's, out of its way.
_CHILD = "gridsearch.engine.prepare.model_child"
_START = f"import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {_CHILD} import main; main()"


class _Wanted(BaseModel):
    model_config = ConfigDict(strict=True)

    kinds: list[Want]
    items: list[Want]
    options: list[Any]
    each: _Wanted | None

    def plain(self) -> Wanted:
        """Return the same for the launch; options that a job file cannot write are none."""
        options = tuple(option for option in self.options if is_plain(option))
        each = self.each.plain() if self.each else None
        return Wanted(frozenset(self.kinds), frozenset(self.items), options, each)


class _Signature(BaseModel):
    model_config = ConfigDict(strict=True)

    data_arguments: list[str]
    required: list[str]
    optional: dict[str, Any]
    opaque: list[str]
    order: list[str]
    open_ended: bool
    code: str
    wanted: dict[str, _Wanted]
    sources: dict[str, str]


class _Function(BaseModel):
    model_config = ConfigDict(strict=True)

    given: list[str]
    required: list[str]
    optional: dict[str, Any]
    code: str
    wanted: dict[str, _Wanted]


class _Notes(BaseModel):
    model_config = ConfigDict(strict=True)

    notes: list[str]


class _Text(BaseModel):
    model_config = ConfigDict(strict=True)

    text: str


class _Problem(BaseModel):
    model_config = ConfigDict(strict=True)

    what: str
    why: str
    kind: str
    account: str


class _Found(BaseModel):
    model_config = ConfigDict(strict=True)

    problem: _Problem | None


class _Size(BaseModel):
    model_config = ConfigDict(strict=True)

    parameters: int
    macs: int


class _Looks(BaseModel):
    model_config = ConfigDict(strict=True)

    shape: str | None
    dense: bool
    draws: bool
    size: _Size | None
    parameters: int
    saved_bytes: float
    evaluation_bytes: float
    stack_bytes: float


class Limits:
    """How long a model may take to answer, and how to learn that nobody waits any more."""

    def __init__(self, seconds: float = TRYING_SECONDS, stopping: Callable[[], bool] = lambda: False) -> None:
        self.seconds, self.stopping = seconds, stopping


class ModelProcess:
    """A user's model, `package.module:Class`, in a process that starts at once and again when it has ended.

    It answers as `probing.Tried` says, once `seen` is known. While it answers, `StopNowError` where a stop is wanted.
    """

    def __init__(self, name: str, search: Sequence[Path], limits: Limits | None = None) -> None:
        self.name, self.search = name, [str(folder) for folder in search]
        self.limits = limits or Limits()
        self.seen: Seen | None = None
        self.deaths = 0
        self._child: _Child | None = _started()

    def signature(self) -> ModelSignature:
        """Return what the model takes; `ModelError` where it cannot be imported, or its import does not come back."""
        return self._signature("model", "signature")

    def loss_signature(self) -> ModelSignature:
        """Return what a loss of this name takes; errors as for `signature`."""
        return self._signature("loss", "loss signature")

    def loss_problem(self, settings: Settings, targets: str) -> str:
        """Return why a loss cannot be used with such settings and kind of targets; nothing where it can."""
        said = self._ask("loss problem", _Text, settings=settings, targets=targets)
        return " ".join(str(said.text).split())

    def metric_code(self) -> str:
        """Return the fingerprint of the code of a metric of this name; errors as for `signature`."""
        try:
            return str(self._ask("metric code", _Text).text)
        except ModelEndedError as error:
            raise ModelError(f"metric {self.name!r}: importing it {error}") from None

    def metric_problem(self, targets: str) -> str:
        """Return why a metric cannot be measured for a kind of targets; nothing where it can."""
        return " ".join(str(self._ask("metric problem", _Text, targets=targets).text).split())

    def _signature(self, what: str, question: str) -> ModelSignature:
        try:
            said = self._ask(question, _Signature)
        except ModelEndedError as error:
            raise ModelError(f"{what} {self.name!r}: importing it {error}") from None
        names = [*said.required, *said.optional, *said.opaque]
        if not (set(said.data_arguments) <= set(DATA_ARGUMENTS) and all(map(is_plain, said.optional.values()))):
            raise ModelError(f"{what} {self.name!r}: its process returned no valid list of its arguments")
        # Of a default that is not a plain value nothing may be known here, but that it is one.
        optional = {key: said.optional.get(key, _Opaque()) for key in said.order if key in names}
        data, required = tuple(said.data_arguments), tuple(said.required)
        wanted = {key: one.plain() for key, one in said.wanted.items()}
        open_ended, code, sources = said.open_ended, said.code, said.sources
        return ModelSignature(self.name, data, required, optional, open_ended, code, wanted=wanted, sources=sources)

    def function(self, kind: str) -> FunctionSignature:
        """Return what a function of the user's takes; `ModelError` where it cannot be imported."""
        try:
            said = self._ask("function", _Function, of=kind)
        except ModelEndedError as error:
            raise ModelError(f"{kind} {self.name!r}: importing it {error}") from None
        if not all(map(is_plain, said.optional.values())):
            raise ModelError(f"{kind} {self.name!r}: its process returned no valid list of its arguments")
        wanted = {key: one.plain() for key, one in said.wanted.items()}
        given, required = tuple(said.given), tuple(said.required)
        return FunctionSignature(kind, self.name, given, required, said.optional, said.code, wanted=wanted)

    def function_problem(self, kind: str, **about: Any) -> str:
        """Return what `function_problem` says of a function, in one line."""
        try:
            return " ".join(self._ask("function problem", _Text, of=kind, **about).text.split())
        except ModelEndedError as error:
            return f"{kind} {self.name!r} {error} when it was tried"

    def problem(self, settings: Settings, *, with_numbers: bool) -> Problem | None:
        """See `Tried`."""
        found: _Problem | None = self._ask("problem", _Found, settings=settings, with_numbers=with_numbers).problem
        if found is None:
            return None
        # Whatever a model wrote there is one line.
        what, why, kind = (" ".join(text.split()) for text in (found.what, found.why, found.kind))
        return Problem(what, why, kind, found.account)

    def batch_problem(self, settings: Settings, size: int) -> str:
        """See `Tried`."""
        return str(self._ask("batch", _Text, settings=settings, size=size).text)

    def freezing_problem(self, settings: Settings, patterns: str) -> str:
        """See `Tried`."""
        return str(self._ask("freezing", _Text, settings=settings, patterns=patterns).text)

    def pretrained_problem(self, config: TrialConfig, file: Path) -> str:
        """See `Tried`."""
        return str(self._ask("pretrained", _Text, config=canonical(config), file=str(file.absolute())).text)

    def hidden_problem(self, settings: Settings) -> str:
        """See `Tried`."""
        return str(self._ask("hidden", _Text, settings=settings).text)

    def notes(self, settings: Settings) -> list[str]:
        """See `Tried`."""
        return [" ".join(note.split()) for note in self._ask("notes", _Notes, settings=settings).notes]

    def looks(self, config: TrialConfig) -> Looks:
        """See `Tried`."""
        from gridsearch.engine.prepare.probing import Looks
        from gridsearch.training.stacking.profile import Profile

        said = self._ask("looks", _Looks, config=canonical(config))
        shape: str | tuple[str, str] | None = said.shape
        if said.shape is not None:
            digest = hashlib.sha256(said.shape.encode()).hexdigest()
            shape = ("dense", digest) if said.dense else digest
        size = ModelSize(said.size.parameters, said.size.macs) if said.size else None
        return Looks(
            shape, said.draws, Profile(size, said.parameters, said.saved_bytes, said.evaluation_bytes, said.stack_bytes)
        )

    def layers(self, settings: Settings, version: int) -> LayerTable:
        """Return the model's layers under settings; `ModelError` as by `layers_of`, and where it ends its process."""
        from gridsearch.models.layers import LayerTable

        try:
            return self._ask("layers", TypeAdapter(LayerTable), settings=settings, version=version)  # type: ignore[no-any-return]
        except ModelEndedError as error:
            raise ModelError(f"model {self.name!r} {error} when it was tried") from None

    def rest(self) -> None:
        """End the process; the next question starts another."""
        if self._child:
            self._child.end()
            self._child = None

    def leave(self) -> None:
        """Leave the process to the next model that is asked about, as if nothing had been."""
        if self._child and self._child.forget():
            _LEFT[:] = [self._child]
            self._child = None
        self.rest()

    def _ask(self, question: str, kind: Any, **more: Any) -> Any:
        """Return the answer to a question, checked to be of a kind; raises as `Tried` says."""
        if self.deaths >= MOST_DEATHS:
            raise NotTriedError
        about = asdict(self.seen) if self.seen else {}
        asked = {"id": next(_IDS), "question": question, "model": self.name, "search": self.search}
        asked |= {"seconds": self.limits.seconds} | about | more
        self._child = self._child or _started()
        try:
            said = self._child.answer(asked, self.limits)
        except ModelEndedError:
            self.deaths += 1
            if self._child.ended:
                self._child = None
            raise
        except BaseException:
            self.rest()
            raise
        _log(said.pop("log", []))
        if isinstance(refused := said.get("refused"), str):
            raise ModelError(" ".join(refused.split()))
        if "raised" in said:
            cause = f"raised {' '.join(str(said['raised']).split())}"
            raise ModelEndedError(cause, str(said.get("account", "")))
        try:
            validate = kind.validate_python if isinstance(kind, TypeAdapter) else kind.model_validate
            return validate(said)
        except ValidationError:
            raise ModelEndedError("returned no valid answer from the process that it was tried in") from None


class _Opaque:
    """The default of a setting that is not a plain value."""


_LOG_LINES = TypeAdapter(list[tuple[str, int, str]])
#: Numbers of questions, no two the same.
_IDS = itertools.count()
#: A process that nobody asks at the moment; it knows of no user's model.
_LEFT: list[_Child] = []


def _log(lines: object) -> None:
    """Write to this process's log what the other wrote to its own."""
    with contextlib.suppress(ValidationError):
        for logger, level, text in _LOG_LINES.validate_python(lines):
            if logger.startswith("gridsearch."):
                logging.getLogger(logger).log(level, "trying a model: %s", text)


def _started() -> _Child:
    child = _LEFT.pop() if _LEFT else None
    return child if child and not child.ended and child.path == _path() else _Child()


def _path() -> str:
    return json.dumps([folder for folder in sys.path if folder and folder not in USER_FOLDERS])


class _Child:
    """One process, from its start to its end; it ends with this object at the latest."""

    def __init__(self) -> None:
        self.path = _path()
        self.asked = False
        self.account = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        # A session of its own: Ctrl-C in the terminal is for the launch, which ends this one.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.account,
            start_new_session=True,
        )
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.ready = False
        assert self.process.stdout
        reader = threading.Thread(target=_read, args=(self.process.stdout, self.answers), daemon=True)
        reader.start()
        self._end = weakref.finalize(self, _end, self.process, self.account)

    def forget(self) -> bool:
        """Have the copy that answered make room for a fresh one; say whether that can be."""
        if sys.platform != "linux" or self.ended:
            return False
        if not self.asked:
            return True
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps({"question": "none"}).encode() + b"\n")
            self.process.stdin.flush()
            return True
        return False

    @property
    def ended(self) -> bool:
        """Whether there is no process any more."""
        return self.process.poll() is not None

    def end(self) -> None:
        """End the process now."""
        self._end()

    def answer(self, asked: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        """Return what the process answers to a question; `ModelEndedError` where it does not."""
        if not self.ready:
            self._start(limits)
        assert self.process.stdin
        self.asked = True
        asked_at, begun = time.monotonic(), os.fstat(self.account.fileno()).st_size
        with contextlib.suppress(OSError):  # where it has ended, which shows below
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            self.process.stdin.flush()
        while True:
            said = self._next(asked_at + limits.seconds + GRACE_SECONDS, limits)
            if said is None or "ended" in said:
                cause = _cause(said["ended"] if said else self.process.poll())
                if time.monotonic() - asked_at >= limits.seconds:
                    cause = f"did not finish within {duration_text(limits.seconds)}"
                account = self._account(begun)
                if said is None:
                    self.end()
                raise ModelEndedError(cause, account)
            if said.get("id") == asked["id"]:
                return said

    def _start(self, limits: Limits) -> None:
        said = self._next(time.monotonic() + STARTING_SECONDS, limits)
        if said != {"ready": True}:
            told = self._account(0).strip().splitlines()
            why = told[-1] if told else _cause(self.process.poll())
            raise EngineError(f"the process that tries models could not be started: {why}")
        self.ready = True

    def _next(self, deadline: float, limits: Limits) -> dict[str, Any] | None:
        """Return the next thing that the process says and that is an answer, None where it ends or says nothing."""
        while True:
            ended = self.process.poll() is not None
            try:
                line = self.answers.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if limits.stopping():
                    raise StopNowError from None
                if ended or time.monotonic() > deadline:
                    return None
                continue
            if not line:
                # What it has started may hold its stdout open, but not the other way round.
                self._wait(deadline)
                return None
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                return said

    def _wait(self, deadline: float) -> None:
        try:
            self.process.wait(max(0.0, min(GRACE_SECONDS, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _account(self, begun: int) -> str:
        """Return where the process was when it ended, as far as it could still say."""
        return os.pread(self.account.fileno(), ACCOUNT_CHARACTERS, begun).decode(errors="replace")


def _cause(code: Any) -> str:
    if not isinstance(code, int):
        return "closed the channel of the process that it was tried in"
    return cause_of_exit(code)


def _read(stream: IO[bytes], answers: queue.Queue[bytes]) -> None:
    """Put the lines of a stream into a queue, and an empty one at its end or where a line has none."""
    with stream:
        while (line := stream.readline(MOST_CHARACTERS)).endswith(b"\n"):
            answers.put(line)
    answers.put(b"")


def _end(process: subprocess.Popen[bytes], account: IO[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
    process.wait()
    assert process.stdin
    with contextlib.suppress(OSError):
        process.stdin.close()
    account.close()
