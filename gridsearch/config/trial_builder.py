"""Building the configurations of a grid: very many trials have few different values, and each value is checked once."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any

from gridsearch.config.identity import hyper_member, lineage_of, members_of, names_of, setting_member
from gridsearch.config.own_training import OwnConfig
from gridsearch.config.trial import TrialConfig

#: So many different values are remembered: those drawn from a range are hardly ever met twice.
_MOST = 2**16
_PLAIN = (str, int, bool)
_set = object.__setattr__


class TrialBuilder:
    """Builds what `kind(**common, **settings)` does, with the members of its canonical form (`members_of`).

    A value that was accepted for a setting is so again, and becomes the same: settings do not depend on each other.
    """

    def __init__(self, kind: type[TrialConfig] = TrialConfig, **common: Any) -> None:
        self._kind, self._common = kind, common
        #: Values, each with its member.
        self._known: dict[Hashable, tuple[Any, str]] = {}
        #: What configurations have that were given settings of these names: all values, their members, and the names
        #: that are set.
        self._kinds: dict[tuple[str, ...], tuple[dict[str, Any], dict[str, str], set[str]]] = {}

    def build(self, settings: Mapping[str, Any]) -> tuple[TrialConfig, Mapping[str, str]]:
        """Return the configuration with these settings, `hyper` being one of them, and its members.

        `ValidationError` as by pydantic.
        """
        kind, known = self._kinds.get(tuple(settings)), self._known
        if kind is None:
            return self._checked(settings)
        values, members = kind[0].copy(), kind[1].copy()
        try:
            for key, value in settings.items():
                values[key], members[key] = known[_token(key, value)] if key != "hyper" else self._hyper(value)
        except KeyError:
            return self._checked(settings)
        config = self._kind.__new__(self._kind)
        # As pydantic's `model_construct` does, which looks at each field again.
        _set(config, "__dict__", values)
        _set(config, "__pydantic_fields_set__", kind[2])
        _set(config, "__pydantic_extra__", None)
        _set(config, "__pydantic_private__", None)
        return config, members

    def _hyper(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        known = {key: self._known[_token(key, value, "hyper")] for key, value in given.items()}
        member = hyper_member({key: member for key, (_, member) in known.items()})
        return {key: value for key, (value, _) in known.items()}, member

    def _checked(self, settings: Mapping[str, Any]) -> tuple[TrialConfig, Mapping[str, str]]:
        config = self._kind(**self._common, **settings)
        members = members_of(config)
        if len(self._known) < _MOST:
            hyper = settings.get("hyper", {})
            own = {key: value for key, value in settings.items() if key != "hyper"}
            self._known |= {_token(key, value): (getattr(config, key), members[key]) for key, value in own.items()}
            of_model = {key: (config.hyper[key], setting_member(key, config.hyper[key])) for key in hyper}
            self._known |= {_token(key, value, "hyper"): of_model[key] for key, value in hyper.items()}
            self._kinds[tuple(settings)] = dict(vars(config)), dict(members), config.model_fields_set
        return config, members


class TrialReader:
    """Reads canonical forms as `identity.parse_with_lineage` does, of very many trials."""

    def __init__(self) -> None:
        self._builders = {kind: TrialBuilder(kind) for kind in (TrialConfig, OwnConfig)}

    def parse_with_lineage(self, canonical_text: str) -> tuple[TrialConfig, str]:
        """Return the configuration that a canonical form describes, and its `lineage_id`.

        Raises:
            ValueError: It is no JSON, or describes no configuration.
            TypeError: It is no object.
        """
        content = json.loads(canonical_text)
        if not isinstance(content, dict):
            raise TypeError(f"{canonical_text[:40]!r} is no JSON object")
        config, members = self._builders[OwnConfig if "training" in content else TrialConfig].build(content)
        text, _, lineage = names_of(members, shares_prefix=config.shares_prefix)
        # What another version wrote may have a default that this one leaves out.
        return config, lineage if text == canonical_text else lineage_of(content, config)


def _token(key: str, value: Any, of: str = "") -> Hashable:
    """Return what is the same for the same value of a setting: 1 is neither 1.0 nor true, and 0.0 not -0.0."""
    kind = value.__class__
    return of, key, kind, value if kind in _PLAIN or (kind is float and value) else repr(value)
