"""What a test of the oracle leaves in its report: how far apart the two sides were at most (`--junitxml FILE`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.oracle.holding import held_apart


@pytest.fixture(autouse=True)
def _told_apart(record_property: Callable[[str, object], None]) -> Iterator[None]:
    held_apart.clear()
    yield
    record_property("apart", json.dumps(held_apart))
