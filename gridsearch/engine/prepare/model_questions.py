"""What questions about a model are about, and what may come instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """What a model is given and asked for: the shape of an example, (C, H, W) of an image, and the number of classes K.

    `whole` are the lowest and the highest of examples that are whole numbers, None for others.
    """

    image_shape: tuple[int, ...]
    num_classes: int
    whole: tuple[int, int] | None = None


@dataclass(frozen=True)
class Problem:
    """What keeps a model from being trained under some settings.

    `what` are words between "the model" and "with" its settings, `why` what was raised, if anything was. `kind` is the
    same where a model fails for the same reason, whatever the numbers in its words; `account` is for a log.
    """

    what: str
    why: str
    kind: str
    account: str

    @property
    def ends(self) -> bool:
        """Whether it was the process that ended, and nothing was raised."""
        return not self.why

    def text(self, model: str, settings: str) -> str:
        """Return it as a line; `settings` as an error names them."""
        return f"model {model!r} {self.what} with {settings}" + (f": {self.why}" if self.why else "")


class ModelEndedError(Exception):
    """A model ended the process it was tried in, or raised what ends one, or did not come to an end in time.

    The text says which, as words that follow "the model"; `account` where it was at that moment, for a log.
    """

    def __init__(self, cause: str, account: str = "") -> None:
        super().__init__(cause)
        self.account = account

    @property
    def problem(self) -> Problem:
        """Return the same as what keeps the model from being trained."""
        return Problem(f"{self} when it was tried", "", str(self), self.account)


class NotTriedError(Exception):
    """A model has ended its process too often to be tried once more."""
