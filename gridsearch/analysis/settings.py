"""The settings of very many trials, column by column: most columns of a job are one value throughout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from gridsearch.config.losses import PREFIX
from gridsearch.config.record import JobRecord
from gridsearch.config.trial import DECIDING, FLOAT_KEYS, OWN_SETTINGS, RECIPE_KEYS

#: How many configurations are parsed at once: parsed they are ten times as large.
_AT_ONCE = 4096
#: The parts of a configuration that hold settings beside those of the model.
_FURTHER = (*OWN_SETTINGS[1:], "loss_hyper")
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
#: What trials have in common that write the same keys.
_Kind = tuple[Any, ...]
#: Where a configuration has a setting: in which part of it (none is empty), under which key, and what it is without.
_Where = tuple[str, str, Any]
#: Where one has it that does not write it: it is what it is without.
_NOWHERE = "<default>"


def setting_values(record: JobRecord, configs: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Return the values of each setting that trials of a job have, as `JobRecord.settings_of` tells them of one.

    The axes come first, in the job's order. A setting that a trial's model does not have is None.
    """
    # Trials that write the same keys have the same defaults: one of each kind tells them.
    examples: dict[_Kind, Mapping[str, Any]] = {}
    axes = record.axis_names
    parts: dict[str, list[_Part]] = {name: [] for name in axes}
    for first in range(0, len(configs), _AT_ONCE):
        part = configs[first : first + _AT_ONCE]
        contents = json.loads(f"[{','.join(part)}]")  # at once: one by one takes three times as long
        kinds = _kinds(contents, DECIDING if record.mortal_axes else ())
        for kind in kinds.keys() - examples.keys():
            examples[kind] = record.settings_of(part[kinds[kind][0]])
        for name in dict.fromkeys([*axes, *chain.from_iterable(map(examples.__getitem__, kinds))]):
            wheres = {
                kind: _where(name, examples[kind], kind, contents[places[0]])
                for kind, places in kinds.items()
                if name in axes or name in examples[kind]
            }
            parts.setdefault(name, []).extend(_parts(wheres, kinds, contents, first))
    return {name: _whole(found, len(configs)) for name, found in parts.items()}


def _whole(parts: Sequence[_Part], count: int) -> Sequence[Any]:
    """Return a column by its parts, None where none is."""
    values = [column.value for _, column in parts if isinstance(column, Same)]
    told = sum(len(places) for places, _ in parts)
    # Of one kind of trials a default is always the same object.
    if len(values) == len(parts) > 0 and told == count and all(value is values[0] for value in values):
        return Same(values[0], count)
    whole: list[Any] = [None] * count
    for places, column in parts:
        if isinstance(places, range):
            whole[places.start : places.stop] = column
            continue
        for place, value in zip(places, column, strict=True):
            whole[place] = value
    return whole


def _kinds(contents: Sequence[Mapping[str, Any]], deciding: Sequence[str]) -> dict[_Kind, list[int]]:
    """Return the places of those that write the same keys, by these: the model, the loss, the recipe's, their own.

    They have the same values of the `deciding` settings, by which others have an effect or none.
    """
    kinds: dict[_Kind, list[int]] = {}
    further = frozenset(_FURTHER)
    for place, content in enumerate(contents):
        get = content.get
        kind = (content["model"], get("loss", ""), *map(get, deciding), *content, _OWN, *get("hyper", ()))
        if not further.isdisjoint(content):
            kind = (*kind, *_own_keys(content))
        if kind in kinds:
            kinds[kind].append(place)
        else:
            kinds[kind] = [place]
    return kinds


def _own_keys(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of the settings that are neither the recipe's nor the model's."""
    for part in _FURTHER:
        for key in content.get(part, ()):
            yield f"{PREFIX}{key}" if part == "loss_hyper" else key


def _where(name: str, example: Mapping[str, Any], kind: _Kind, content: Mapping[str, Any]) -> _Where:
    """Return where the configurations of a kind have a setting: one has the settings `example`, one is `content`."""
    if name in kind[kind.index(_OWN) + 1 :]:
        of_loss = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and of_loss in content.get("loss_hyper", ()):
            return "loss_hyper", of_loss, None
        return next(part for part in OWN_SETTINGS if name in content.get(part, ())), name, None
    if name in RECIPE_KEYS and name in content:
        return "", name, None
    if name == "fold" and name in example:
        return "", name, 0
    return _NOWHERE, name, example.get(name)


def _parts(
    wheres: Mapping[_Kind, _Where],
    kinds: Mapping[_Kind, Sequence[int]],
    contents: Sequence[Mapping[str, Any]],
    first: int,
) -> Iterator[_Part]:
    """Yield a setting of trials of several kinds, the first of which has the place `first`: at once where that can be.

    Most columns are written by all, or left out by those that have the default.
    """
    if len(wheres) == len(kinds) and (where := _one_where(list(wheres.values()))):
        yield range(first, first + len(contents)), _column(where, contents)
        return
    for kind, where in wheres.items():
        yield [first + place for place in kinds[kind]], _column(where, [contents[place] for place in kinds[kind]])


def _one_where(wheres: Sequence[_Where]) -> _Where | None:
    """Return where configurations have a setting that all of several kinds have there; None where there is no such."""
    places = dict.fromkeys((part, key) for part, key, _ in wheres)
    without = [value for part, _, value in wheres if part == _NOWHERE]
    if any(value is not without[0] for value in without):
        return None
    if len(places) == 1:
        return wheres[0]
    (part, key), *_ = (where for where in places if where[0] != _NOWHERE)
    of_recipe = not part and key in RECIPE_KEYS and (key not in FLOAT_KEYS or isinstance(without[0], float))
    return (part, key, without[0]) if len(places) == 2 and without and of_recipe else None


def _column(where: _Where, contents: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Return the values of a setting in configurations that have it there."""
    part, key, without = where
    if part == _NOWHERE:
        return Same(without, len(contents))
    if part:
        return [content[part][key] for content in contents]
    values = [content.get(key, without) for content in contents]
    return list(map(float, values)) if key in FLOAT_KEYS else values
