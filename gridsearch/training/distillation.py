"""The teacher of a distillation: a trained model that says what it makes of the images its students are given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gridsearch.config.trial import TrialConfig
from gridsearch.errors import ModelError
from gridsearch.models.modes import in_mode
from gridsearch.training.arrays import FLOAT_BYTES_LIMIT, DeviceArrays
from gridsearch.training.recipe.losses import Targets
from gridsearch.training.recipe.normalization import Normalizer

#: The module whose output, flattened, is a model's hidden representation.
HIDDEN = "features"
#: How many images the teacher looks at at a time.
_CHUNK = 512


@dataclass(frozen=True)
class TeacherFile:
    """Where a teacher is to be found: its configuration, its state dict, and how its images were normalised."""

    config: TrialConfig
    weights: Path
    normalizer: Normalizer | None


class Teacher:
    """A trained model on the device, in evaluation mode; `kind` says what of it is wanted: "soft" or "hidden".

    `mixed` is the precision it was trained in.
    """

    def __init__(self, model: nn.Module, normalizer: Normalizer | None, kind: str, *, mixed: bool = False) -> None:
        self.model, self.normalizer, self.kind = in_mode(model, training=False).requires_grad_(False), normalizer, kind
        self.mixed = mixed
        self._known: tuple[Tensor, Tensor | None] | None = None

    def targets(self, labels: Tensor, pixels: Tensor) -> Targets:
        """Return the targets for pixels (n, C, H, W) in [0, 1]."""
        return self._as_targets(labels, self._answers(pixels).to(pixels.dtype))

    def known_targets(self, arrays: DeviceArrays, part: Tensor) -> Targets:
        """Return the targets for images (n,) of a data set, about which it is asked only once if memory allows."""
        if self._known is None or self._known[0] is not arrays.images:
            self._known = (arrays.images, self._all_answers(arrays))
        answers = self._known[1]
        of_part = self._answers(arrays.pixels(arrays.images[part])) if answers is None else answers[part]
        return self._as_targets(arrays.labels[part], of_part.to(arrays.dtype))

    def _all_answers(self, arrays: DeviceArrays) -> Tensor | None:
        """Return the answers to all images, or None where they would take too much memory."""
        one = self._answers(arrays.pixels(arrays.images[:1]))
        if one.numel() * one.itemsize * len(arrays) > FLOAT_BYTES_LIMIT:
            return None
        return torch.cat([self._answers(arrays.pixels(part)) for part in torch.split(arrays.images, _CHUNK)])

    def _as_targets(self, labels: Tensor, answers: Tensor) -> Targets:
        targets = Targets(labels)
        return replace(targets, **{"teacher_logits" if self.kind == "soft" else "teacher_hidden": answers})

    @torch.no_grad()
    def _answers(self, pixels: Tensor) -> Tensor:
        answers = []
        own = next((parameter.dtype for parameter in self.model.parameters()), torch.float32)
        for part in torch.split(pixels.to(own), _CHUNK):
            images = self.normalizer(part) if self.normalizer else part
            precision = torch.autocast(images.device.type, torch.bfloat16, enabled=self.mixed)
            with captured_hidden(self.model, wanted=self.kind == "hidden") as found, precision:
                logits = self.model(images)
            answers.append((found[-1] if self.kind == "hidden" else logits).to(own))
        return torch.cat(answers)


@contextmanager
def captured_hidden(model: nn.Module, *, wanted: bool) -> Iterator[list[Tensor]]:
    """Have the hidden representations (n, D) of forward passes made within put into a list, where they are wanted.

    Raises `ModelError` when the model has no module of the name `HIDDEN`.
    """
    found: list[Tensor] = []
    if not wanted:
        yield found
        return
    module = dict(model.named_children()).get(HIDDEN)
    if module is None:
        raise ModelError(
            f"distillation: hidden needs a module {HIDDEN!r} in teacher and student, whose output is compared;"
            f" {type(model).__name__} has none"
        )
    handle = module.register_forward_hook(lambda _module, _arguments, output: found.append(output.flatten(1)))
    try:
        yield found
    finally:
        handle.remove()
