"""Augmentation by a transform of the user's, as those of `torchvision.transforms.v2`.

A transform draws its numbers once for what it is given, so it is given one image at a time, in the order of the epoch,
on the CPU. It is made anew for each epoch, and draws from global generators that are seeded by (data seed, epoch) and
kept apart from those that models draw from. So what becomes of an image depends neither on the batch size, nor on the
device, the pack, or the point at which training went on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from gridsearch.errors import ModelError
from gridsearch.models.functions import OwnFunction
from gridsearch.models.seeding import RandomStates, random_states_kept, seed_everything


class OwnAugmentation:
    """The transform of one epoch."""

    def __init__(
        self, function: OwnFunction, settings: Mapping[str, Any], *, image_shape: tuple[int, ...], seed: int
    ) -> None:
        known = {"image_shape": image_shape}
        given = {key: value for key, value in known.items() if key in function.given}
        self._name = function.name
        with random_states_kept():
            seed_everything(seed)
            made = function.call(**given, **function.fitted(settings))
            self._states = RandomStates.now()
        if not callable(made):
            raise ModelError(
                f"augment {self._name!r} returned {type(made).__name__}; it must return a transform, something to call"
                " with an image"
            )
        self._transform: Callable[[Tensor], Any] = made

    @torch.no_grad()
    def __call__(self, examples: Tensor) -> Tensor:
        """Return a chunk of the epoch's examples (n, ...), changed; the next ones in the order of the epoch."""
        with random_states_kept():
            self._states.restore()
            changed = [self._changed(example) for example in examples.cpu()]
            self._states = RandomStates.now()
        return torch.stack(changed).to(examples.device)

    def _changed(self, example: Tensor) -> Tensor:
        changed = self._transform(example.clone())
        if not isinstance(changed, Tensor):
            raise ModelError(f"the transform of augment {self._name!r} returned {type(changed).__name__}, not a tensor")
        wanted, got = (_kind(one) for one in (example, changed))
        if wanted != got:
            raise ModelError(f"the transform of augment {self._name!r} makes {got} of {wanted}; it must leave both")
        return changed.as_subclass(Tensor)


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
