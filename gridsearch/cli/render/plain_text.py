"""Text that any terminal shows as it is meant: only signs that its encoding has (see also `printable`)."""

from __future__ import annotations

import codecs
from typing import TextIO

from gridsearch.printable import code_of

#: The name of what we do with signs that an encoding lacks.
ERRORS = "gridsearch-plain"

#: What our own output says where the encoding has no better. One for one where tables are aligned with it.
_PLAIN = {
    "…": ".",
    "─": "-",
    "━": "=",
    "–": "-",
    "−": "-",
    "·": "|",
    "×": "x",
    "±": "+-",
    "—": "-",
    "→": "->",
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
}


def prepare(stream: TextIO | None) -> None:
    """Have a stream write in plain letters, or as codes, what its encoding lacks, instead of raising."""
    codecs.register_error(ERRORS, _instead)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors=ERRORS)


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(sign) or code_of(sign) for sign in error.object[error.start : error.end]), error.end
