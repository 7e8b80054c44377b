"""A user's model in a process of its own: it is asked what the launch must know, and can end nothing but that.

Answers are checked (`model_answers`) before anything else sees them.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from gridsearch.config.events import ModelSize
from gridsearch.config.identity import canonical
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.prepare.model_answers import (
    FoundAnswer,
    FunctionAnswer,
    LooksAnswer,
    NotesAnswer,
    ProblemAnswer,
    SignatureAnswer,
    TextAnswer,
)
from gridsearch.engine.prepare.model_channel import Limits, ModelChannel, leave_channel, open_channel
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError, Problem, Seen
from gridsearch.errors import ModelError
from gridsearch.models.functions import FunctionSignature
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import DATA_ARGUMENTS, ModelSignature

if TYPE_CHECKING:
    from gridsearch.engine.prepare.probing import Looks, Settings
    from gridsearch.models.layers import LayerTable

#: How many times a model may end its process; what it then does to workers costs the trials one by one.
MOST_DEATHS = 5
_LOG_LINES = TypeAdapter(list[tuple[str, int, str]])
#: Numbers of questions, no two the same.
_IDS = itertools.count()


class ModelProcess:
    """A user's model, `package.module:Class`, in a process that starts at once and again when it has ended.

    It answers as `probing.Tried` says, once `seen` is known. While it answers, `StopNowError` where a stop is wanted.
    """

    def __init__(self, name: str, search: Sequence[Path], limits: Limits | None = None) -> None:
        self.name, self.search = name, [str(folder) for folder in search]
        self.limits = limits or Limits()
        self.seen: Seen | None = None
        self.deaths = 0
        self._channel: ModelChannel | None = open_channel()

    def signature(self) -> ModelSignature:
        """Return what the model takes; `ModelError` where it cannot be imported, or its import does not come back."""
        return self._signature("model", "signature")

    def loss_signature(self) -> ModelSignature:
        """Return what a loss of this name takes; errors as for `signature`."""
        return self._signature("loss", "loss signature")

    def loss_problem(self, settings: Settings, targets: str) -> str:
        """Return why a loss cannot be used with such settings and kind of targets; nothing where it can."""
        said = self._ask("loss problem", TextAnswer, settings=settings, targets=targets)
        return " ".join(str(said.text).split())

    def metric_code(self) -> str:
        """Return the fingerprint of the code of a metric of this name; errors as for `signature`."""
        try:
            return str(self._ask("metric code", TextAnswer).text)
        except ModelEndedError as error:
            raise ModelError(f"metric {self.name!r}: importing it {error}") from None

    def metric_problem(self, targets: str) -> str:
        """Return why a metric cannot be measured for a kind of targets; nothing where it can."""
        return " ".join(str(self._ask("metric problem", TextAnswer, targets=targets).text).split())

    def _signature(self, what: str, question: str) -> ModelSignature:
        try:
            said = self._ask(question, SignatureAnswer)
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
            said = self._ask("function", FunctionAnswer, of=kind)
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
            return " ".join(self._ask("function problem", TextAnswer, of=kind, **about).text.split())
        except ModelEndedError as error:
            return f"{kind} {self.name!r} {error} when it was tried"

    def problem(self, settings: Settings, *, with_numbers: bool) -> Problem | None:
        """See `Tried`."""
        found: ProblemAnswer | None = self._ask(
            "problem", FoundAnswer, settings=settings, with_numbers=with_numbers
        ).problem
        if found is None:
            return None
        # Whatever a model wrote there is one line.
        what, why, kind = (" ".join(text.split()) for text in (found.what, found.why, found.kind))
        return Problem(what, why, kind, found.account)

    def batch_problem(self, settings: Settings, size: int) -> str:
        """See `Tried`."""
        return str(self._ask("batch", TextAnswer, settings=settings, size=size).text)

    def freezing_problem(self, settings: Settings, patterns: str) -> str:
        """See `Tried`."""
        return str(self._ask("freezing", TextAnswer, settings=settings, patterns=patterns).text)

    def pretrained_problem(self, config: TrialConfig, file: Path) -> str:
        """See `Tried`."""
        return str(self._ask("pretrained", TextAnswer, config=canonical(config), file=str(file.absolute())).text)

    def hidden_problem(self, settings: Settings) -> str:
        """See `Tried`."""
        return str(self._ask("hidden", TextAnswer, settings=settings).text)

    def notes(self, settings: Settings) -> list[str]:
        """See `Tried`."""
        return [" ".join(note.split()) for note in self._ask("notes", NotesAnswer, settings=settings).notes]

    def looks(self, config: TrialConfig) -> Looks:
        """See `Tried`."""
        from gridsearch.engine.prepare.probing import Looks
        from gridsearch.training.stacking.profile import Profile

        said = self._ask("looks", LooksAnswer, config=canonical(config))
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
        if self._channel:
            self._channel.end()
            self._channel = None

    def leave(self) -> None:
        """Leave the process to the next model that is asked about, as if nothing had been."""
        if self._channel and leave_channel(self._channel):
            self._channel = None
        self.rest()

    def _ask(self, question: str, kind: Any, **more: Any) -> Any:
        """Return the answer to a question, checked to be of a kind; raises as `Tried` says."""
        if self.deaths >= MOST_DEATHS:
            raise NotTriedError
        about = asdict(self.seen) if self.seen else {}
        asked = {"id": next(_IDS), "question": question, "model": self.name, "search": self.search}
        asked |= {"seconds": self.limits.seconds} | about | more
        self._channel = self._channel or open_channel()
        try:
            said = self._channel.answer(asked, self.limits)
        except ModelEndedError:
            self.deaths += 1
            if self._channel.ended:
                self._channel = None
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


def _log(lines: object) -> None:
    """Write to this process's log what the other wrote to its own."""
    with contextlib.suppress(ValidationError):
        for logger, level, text in _LOG_LINES.validate_python(lines):
            if logger.startswith("gridsearch."):
                logging.getLogger(logger).log(level, "trying a model: %s", text)
