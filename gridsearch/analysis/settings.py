"""The settings of very many trials, column by column: most columns of a job are one value throughout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gridsearch.config.record import JobRecord
from gridsearch.config.trial import FLOAT_KEYS, RECIPE_KEYS


def setting_values(record: JobRecord, configs: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of each setting that trials of a job have, as `JobRecord.settings_of` tells them of one.

    The axes come first, in the job's order. A setting that a trial's model does not have is None.
    """
    contents = json.loads(f"[{','.join(configs)}]")  # at once: one by one takes three times as long
    # Trials that write the same keys have the same defaults: one of each kind tells them.
    kinds: dict[tuple[str, ...], list[int]] = {}
    for place, content in enumerate(contents):
        kinds.setdefault((content["model"], *content, "", *content.get("hyper", ())), []).append(place)
    examples = {kind: record.settings_of(configs[places[0]]) for kind, places in kinds.items()}
    names = dict.fromkeys([*record.axis_names, *(name for settings in examples.values() for name in settings)])
    columns: dict[str, list[Any]] = {}
    for name in names:
        if len(kinds) == 1:
            ((kind, _),) = kinds.items()
            columns[name] = _column(name, examples[kind], kind, contents)
            continue
        values: list[Any] = [None] * len(contents)
        for kind, places in kinds.items():
            own = _column(name, examples[kind], kind, [contents[place] for place in places])
            for place, value in zip(places, own, strict=True):
                values[place] = value
        columns[name] = values
    return columns


def _column(
    name: str, example: Mapping[str, Any], kind: Sequence[str], contents: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Return the values of a setting in trials that write the same keys, of which one has the settings `example`."""
    hyper = kind[kind.index("") + 1 :]
    if name in hyper:
        return [content["hyper"][name] for content in contents]
    if name in RECIPE_KEYS and name in kind:
        values = [content[name] for content in contents]
        return list(map(float, values)) if name in FLOAT_KEYS else values
    if name == "fold" and name in example:
        return [content.get("fold", 0) for content in contents]
    return [example.get(name)] * len(contents)
