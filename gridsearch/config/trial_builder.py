"""Building the configurations of a grid: very many trials have few different values, and each value is checked once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from gridsearch.config.trial import TrialConfig

#: So many different values are remembered: those drawn from a range are hardly ever met twice.
_MOST = 2**16
_PLAIN = (str, int, bool)
_set = object.__setattr__


class TrialBuilder:
    """Builds what `kind(**common, **settings)` does.

    A value that was accepted for a setting is so again, and becomes the same: settings do not depend on each other.
    """

    def __init__(self, kind: type[TrialConfig] = TrialConfig, **common: Any) -> None:
        self._kind, self._common = kind, common
        self._known: dict[Hashable, Any] = {}
        #: What configurations have that were given settings of these names: all values, and the names that are set.
        self._kinds: dict[tuple[str, ...], tuple[dict[str, Any], set[str]]] = {}

    def build(self, settings: Mapping[str, Any]) -> TrialConfig:
        """Return the configuration with these settings, `hyper` being one of them; `ValidationError` as by pydantic."""
        kind, known = self._kinds.get(tuple(settings)), self._known
        if kind is None:
            return self._checked(settings)
        values = kind[0].copy()
        try:
            for key, value in settings.items():
                values[key] = known[_token(key, value)] if key != "hyper" else self._hyper(value)
        except KeyError:
            return self._checked(settings)
        config = self._kind.__new__(self._kind)
        # As pydantic's `model_construct` does, which looks at each field again.
        _set(config, "__dict__", values)
        _set(config, "__pydantic_fields_set__", kind[1])
        _set(config, "__pydantic_extra__", None)
        _set(config, "__pydantic_private__", None)
        return config

    def _hyper(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known = self._known
        return {key: known[_token(key, value, "hyper")] for key, value in given.items()}

    def _checked(self, settings: Mapping[str, Any]) -> TrialConfig:
        config = self._kind(**self._common, **settings)
        if len(self._known) < _MOST:
            hyper = settings.get("hyper", {})
            own = {key: value for key, value in settings.items() if key != "hyper"}
            self._known |= {_token(key, value): getattr(config, key) for key, value in own.items()}
            self._known |= {_token(key, value, "hyper"): config.hyper[key] for key, value in hyper.items()}
            self._kinds[tuple(settings)] = dict(vars(config)), config.model_fields_set
        return config


def _token(key: str, value: Any, of: str = "") -> Hashable:
    """Return what is the same for the same value of a setting: 1 is neither 1.0 nor true, and 0.0 not -0.0."""
    kind = value.__class__
    return of, key, kind, value if kind in _PLAIN else repr(value)
