"""Who a trial is: the hash of the canonical form of what determines its numbers.

The canonical form leaves out every setting that has its default value, so a setting added later with a default that
keeps the old behaviour changes no id. `1` and `1.0` are the same number. A change of the training code that changes
numbers must raise the version of the trials it concerns (`config/versions.py`); the ids pinned in the tests notice
everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from gridsearch.config.losses import PREFIX
from gridsearch.config.own_training import OWN_DEFAULTS, OWN_KEYS, OwnConfig
from gridsearch.config.trial import FLOAT_KEYS, OWN_SETTINGS, RECIPE_DEFAULTS, RECIPE_KEYS, Split, TrialConfig

#: What is always there: a split's defaults are its own affair.
_ALWAYS = object()


def _left_out(kind: type[TrialConfig]) -> dict[str, Any]:
    """Return the keys of a canonical form in its order, with the values that are left out."""
    return {
        key: _ALWAYS
        if field.is_required() or key in ("split", "version")
        else field.get_default(call_default_factory=True)
        for key, field in sorted(kind.model_fields.items())
    }


_DEFAULTS = {kind: _left_out(kind) for kind in (TrialConfig, OwnConfig)}
_PLAIN = frozenset({bool, int, float, str, type(None)})

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def canonical_value(value: Any) -> Any:
    """Return the value with whole floats as integers, in containers too, so that equal numbers print equally."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        # Most values are texts and integers, which need no call: a grid has hundreds of thousands of them.
        return {
            str(k): canonical_value(v) if isinstance(v, (float, dict, list, tuple)) else v for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [canonical_value(item) for item in value]
    return value


def same_value(one: Any, other: Any) -> bool:
    """Whether two settings are the same one: `1` is `1.0` and a tuple its list, but `1` is not `true`."""
    return repr(canonical_value(one)) == repr(canonical_value(other))


def canonical(config: TrialConfig) -> str:
    """Return the canonical JSON of a trial: sorted keys, no blanks, defaults left out, version included."""
    return _object(members_of(config).values())


def members_of(config: TrialConfig) -> dict[str, str]:
    """Return the members of a trial's canonical JSON in order, by their keys; one that is left out is empty."""
    kind, values = config.__class__, vars(config)
    return {key: _member(kind, key, values[key]) for key in _keys(kind, frozenset(config.model_fields_set))}


def _member(kind: type[TrialConfig], key: str, value: Any) -> str:
    """Return the member of a trial's canonical JSON that tells of a key; empty where it is left out.

    An object's JSON is that of its members, and those of a large grid have few different values: each is written once.
    """
    default = _DEFAULTS[kind][key]
    if value is default or value == default:
        return ""
    if key == "split":
        text = _split_text(value)
        return f'"split":{text}' if text != "{}" else ""
    if key == "hyper":
        return hyper_member({name: setting_member(name, one) for name, one in value.items()})
    return setting_member(key, value)


def hyper_member(members: Mapping[str, str]) -> str:
    """Return the member that tells of a model's settings, given those of each of them by their names."""
    return f'"hyper":{_object(members[name] for name in sorted(members))}' if members else ""


@cache
def _keys(kind: type[TrialConfig], named: frozenset[str]) -> list[str]:
    """Return the keys of what a configuration may have that names these; all others have their defaults."""
    return [key for key, default in _DEFAULTS[kind].items() if key in named or default is _ALWAYS]


def _object(members: Iterable[str]) -> str:
    return f"{{{','.join(filter(None, members))}}}"


def setting_member(key: str, value: Any) -> str:
    """Return the member of an object that tells of one of a model's settings."""
    return _plain_member(key, value) if value.__class__ in _PLAIN else _written(key, value)


def _written(key: str, value: Any) -> str:
    return f"{_encode(key)}:{_encode(canonical_value(value))}"


#: Typed: 1 is not true.
_plain_member = lru_cache(maxsize=2**16, typed=True)(_written)


@cache
def _split_text(split: Split) -> str:
    return _encode(canonical_value(split.model_dump(exclude_defaults=True)))


def parse(canonical_text: str) -> TrialConfig:
    """Return the configuration that a canonical form describes; the inverse of `canonical`."""
    return _config(json.loads(canonical_text))


def _config(content: dict[str, Any]) -> TrialConfig:
    return OwnConfig(**content) if "training" in content else TrialConfig(**content)


def flatten(canonical_text: str, *, with_model: bool = False) -> dict[str, Any]:
    """Return a trial's settings (see `TrialConfig.settings`) without building its configuration: for many rows.

    Args:
        canonical_text: The trial's canonical form.
        with_model: Whether to include `model`.

    Returns:
        Defaults included; with folds, the trial's `fold` as well.
    """
    content = json.loads(canonical_text)
    model = {"model": content["model"]} if with_model else {}
    if "training" in content:
        own = {key: content[key] for key in OWN_KEYS if key in content}
        return OWN_DEFAULTS | own | dict(content.get("hyper", {})) | model
    recipe = {key: float(content[key]) if key in FLOAT_KEYS else content[key] for key in RECIPE_KEYS if key in content}
    if "folds" in content.get("split", {}):
        recipe["fold"] = content.get("fold", 0)
    return RECIPE_DEFAULTS | recipe | own_settings(content) | model


def own_settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a parsed canonical form that are the model's, the loss's and the user's functions'."""
    own = {name: value for part in OWN_SETTINGS for name, value in content.get(part, {}).items()}
    return own | {f"{PREFIX}{name}": value for name, value in content.get("loss_hyper", {}).items()}


def point_of(canonical_text: str, repeated: Collection[str] = ("seed",)) -> str:
    """Return what the repeats and folds of a point have in common: the canonical form without fold and repeated seeds.

    Args:
        canonical_text: The canonical form of one of its trials.
        repeated: The seeds in which its repeats differ (`REPEATED_SEEDS`).
    """
    content = json.loads(canonical_text)
    return _encode({key: value for key, value in content.items() if key != "fold" and key not in repeated})


def under_version(canonical_text: str, version: int) -> str:
    """Return the canonical form of the same trial under another version of the recipe."""
    return _encode(json.loads(canonical_text) | {"version": version})


def digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def grid_digest(trial_ids: Iterable[str]) -> str:
    """Return the hash by which a job knows its grid: of its trials' ids, in order."""
    return digest("\n".join(trial_ids))


def trial_id(config: TrialConfig) -> str:
    """Return the trial's id: 64 hexadecimal digits."""
    return digest(canonical(config))


def own_id(config: OwnConfig) -> str:
    """Return the id that a training of the user's own knows itself by: its trial's, or its lineage's where trials share
    their epochs.
    """
    _, trial, lineage = names(config)
    return lineage if config.shares_prefix else trial


def names(config: TrialConfig) -> tuple[str, str, str]:
    """Return a trial's canonical form, its id and its lineage's id, computed together: for many trials."""
    return names_of(members_of(config), shares_prefix=config.shares_prefix)


def names_of(members: Mapping[str, str], *, shares_prefix: bool) -> tuple[str, str, str]:
    """Return what `names` does of a trial whose canonical form has these members (`members_of`)."""
    told = list(filter(None, members.values()))
    text = of_lineage = f"{{{','.join(told)}}}"
    if shares_prefix and (epochs := members.get("epochs")):
        told.remove(epochs)
        of_lineage = f"{{{','.join(told)}}}"
    return text, digest(text), digest("lineage:" + of_lineage)


def lineage_id(config: TrialConfig) -> str:
    """Return the id that a trial shares with those that differ from it only in `epochs`.

    Under a schedule that needs the total number of epochs (`cosine`, `one_cycle`) `epochs` is included, and a lineage
    has one trial.
    """
    return names(config)[2]


def parse_with_lineage(canonical_text: str) -> tuple[TrialConfig, str]:
    """Return the configuration that a canonical form describes, and its `lineage_id`.

    Of very many trials `trial_builder.TrialReader` tells the same.
    """
    content = json.loads(canonical_text)
    config = _config(content)
    return config, lineage_of(content, config)


def lineage_of(content: Mapping[str, Any], config: TrialConfig) -> str:
    """Return the `lineage_id` of a configuration that was parsed from this content of a canonical form."""
    shared = {key: value for key, value in content.items() if key != "epochs"} if config.shares_prefix else content
    return digest("lineage:" + _encode(shared))
