"""Where a command's numbers come from: lines that it prints, or the rows of a file that it writes."""

from __future__ import annotations

import csv
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gridsearch.config.command import EPOCH, MetricsFrom
from gridsearch.config.metrics import why_no_name
from gridsearch.errors import TrialError
from gridsearch.training.own.tail import Tail

_LONGEST_SHOWN = 120
_ODD = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Found:
    """Numbers of an epoch, or of none; `again` where they may have been found before."""

    epoch: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    again: bool = False


class Source(Protocol):
    """Where numbers come from."""

    def read(self, *, last: bool) -> Iterator[Found]:
        """Yield what has come since; `TrialError` for what cannot be understood."""

    def why_nothing(self) -> str:
        """Return why there was no number at all, in words."""


def source_of(asked: MetricsFrom, folder: Path, log: Path, start: int) -> Source:
    """Return the source that a job names; `start` is where in the log the command's own output begins."""
    if asked.file is None:
        return PatternSource(asked, Tail(log, start))
    kind = JsonSource if asked.file.endswith(".jsonl") else CsvSource
    return kind(Tail(folder / asked.file), asked.file, shift=1 - asked.first_epoch)


class PatternSource:
    """Lines that match patterns. A pattern without metrics says which epoch the lines after it belong to."""

    def __init__(self, asked: MetricsFrom, tail: Tail) -> None:
        self._patterns = [re.compile(pattern) for pattern in asked.stdout]
        self._shift, self._tail = 1 - asked.first_epoch, tail
        self._epoch: int | None = None
        self._lines, self._last = 0, ""

    def read(self, *, last: bool) -> Iterator[Found]:
        """Yield what the lines that have come since hold."""
        for line in self._tail.read(last=last).lines:
            if line.strip():
                self._lines, self._last = self._lines + 1, line.strip()
            for pattern in self._patterns:
                for match in pattern.finditer(line):
                    if found := self._found(pattern, match):
                        yield found

    def why_nothing(self) -> str:
        """Return which patterns matched none of how many lines."""
        patterns = [repr(pattern.pattern) for pattern in self._patterns]
        if len(patterns) > 1:
            what = f"the patterns {', '.join(patterns[:-1])} and {patterns[-1]}"
        else:
            what = f"the pattern {patterns[0]}"
        if not self._lines:
            return f"{what} matched nothing: the command printed nothing"
        lines = f"{self._lines:,} line{'s' if self._lines > 1 else ''}"
        return f"{what} matched none of {lines} of output; the last was: {self._last[:_LONGEST_SHOWN]}"

    def _found(self, pattern: re.Pattern[str], match: re.Match[str]) -> Found | None:
        texts = {name: text for name, text in match.groupdict().items() if text is not None}
        epoch = self._epoch
        if (text := texts.pop(EPOCH, None)) is not None:
            epoch = epoch_of(_number(pattern, EPOCH, text), self._shift)
            if set(pattern.groupindex) == {EPOCH}:
                self._epoch = epoch
        metrics = {name: _number(pattern, name, text) for name, text in texts.items()}
        return Found(epoch, metrics) if metrics else None


def _number(pattern: re.Pattern[str], name: str, text: str) -> float:
    try:
        return float(text.strip().rstrip(".,;%"))
    except ValueError:
        raise TrialError(f"the pattern {pattern.pattern!r} found {text!r} for {name}, which is no number") from None


class _RowSource(ABC):
    """Rows of a file; numbers in them are metrics, all else is passed over."""

    def __init__(self, tail: Tail, name: str, *, shift: int = 0) -> None:
        self._tail, self._name, self._shift = tail, name, shift
        self._again = self._any = False

    def read(self, *, last: bool) -> Iterator[Found]:
        found = self._tail.read(last=last)
        if found.anew:
            self._again = True
            self._restart()
        for line in found.lines:
            if not line.strip():
                continue
            self._any = True
            row = self._row(line)
            epoch = row.pop(EPOCH, None)
            metrics = {name: value for key, value in row.items() if not why_no_name(name := _ODD.sub("_", key))}
            if metrics:
                yield Found(None if epoch is None else epoch_of(epoch, self._shift), metrics, self._again)

    def why_nothing(self) -> str:
        if not self._tail.path.exists():
            return f"there is no {self._name} in the trial's folder {self._tail.path.parent}"
        return f"{self._tail.path} has no numbers" if self._any else f"{self._tail.path} is empty"

    def _restart(self) -> None:  # noqa: B027 - most rows stand for themselves
        """Begin with the first line again."""

    @abstractmethod
    def _row(self, line: str) -> dict[str, float]:
        """Return the numbers of a row by their names."""


class CsvSource(_RowSource):
    """A table with a header."""

    _header: list[str] | None = None

    def _restart(self) -> None:
        self._header = None

    def _row(self, line: str) -> dict[str, float]:
        cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        if self._header is None or cells == self._header:  # which who appends anew writes again
            self._header = cells
            if all(_float(cell) is not None for cell in cells):
                raise TrialError(
                    f"{self._name}: the first line {line[:_LONGEST_SHOWN]!r} is no header; name the columns"
                )
            return {}
        found = ((name, _float(cell)) for name, cell in zip(self._header, cells, strict=False))
        return {name: value for name, value in found if value is not None}


class JsonSource(_RowSource):
    """A JSON object in each line."""

    def _row(self, line: str) -> dict[str, float]:
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise TrialError(f"{self._name}: the line {line[:_LONGEST_SHOWN]!r} is no JSON object")
        return dict(_flat(row))


def _flat(row: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}_")
        elif isinstance(value, (int, float)):
            yield f"{before}{key}", float(value)


def _float(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def epoch_of(number: float, shift: int) -> int:
    """Return the epoch that a number means: a fraction is in the middle of the next whole one."""
    if not math.isfinite(number) or number < 0:
        raise TrialError(f"the epoch is {number:g}; epochs count from 1, or from 0 with first_epoch: 0")
    return math.ceil(number) + shift
