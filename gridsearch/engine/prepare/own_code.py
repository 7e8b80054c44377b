"""The code of a training of the user's own, whatever kind it is: what makes its trials others when it is edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridsearch.models.source_code import fingerprint_of


@dataclass(frozen=True)
class OwnCode:
    """The code of a training function or of a command: its sources by the names of modules or files."""

    reference: str
    sources: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the code."""
        return fingerprint_of(self.sources)

    @property
    def digests(self) -> dict[str, str]:
        """Return the first digits of the SHA-256 of each module or file."""
        return {name: fingerprint_of({name: text})[:16] for name, text in self.sources.items()}
