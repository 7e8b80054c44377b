"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gridsearch import paths


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a new file that becomes `target` when the block ends, and vanishes when it raises.

    Several processes may do so at once: the last one wins, and readers see one whole file or the other.
    """
    partial = paths.partial_file(target)
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
