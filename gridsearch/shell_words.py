"""Words of commands that are there to be copied into a shell."""

from __future__ import annotations

import shlex


def quoted(text: str) -> str:
    """Return text as one word for a shell, in double quotes where it has single ones: `"optimizer == 'adam'"`."""
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return shlex.quote(text)
