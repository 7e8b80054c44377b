"""A command that trains, `command: python train.py --lr {learning_rate}`, and where its numbers are.

A text is split into arguments as a shell would, and no shell ever sees it; settings are put into arguments after that,
so that a value with blanks or quotes stays one argument. With `shell: true` the text goes to a shell as it is, and
settings are environment variables alone: there is no safe way to paste a value into a shell's line.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from gridsearch.config.metrics import why_no_name
from gridsearch.errors import nearest

#: Placeholders that are no settings.
TRIAL_DIR, TRIAL_ID = "trial_dir", "trial_id"
#: The group of a pattern, and the column or key of a file, that says which epoch its numbers belong to.
EPOCH = "epoch"
_FILES = (".csv", ".jsonl")
_GROUP = "write a group, such as (?P<val_acc>[\\d.]+)"
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLAIN = re.compile(r"[\w@%+=:,./{}-]+")
_VARIABLE = re.compile(r"[^A-Z0-9_]")


#: One regular expression, or several.
Patterns = Annotated[
    list[str],
    BeforeValidator(lambda written: [written] if isinstance(written, str) else written),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class MetricsFrom(BaseModel):
    """Where a command's numbers are found: in what it prints, or in a file that it writes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    stdout: Patterns = Field(default_factory=list)
    r"""A regular expression, or a list of them, as 'epoch (?P<epoch>\d+) acc=(?P<val_acc>[\d.]+)'."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """A .csv or .jsonl file in the trial's folder, such as metrics.csv."""
    first_epoch: Literal[0, 1] = 1
    """What the command calls its first epoch: 0 or 1."""

    @field_validator("stdout")
    @classmethod
    def _patterns(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                names = re.compile(pattern).groupindex
            except re.error as error:
                raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from None
            if not names:
                raise ValueError(
                    f"the pattern {pattern!r} names no metric; write a group, such as (?P<val_acc>[\\d.]+)"
                )
            for name in names:
                if name != EPOCH and (said := why_no_name(name)):
                    raise ValueError(f"the pattern {pattern!r}: {said}")
        if patterns and all(set(re.compile(pattern).groupindex) == {EPOCH} for pattern in patterns):
            raise ValueError(f"no pattern names a metric; {_GROUP}")
        return patterns

    @field_validator("file")
    @classmethod
    def _file(cls, name: str | None) -> str | None:
        if name is None:
            return None
        path = PurePosixPath(name)
        if path.suffix not in _FILES:
            raise ValueError(f"the file {name!r} must end in {' or '.join(_FILES)}")
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(
                f"the file {name!r} must lie in the trial's folder: have the command write {{trial_dir}}/..."
            )
        return name

    @model_validator(mode="after")
    def _one(self) -> MetricsFrom:
        if bool(self.stdout) == (self.file is not None):
            raise ValueError("write either stdout: 'a pattern', or file: metrics.csv")
        return self


@dataclass(frozen=True)
class Command:
    """A command that is run for each trial.

    Attributes:
        words: Its arguments, with placeholders; of a shell's line the line alone.
        shell: Whether `words` is a line for a shell.
        metrics_from: Where its numbers are; None where it reports them itself (`gridsearch.report`).
    """

    words: tuple[str, ...]
    shell: bool = False
    metrics_from: MetricsFrom | None = None

    @property
    def text(self) -> str:
        """Return the command as one line, the same for a text and for a list of the same arguments."""
        if self.shell:
            return self.words[0]
        return " ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in self.words)

    @property
    def names(self) -> list[str]:
        """Return the names of its placeholders, each once."""
        found = (match[1] for word in self.words for match in _PLACEHOLDER.finditer(word))
        return [] if self.shell else list(dict.fromkeys(name for name in found if name is not None))

    def arguments(self, values: Mapping[str, Any]) -> list[str]:
        """Return the arguments of a trial.

        Args:
            values: The values of all placeholders; texts stay as they are, others are written as JSON.
        """
        if self.shell:
            return ["/bin/sh", "-c", self.words[0]]

        def put(match: re.Match[str]) -> str:
            return match[0][0] if match[1] is None else as_argument(values[match[1]])

        return [_PLACEHOLDER.sub(put, word) for word in self.words]


def as_argument(value: Any) -> str:
    """Return a value as a command gets it: a text as it is, all else as JSON (`0.1`, `true`, `null`, `[1, 2]`)."""
    return value if isinstance(value, str) else json.dumps(value)


def variable_of(setting: str) -> str:
    """Return the environment variable of a setting: `GRIDSEARCH_LEARNING_RATE`."""
    return f"GRIDSEARCH_{_VARIABLE.sub('_', setting.upper())}"


def words_of(written: str | Sequence[str], *, shell: bool) -> tuple[str, ...]:
    """Return the arguments of a command as it is written; `ValueError` where they cannot be told."""
    if shell:
        if not isinstance(written, str):
            raise ValueError("with shell: true the command is one text, which goes to /bin/sh as it is")
        words = [written.strip()]
    else:
        try:
            words = shlex.split(written) if isinstance(written, str) else list(written)
        except ValueError as error:
            raise ValueError(f"cannot be split into arguments: {str(error).lower()}") from None
    if not words or not words[0].strip():
        raise ValueError("is empty; write one, as python train.py --lr {learning_rate}")
    if any("\0" in word for word in words):
        raise ValueError("has a zero byte, which no argument can have")
    return tuple(words)


def check_placeholders(command: Command, settings: Sequence[str]) -> None:
    """Refuse placeholders that nothing stands for; `ValueError` says what to write."""
    known = [*settings, TRIAL_DIR, TRIAL_ID]
    if command.shell:
        for name in known:
            if re.search(rf"(?<!\$)\{{{re.escape(name)}\}}", command.words[0]):
                raise ValueError(f'{{{name}}} is not put into a shell\'s line; write "${variable_of(name)}"')
        return
    for word in command.words:
        for match in _PLACEHOLDER.finditer(word):
            if match[0] in ("{{", "}}"):
                continue
            if match[1] is None:
                raise ValueError(f"{word!r} has a lone {match[0]}; a brace is written {{{{ or }}}}")
            if match[1] not in known:
                hint = nearest(match[1], known) if match[1].isidentifier() else ""
                raise ValueError(f"{match[0]} is no setting of this job{hint}; a brace is written {{{{")
