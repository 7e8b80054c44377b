"""Column types that store times, JSON values, texts and states in a form every database has: text.

Reading a value that cannot have been written by us means the file was damaged, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Dialect, Double, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from gridsearch.config.events import TrialState
from gridsearch.errors import StoreDamagedError

#: 64-bit floating point; SQLite calls it REAL, PostgreSQL's REAL has 32 bits.
REAL: TypeEngine[float] = Double().with_variant(sqlite.REAL(), "sqlite")


#: The metrics of who has none but those with a column.
NO_METRICS: Mapping[str, float | None] = MappingProxyType({})

_STATES = {str(state): state for state in TrialState}
_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def to_json(value: Any) -> str:
    """Return the JSON text of a value, keys in their order, ASCII; `ValueError` on NaN and infinity."""
    return _encoder.encode(value)


def storable(text: str) -> str:
    """Return the text with lone surrogates, which no database can encode, as their escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_text(time: datetime) -> str:
    """Return an aware time as ISO 8601 text in UTC with microseconds; such texts sort like the times."""
    if time.tzinfo is None:
        raise ValueError(f"the time {time} has no zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


#: Whoever writes many rows at once writes one time.
@lru_cache(maxsize=1024)
def to_time(text: str) -> datetime:
    """Return the time that a text of `to_text` tells; `StoreDamagedError` when the text is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreDamagedError(f"the store holds {str(text)[:40]!r} where a time should be") from error


def to_mapping(text: str) -> dict[str, Any]:
    """Return the mapping that a JSON text holds; `StoreDamagedError` when the text is none."""
    try:
        content = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreDamagedError(f"the store holds {str(text)[:40]!r} where JSON should be") from error
    if not isinstance(content, dict):
        raise StoreDamagedError(f"the store holds {str(text)[:40]!r} where a mapping should be")
    return content


def to_metrics(text: str | None) -> Mapping[str, float | None]:
    """Return the metrics that a JSON text holds, none for None; `StoreDamagedError` when it holds something else."""
    return NO_METRICS if text is None else to_mapping(text)


def to_state(text: str) -> TrialState:
    """Return the state of that name; `StoreDamagedError` when there is none."""
    try:
        return _STATES[text]
    except (KeyError, TypeError) as error:
        raise StoreDamagedError(f"the store holds {str(text)[:40]!r} where a state should be") from error


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as ISO 8601 text in UTC."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text to store."""
        return None if value is None else to_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the time stored; `StoreDamagedError` when the text is none."""
        if value is None:
            return None
        return to_time(value)


class Json(TypeDecorator[Mapping[str, Any]]):
    """A mapping of JSON values, kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        """Return the text to store."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, Any] | None:
        """Return the mapping stored; `StoreDamagedError` when the text is none."""
        return None if value is None else to_mapping(value)


class State(TypeDecorator[TrialState]):
    """The state of a trial, kept as its name."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: TrialState | None, dialect: Dialect) -> str | None:
        """Return the text to store."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> TrialState | None:
        """Return the state stored; `StoreDamagedError` when the text is none."""
        return None if value is None else to_state(value)


class Words(TypeDecorator[str]):
    """Any text, made storable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text to store."""
        return None if value is None else storable(value)
