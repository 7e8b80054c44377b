"""What every refusal of this room has in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gridsearch.errors import DataError


@contextmanager
def refused(*fragments: str) -> Iterator[None]:
    """Expect a DataError of one line that holds every fragment: the file, what is wrong, how to mend it."""
    with pytest.raises(DataError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for fragment in fragments:
        assert fragment in message
