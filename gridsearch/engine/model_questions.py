"""What questions about a model are about, and what may come instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """What a model is given and asked for: the shape of an image (C, H, W) and the number of classes K."""

    image_shape: tuple[int, int, int]
    num_classes: int


class ModelEndedError(Exception):
    """A model ended the process it was tried in, or raised what ends one, or did not come to an end in time.

    The text says which, as words that follow "the model"; `account` where it was at that moment, for a log.
    """

    def __init__(self, cause: str, account: str = "") -> None:
        super().__init__(cause)
        self.account = account


class NotTriedError(Exception):
    """A model has ended its process too often to be tried once more."""
