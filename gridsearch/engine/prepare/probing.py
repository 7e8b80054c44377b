"""Trying a model before anything is trained: what is asked of it, and the answers, found by building it here.

Our own models are tried in the driver's process; those of users in one of its own (`model_process`), which does the
same there.
"""

from __future__ import annotations

import contextlib
import io
import re
import traceback
import warnings
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from gridsearch.config.trial import TrialConfig
from gridsearch.config.versions import CURRENT
from gridsearch.engine.prepare.model_questions import Problem, Seen
from gridsearch.errors import ModelError, one_line
from gridsearch.models.examples import made_up
from gridsearch.models.freezing import freeze
from gridsearch.models.modes import in_mode
from gridsearch.models.oddities import are_probabilities, idle_hooks
from gridsearch.models.pretrained import fitting_tensors
from gridsearch.models.registry import ModelClass, NotBuiltError, build_model
from gridsearch.models.seeding import random_states_kept, seed_everything
from gridsearch.training.distillation import HIDDEN, captured_hidden
from gridsearch.training.outputs import checked_logits
from gridsearch.training.recipe.dropout import is_portable, make_portable
from gridsearch.training.recipe.randomness import derive
from gridsearch.training.stacking.grouping import shape_of
from gridsearch.training.stacking.profile import Profile, profile_of
from gridsearch.user_code import kind_of, told

Settings = Mapping[str, Any]
#: A batch that every model works with that is to be trained.
TWO = 2
#: What torch says where there is no GPU.
_GPU = re.compile("cuda|nvidia", re.IGNORECASE)
#: How many images a model is run on to see what its outputs are.
_IMAGES = 4


@dataclass(frozen=True)
class Looks:
    """What packing must know about a model under some settings; `shape` is None where it is only trained alone."""

    shape: Hashable | None
    draws: bool
    profile: Profile


class Tried(Protocol):
    """A model of which is asked, under settings, whether it works and what it is like.

    Every method raises `ModelEndedError` or `NotTriedError` where the model keeps it from answering.
    """

    def problem(self, settings: Settings, *, with_numbers: bool) -> Problem | None:
        """Return what is wrong with the model; None when it works, or wants a GPU that only the workers may have.

        It is tried without memory for its numbers, or `with_numbers` where they would be trained.
        """

    def batch_problem(self, settings: Settings, size: int) -> str:
        """Return why it cannot train on a batch of so many images; nothing where it cannot train on two either."""

    def freezing_problem(self, settings: Settings, patterns: str) -> str:
        """Return what is wrong with freezing parts of it; nothing too when it cannot be built without numbers."""

    def pretrained_problem(self, config: TrialConfig, file: Path) -> str:
        """Return why it cannot start from the weights in a file; nothing too when numbers are needed to tell."""

    def hidden_problem(self, settings: Settings) -> str:
        """Return why its features cannot be compared with a teacher's; nothing too where it cannot be told."""

    def notes(self, settings: Settings) -> list[str]:
        """Return what of the model works, and is hardly what was meant: a sentence each."""

    def looks(self, config: TrialConfig) -> Looks:
        """Return what packing must know, as far as can be told without running the model as in training."""

    def rest(self) -> None:
        """Give back what was needed to answer; the next question may take longer."""


