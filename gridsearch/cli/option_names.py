"""Options that a command does not have, answered with the one that was likely meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from gridsearch.cli.render.tables import Format
from gridsearch.config.habits import key_habit
from gridsearch.config.trial import RECIPE_KEYS
from gridsearch.errors import closest

#: Formats as other tools have options for them, and what `--format` calls them.
_FORMATS = {
    "json": "json",
    "csv": "csv",
    "md": "md",
    "markdown": "md",
    "latex": "latex",
    "tex": "latex",
    "parquet": "parquet",
}
_FILES = frozenset({"out", "outfile", "out_file", "output", "output_file", "file", "save", "to"})


def instead(option: str, params: Sequence[Any]) -> str:
    """Return what to write in place of an option that a command with these of Click's does not have; else nothing."""
    word = option.lstrip("-").replace("-", "_").lower()
    meant = word if word in RECIPE_KEYS else next(iter(re.findall(r"is called (\w+)", key_habit(word))), "")
    own = {name.lstrip("-"): param for param in params for name in param.opts if name.startswith("--")}
    if meant and "set" in own:
        return f"settings are changed with --set {meant}=VALUE"
    if meant and "filter" in own:
        return f"trials are chosen with --filter '{meant} == VALUE'"
    if word == "format" or word in _FORMATS:
        return _format(_FORMATS.get(word, "json"), own)
    if word in _FILES:
        return "write --output" if "output" in own else ""
    near = closest(option.lstrip("-"), _visible(own))
    return f"did you mean --{near}?" if near else ""


def _format(asked: str, own: dict[str, Any]) -> str:
    if "format" not in own:
        return "data are printed with --json" if "json" in own else ""
    told = re.findall(r"\w+", own["format"].help or "")
    known = told if "csv" in told else [one.value for one in Format]
    return f"write --format {asked}" if asked in known else ""


def _visible(own: dict[str, Any]) -> Collection[str]:
    return [name for name, param in own.items() if not getattr(param, "hidden", False)]
