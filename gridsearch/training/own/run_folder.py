"""The folder that a trial's command may write to, `runs/JOB/ID/`, and what we keep of it beside it.

Its owner stands in a hidden file beside it, as the folder itself is the command's, which may remove what is in it. That
file is locked as long as anything of the command runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gridsearch.errors import not_writable

ID_DIGITS = 12


@dataclass(frozen=True)
class RunFolder:
    """The folder of one trial below that of its job."""

    root: Path
    trial_id: str

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.root / self.trial_id[:ID_DIGITS]

    @property
    def marker(self) -> Path:
        """The file that says whose the folder is."""
        return self.root / f".{self.trial_id[:ID_DIGITS]}.json"

    @property
    def reports(self) -> Path:
        """The file that `gridsearch.report` writes."""
        return self.root / f".{self.trial_id[:ID_DIGITS]}.reports.jsonl"

    def prepare(self, store: Path, *, first: bool) -> None:
        """Make the folder. What is there before a trial's `first` attempt, of a store that is gone, is moved aside.

        Raises:
            StorageError: The disk refuses.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if first:
                self.reports.unlink(missing_ok=True)
                if self.path.exists():
                    self._move_aside()
            self.path.mkdir(exist_ok=True)
            self.marker.write_text(json.dumps({"trial": self.trial_id, "store": str(store.absolute())}) + "\n")
        except OSError as error:
            raise not_writable("the folders of trials", self.root, error) from error

    def _move_aside(self) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.before-{number}")).exists():
            number += 1
        self.path.rename(aside)
