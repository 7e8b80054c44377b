"""What the process that a user's model is tried in may answer: JSON of these forms, and nothing else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from gridsearch.models.arguments import Want, Wanted
from gridsearch.models.plain import is_plain


class WantedAnswer(BaseModel):
    """What an argument takes."""

    model_config = ConfigDict(strict=True)

    kinds: list[Want]
    items: list[Want]
    options: list[Any]
    each: WantedAnswer | None

    def plain(self) -> Wanted:
        """Return the same for the launch; options that a job file cannot write are none."""
        options = tuple(option for option in self.options if is_plain(option))
        each = self.each.plain() if self.each else None
        return Wanted(frozenset(self.kinds), frozenset(self.items), options, each)


class SignatureAnswer(BaseModel):
    """The signature of a model or a loss."""

    model_config = ConfigDict(strict=True)

    data_arguments: list[str]
    required: list[str]
    optional: dict[str, Any]
    opaque: list[str]
    order: list[str]
    open_ended: bool
    code: str
    wanted: dict[str, WantedAnswer]
    sources: dict[str, str]


class FunctionAnswer(BaseModel):
    """The signature of a function of the user's."""

    model_config = ConfigDict(strict=True)

    given: list[str]
    required: list[str]
    optional: dict[str, Any]
    code: str
    wanted: dict[str, WantedAnswer]


class NotesAnswer(BaseModel):
    """What there is to say about a model."""

    model_config = ConfigDict(strict=True)

    notes: list[str]


class TextAnswer(BaseModel):
    """A text, which may be empty."""

    model_config = ConfigDict(strict=True)

    text: str


class ProblemAnswer(BaseModel):
    """What a model does wrong under some settings."""

    model_config = ConfigDict(strict=True)

    what: str
    why: str
    kind: str
    account: str


class FoundAnswer(BaseModel):
    """The first problem that was found, if any."""

    model_config = ConfigDict(strict=True)

    problem: ProblemAnswer | None


class SizeAnswer(BaseModel):
    """How large a model is."""

    model_config = ConfigDict(strict=True)

    parameters: int
    macs: int


class LooksAnswer(BaseModel):
    """What a model looks like under some settings."""

    model_config = ConfigDict(strict=True)

    shape: str | None
    dense: bool
    draws: bool
    size: SizeAnswer | None
    parameters: int
    saved_bytes: float
    evaluation_bytes: float
    stack_bytes: float
