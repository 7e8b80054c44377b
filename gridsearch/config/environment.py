"""Variables of the environment in paths of a job: `${DATA}/digits.npz`, and `~` for the home folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expanded(path: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a path with each `${NAME}` replaced, and a leading `~/`; `ValueError` for one that is not set."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not _NAME.fullmatch(name):
            raise ValueError(f"${{{name}}} is not an environment variable: write ${{NAME}}")
        if name not in environment:
            raise ValueError(f"${{{name}}}: there is no environment variable {name}; set it, or write the path")
        return environment[name]

    text = _VARIABLE.sub(value, path)
    return str(Path(text).expanduser()) if text.startswith("~/") else text
