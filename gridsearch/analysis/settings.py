"""The settings of very many trials, column by column: most columns of a job are one value throughout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gridsearch.config.losses import PREFIX
from gridsearch.config.record import JobRecord
from gridsearch.config.trial import DECIDING, FLOAT_KEYS, OWN_SETTINGS, RECIPE_KEYS

#: How many configurations are parsed at once: parsed they are ten times as large.
_AT_ONCE = 4096
#: What stands before the settings of the model, the loss and the user's functions, where keys are listed: no key is
#: called so.
_OWN = "<own>"


class Same(Sequence[Any]):
    """A column that is one value throughout, without a list of it."""

    def __init__(self, value: Any, count: int) -> None:
        self.value, self._count = value, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        """Return the value; `IndexError` beyond the end, which also ends an iteration."""
        if isinstance(place, slice):
            return Same(self.value, len(range(*place.indices(self._count))))
        if not -self._count <= place < self._count:
            raise IndexError(place)
        return self.value


#: Places among the trials, and a setting's values there.
_Part = tuple[Sequence[int], Sequence[Any]]


def setting_values(record: JobRecord, configs: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Return the values of each setting that trials of a job have, as `JobRecord.settings_of` tells them of one.

    The axes come first, in the job's order. A setting that a trial's model does not have is None.
    """
    # Trials that write the same keys have the same defaults: one of each kind tells them.
    examples: dict[tuple[str, ...], Mapping[str, Any]] = {}
    parts: dict[str, list[_Part]] = {name: [] for name in record.axis_names}
    for first in range(0, len(configs), _AT_ONCE):
        part = configs[first : first + _AT_ONCE]
        contents = json.loads(f"[{','.join(part)}]")  # at once: one by one takes three times as long
        for kind, places in _kinds(contents, DECIDING if record.mortal_axes else ()):
            if kind not in examples:
                examples[kind] = record.settings_of(part[places[0]])
            own = contents if len(places) == len(contents) else [contents[place] for place in places]
            where = [first + place for place in places]
            for name in dict.fromkeys([*record.axis_names, *examples[kind]]):
                parts.setdefault(name, []).append((where, _column(name, examples[kind], kind, own)))
    return {name: _whole(found, len(configs)) for name, found in parts.items()}


def _whole(parts: Sequence[_Part], count: int) -> Sequence[Any]:
    """Return a column by its parts, None where none is."""
    values = [column.value for _, column in parts if isinstance(column, Same)]
    told = sum(len(where) for where, _ in parts)
    # Of one kind of trials a default is always the same object.
    if len(values) == len(parts) > 0 and told == count and all(value is values[0] for value in values):
        return Same(values[0], count)
    whole: list[Any] = [None] * count
    for where, column in parts:
        for place, value in zip(where, column, strict=True):
            whole[place] = value
    return whole


def _kinds(
    contents: Sequence[Mapping[str, Any]], deciding: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], list[int]]]:
    """Yield the places of those that write the same keys, with these: the model, the loss, the recipe's, their own.

    They have the same values of the `deciding` settings, by which others have an effect or none.
    """
    kinds: dict[tuple[str, ...], list[int]] = {}
    for place, content in enumerate(contents):
        kind = (content["model"], content.get("loss", ""), *content, _OWN, *content.get("hyper", ()))
        if deciding:
            kind = (*(f"={content.get(key)}" for key in deciding), *kind)
        for part in OWN_SETTINGS[1:]:
            if part in content:
                kind = (*kind, *content[part])
        if "loss_hyper" in content:
            kind = (*kind, *(f"{PREFIX}{key}" for key in content["loss_hyper"]))
        kinds.setdefault(kind, []).append(place)
    yield from kinds.items()


def _column(
    name: str, example: Mapping[str, Any], kind: Sequence[str], contents: Sequence[Mapping[str, Any]]
) -> Sequence[Any]:
    """Return the values of a setting in trials that write the same keys, of which one has the settings `example`."""
    if name in kind[kind.index(_OWN) + 1 :]:
        of_loss = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and of_loss in contents[0].get("loss_hyper", ()):
            return [content["loss_hyper"][of_loss] for content in contents]
        part = next(part for part in OWN_SETTINGS if name in contents[0].get(part, ()))
        return [content[part][name] for content in contents]
    if name in RECIPE_KEYS and name in kind:
        values = [content[name] for content in contents]
        return list(map(float, values)) if name in FLOAT_KEYS else values
    if name == "fold" and name in example:
        return [content.get("fold", 0) for content in contents]
    return Same(example.get(name), len(contents))
