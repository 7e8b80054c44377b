"""Which format a file is to have: as asked for, or as its name tells; the two must not contradict each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gridsearch.errors import GridsearchError, nearest

#: What the ends of names tell.
_TOLD = {
    "csv": "csv",
    "json": "json",
    "parquet": "parquet",
    "md": "md",
    "markdown": "md",
    "tex": "latex",
    "onnx": "onnx",
}
#: Text of any kind.
_TEXT = frozenset({"txt", "text", "log", "out"})
#: Files of other kinds, which no table is.
_OTHERS = frozenset(
    re.findall(r"\w+", "db gif html jpeg jpg pdf pickle pkl png pt pth svg xls xlsx yaml yml zip"),
)
_SUFFIXES = {"table": "txt", "latex": "tex"}


def chosen_format(
    asked: str | None, output: Path | None, formats: Sequence[str], default: str, also: Sequence[str] = ()
) -> str:
    """Return the format asked for, else what the file's name tells, else the default; one of `formats`.

    `also` are other ends that the name may have, which a message names too.

    `GridsearchError` where name and format contradict each other, or the name tells a format that there is none of.
    """
    if asked is not None and asked not in formats:
        raise GridsearchError(f"format {asked!r} is not known{nearest(asked, formats)}")
    suffix = output.suffix.lower().removeprefix(".") if output else ""
    named = [*formats, *also]
    told = _TOLD.get(suffix)
    if told is None and suffix not in _OTHERS:
        if asked is None and suffix and suffix not in _TEXT:
            raise GridsearchError(f"--output {output}: which format? {_names(named)}, or add --format")
        return asked or default
    if asked is None and told in formats:
        return str(told)
    if asked is None:
        raise GridsearchError(f"--output {output}: it cannot be written as .{suffix}; {_names(named)}")
    if told != asked:
        raise GridsearchError(
            f"--format {asked}, and --output {output} ends in .{suffix}: use only one of them, or name it"
            f" .{_SUFFIXES.get(asked, asked)}"
        )
    return asked


def check_suffix(output: Path, wanted: str, option: str) -> None:
    """Refuse a file whose name tells another format than the one that it will have."""
    suffix = output.suffix.lower().removeprefix(".")
    if suffix != wanted and (suffix in _TOLD or suffix in _OTHERS):
        raise GridsearchError(f"{option} {output}: the name ends in .{suffix}; name it .{wanted}")


def _names(formats: Sequence[str]) -> str:
    *most, last = [f".{_SUFFIXES.get(name, name)}" for name in formats]
    return f"let the name end in {', '.join(most)} or {last}"