class TriedHere:
    """Tries a model in this process; what it prints is not shown."""

    def __init__(self, model: ModelClass, seen: Seen) -> None:
        self.model, self.seen = model, seen

    def problem(self, settings: Settings, *, with_numbers: bool) -> Problem | None:
        """See `Tried`."""
        seen = self.seen
        gpu = with_numbers and torch.cuda.is_available() and not seen.whole
        # Whether embeddings have a place for every whole number shows with numbers alone, and on a GPU as a crash.
        where = torch.device("cuda" if gpu else "cpu" if with_numbers or seen.whole else "meta")
        try:
            # What the user's code prints here, or torch warns of, would stand in the midst of a plan.
            with _quiet(), where:
                built = self._built(settings)
                _check_sizes(built)
                in_mode(built.to(where), training=False)
                before = built.state_dict().keys()
                with torch.no_grad():
                    checked_logits(built, self._examples(TWO), seen.num_classes)
                    self._look_at_one(built)
                if made := built.state_dict().keys() - before:
                    raise ModelError(
                        f"its forward creates {min(made)!r}, which would not be trained: create it in the"
                        f" constructor, or use"
                        " torch's lazy modules"
                    )
        except Exception as error:
            if _wants_a_gpu(error):
                return None
            what = "cannot be built" if isinstance(error, NotBuiltError) else "does not work"
            why = error.why if isinstance(error, NotBuiltError) else told(error)
            return Problem(what, why, kind_of(error), "".join(traceback.format_exception(error)))
        return None

    def _look_at_one(self, model: nn.Module) -> None:
        """Raise `ModelError` where a model that works with two images does not with one, as when it is used."""
        try:
            checked_logits(model, self._examples(1), self.seen.num_classes)
        except Exception as error:
            raise ModelError(f"with two images it works, with one it does not: {told(error)}") from error

    def batch_problem(self, settings: Settings, size: int) -> str:
        """See `Tried`."""
        if self._training_problem(settings, TWO):
            return ""  # with numbers it may work, which the workers see
        return self._training_problem(settings, size)

    def _training_problem(self, settings: Settings, size: int) -> str:
        """Return what a model, without memory for its numbers, raises in training mode for so many images."""
        try:
            with _quiet(), torch.device("meta"), torch.no_grad():
                images = self._examples(size)
                checked_logits(in_mode(self._built(settings), training=True), images, self.seen.num_classes)
        except Exception as error:
            return told(error)
        return ""

    def freezing_problem(self, settings: Settings, patterns: str) -> str:
        """See `Tried`."""
        if (built := self._without_numbers(settings)) is None:
            return ""
        try:
            freeze(built, patterns)
        except ModelError as error:
            return str(error)
        return ""

    def pretrained_problem(self, config: TrialConfig, file: Path) -> str:
        """See `Tried`."""
        if (built := self._without_numbers(config.hyper, config.version)) is None:
            return ""
        try:
            fitting_tensors(built, self.model.name, file)
        except ModelError as error:
            return str(error)
        return ""

    def hidden_problem(self, settings: Settings) -> str:
        """See `Tried`."""
        if (built := self._without_numbers(settings)) is None:
            return ""
        try:
            with _quiet(), captured_hidden(built, wanted=True) as found, torch.no_grad():
                in_mode(built, training=False)(self._examples(2, torch.device("meta")))
        except ModelError as error:
            return str(error)
        if len(found) != 1:
            return (
                f"distillation: hidden needs a forward that calls {HIDDEN!r} once; that of model {self.model.name!r}"
                f" calls it {len(found)} times"
            )
        return ""

    def notes(self, settings: Settings) -> list[str]:
        """See `Tried`."""
        try:
            with _quiet(), torch.no_grad():
                built = in_mode(self._built(settings), training=False)
                shape = self.seen.image_shape
                output = built(self._examples(_IMAGES) if self.seen.whole else torch.rand(_IMAGES, *shape))
        except Exception:  # what does not work is said elsewhere
            return []
        found = []
        if hooks := idle_hooks(type(built)):
            found.append(
                f"model {self.model.name!r} has {' and '.join(hooks)}, which is never called: only the model's"
                f" forward is used; loss, optimizer and schedule come from the job"
            )
        if are_probabilities(output):
            found.append(
                f"model {self.model.name!r} gives probabilities (each row sums to 1), but the loss needs logits:"
                f" remove its softmax"
            )
        return found

    def looks(self, config: TrialConfig) -> Looks:
        """See `Tried`."""
        with _quiet():
            try:
                with torch.device("meta"):
                    model = self._drawn(config)
            except Exception:  # a model that needs numbers in its constructor is built with them
                model = self._drawn(config)
            freeze(model, config.freeze)
            # Trying the model as in training is left to the workers.
            draws = any(is_portable(module) for module in model.modules())
            profile = profile_of(model, self.seen.image_shape, self.seen.whole)
            return Looks(shape_of(model, config, cautious=True), draws, profile)

    def rest(self) -> None:
        """See `Tried`; nothing was needed."""

    def _built(self, settings: Settings, version: int = CURRENT) -> nn.Module:
        return build_model(
            self.model,
            settings,
            image_shape=self.seen.image_shape,
            num_classes=self.seen.num_classes,
            version=version,
            whole=self.seen.whole,
        )

    def _examples(self, count: int, device: torch.device | None = None) -> torch.Tensor:
        return made_up(count, self.seen.image_shape, self.seen.whole, device=device)

    def _drawn(self, config: TrialConfig) -> nn.Module:
        """Return the model as workers make it: of some, what is drawn decides what they are."""
        seed_everything(derive(config.seed, "weights"))
        return make_portable(self._built(config.hyper, config.version))

    def _without_numbers(self, settings: Settings, version: int = CURRENT) -> nn.Module | None:
        try:
            with _quiet(), torch.device("meta"):
                return self._built(settings, version)
        except Exception:  # whatever needs numbers in its constructor
            return None


def _wants_a_gpu(error: BaseException) -> bool:
    """Whether an error says that there is no GPU, and there is none here."""
    while error.__cause__ is not None:
        error = error.__cause__
    return bool(_GPU.search(one_line(error))) and not torch.cuda.is_available()


def _check_sizes(model: nn.Module) -> None:
    """Refuse a layer of torch's without a single weight, which torch trains without a word.

    An empty parameter that a user's module has itself is its own affair.
    """
    for prefix, module in model.named_modules():
        if not type(module).__module__.startswith("torch.nn."):
            continue
        for name, tensor in module.named_parameters(recurse=False):
            if not tensor.numel():
                where = f"{prefix}.{name}" if prefix else name
                raise ModelError(
                    f"its parameter {where!r} has shape {tuple(tensor.shape)}: a layer cannot have a width of 0"
                )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        random_states_kept(),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        yield
