"""The packs of a plan as a table: what is in each and why, how it will be trained, what it is expected to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gridsearch.cli.render.tables import Grid
from gridsearch.quantities import duration

if TYPE_CHECKING:
    from gridsearch.engine.run.explaining import ExplainedPack

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_LEGEND = (
    "step: time for one step of all models of the pack with its strategy; alone: the same one model after another."
    " The columns after pack are the settings in which models must agree to be trained together."
)


def packs_grid(packs: Sequence[ExplainedPack], note: str = "") -> Grid:
    """Return the packs as a table for a terminal; `note` says what this machine cannot do."""
    keys = list(packs[0].shared) if packs else []
    headings = ["pack", *keys, "trainings", "trials", "epochs", "strategy", "step", "alone", "time", "memory"]
    rows = [
        [
            f"{number}{'*' if pack.cut else ''}",
            *(_setting(pack.shared[key]) for key in keys),
            f"{pack.lineages:,}",
            f"{pack.trials:,}",
            f"{pack.epochs:,}",
            pack.strategy or "to be measured",
            _step(pack.step_seconds),
            _step(pack.alone_seconds),
            ("" if pack.step_seconds else "about ") + duration(pack.seconds),
            size(pack.bytes),
        ]
        for number, pack in enumerate(packs, start=1)
    ]
    numeric = [True, *(False for _ in keys), True, True, True, False, True, True, True, True]
    cut = " A pack marked * was split: because of the number of workers, the memory or --pack."
    rough = " A time marked about is a rough estimate."
    caption = _LEGEND + (cut if any(pack.cut for pack in packs) else "")
    caption += rough if any(not pack.step_seconds for pack in packs) else ""
    caption += f" {note[0].upper()}{note[1:]}." if note else ""
    for number, pack in enumerate(packs, start=1):
        caption += "".join(f"\npack {number}: {refusal}" for refusal in pack.refused)
    return Grid(headings, numeric, rows, caption=caption, keys=1)


def packs_json(packs: Sequence[ExplainedPack]) -> list[dict[str, Any]]:
    """Return the packs as JSON values."""
    return [asdict(pack) for pack in packs]


def size(count: float) -> str:
    """Return a number of bytes as people read it.

    >>> [size(n) for n in (512, 2048, 3 * 2**20)]
    ['512 B', '2.0 KiB', '3.0 MiB']
    """
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"


def _step(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.2f} ms"


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
