"""Finding a model by name and building it; the only place that knows which models ship with gridsearch.

A model is an ordinary `torch.nn.Module` whose constructor takes its hyperparameters as keyword arguments. Arguments
named in `DATA_ARGUMENTS` are filled from the data set where the constructor has them. Input is a float tensor
(B, C, H, W) with values in [0, 1], or examples of another kind as a data set has them (B, ...), of whole numbers int64;
output is one row of K logits per image.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridsearch.config.habits import key_habit
from gridsearch.config.versions import CURRENT, FIRST, implied_settings
from gridsearch.errors import ModelError, closest, nearest
from gridsearch.models.arguments import Wanted, wanted_of
from gridsearch.models.plain import is_plain
from gridsearch.models.source_code import fingerprint_of
from gridsearch.models.user_objects import found_of_the_user
from gridsearch.user_code import told

if TYPE_CHECKING:
    from torch import nn

    from gridsearch.models.examples import Whole

#: The models that ship with gridsearch: where each lives, and one line about it.
MODELS: dict[str, tuple[str, str]] = {
    "perceptron": (
        "gridsearch.models.dense:Perceptron",
        "one linear layer from the pixels to the classes",
    ),
    "shallow": ("gridsearch.models.dense:Shallow", "one hidden layer of `neurons` ReLU units"),
    "deep": (
        "gridsearch.models.dense:Deep",
        "any number of hidden ReLU layers, `hidden` a list of their widths",
    ),
    "deep2": ("gridsearch.models.dense:Deep2", "two hidden ReLU layers, `neurons_1` and `neurons_2` wide"),
    "deep3": ("gridsearch.models.dense:Deep3", "three hidden ReLU layers, `neurons_1` to `neurons_3` wide"),
    "mlp": ("gridsearch.models.dense:MLP", "dense layers with batch normalisation and dropout"),
    "cnn": ("gridsearch.models.cnn:ConvNet", "convolutions of the channels in `filters`, then dense layers"),
    "wide_cnn": ("gridsearch.models.cnn:wide_cnn", "three wide convolutions, two dense layers"),
    "deep_cnn": ("gridsearch.models.cnn:deep_cnn", "six narrow convolutions, three dense layers"),
    "wide_deep_cnn": ("gridsearch.models.cnn:wide_deep_cnn", "six wide convolutions, three dense layers"),
    "one_conv_cnn": ("gridsearch.models.cnn:one_conv_cnn", "one convolution, two dense layers"),
    "three_conv_cnn": ("gridsearch.models.cnn:three_conv_cnn", "three convolutions, two dense layers"),
    "custom_cnn": ("gridsearch.models.cnn:custom_cnn", "two pairs of normalised convolutions, two dense layers"),
    "deepnn": ("gridsearch.models.cnn:deepnn", "four convolutions, two dense layers: a teacher"),
    "lightnn": ("gridsearch.models.cnn:lightnn", "two convolutions, two dense layers: a student"),
    "squeezenet": ("gridsearch.models.squeezenet:SqueezeNet", "fire modules, for small images"),
    "resnet18": ("gridsearch.models.torchvision_nets:resnet18", "torchvision's ResNet-18"),
    "resnet50": ("gridsearch.models.torchvision_nets:resnet50", "torchvision's ResNet-50"),
    "mobilenet_v3_small": ("gridsearch.models.torchvision_nets:MobileNetV3Small", "torchvision's MobileNetV3-Small"),
}


CLASSES = "num_classes"
DATA_ARGUMENTS = ("image_shape", "input_shape", "in_channels", "in_features", CLASSES)
#: How many dimensions an image has, and at least an example that has channels: (C, L).
_IMAGE_DIMENSIONS, _FEWEST_WITH_CHANNELS = 3, 2


@dataclass(frozen=True)
class ModelSignature:
    """What a model takes, without the model itself: all that is known of a user's model where its code does not run.

    Attributes:
        name: The model as the job names it.
        data_arguments: The arguments that are filled in from the data set.
        required: The hyperparameters that a job must set.
        optional: The others, with their defaults.
        open_ended: Whether it takes any others too (`**kwargs`).
        code: The fingerprint of the user's source; empty for a built-in model.
        wanted: What values each hyperparameter may have.
        sources: The first digits of the fingerprint of each of the user's modules.
    """

    name: str
    data_arguments: tuple[str, ...]
    required: tuple[str, ...]
    optional: Mapping[str, Any]
    open_ended: bool
    code: str
    wanted: Mapping[str, Wanted] = field(kw_only=True)
    sources: Mapping[str, str] = field(kw_only=True)

    def takes(self, key: str) -> Wanted:
        """Return what a setting may be."""
        return self.wanted.get(key) or Wanted()

    def others_text(self, hyper: Mapping[str, Any]) -> str:
        """Return what an error ends with: the settings that the model has by default, ` (by default depth=2)`."""
        others = {key: value for key, value in self.optional.items() if key not in hyper and is_plain(value)}
        return f" (by default {settings_text(others)})" if others else ""

    def has(self, key: str) -> bool:
        """Whether something is a setting of the model."""
        return key in self.hyperparameters or (self.open_ended and key not in self.data_arguments)

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Return the names of all hyperparameters the constructor names."""
        return (*self.required, *self.optional)

    def version(self, hyper: Mapping[str, Any]) -> int:
        """Return the version of the recipe (`config/versions.py`) since which these settings make the model they do."""
        if self.name not in MODELS:
            return CURRENT
        if hyper.get("batch_norm", self.optional.get("batch_norm")) in (None, False, "none"):
            return FIRST
        changed = any(self.optional.get(key, before) != before for key, before in implied_settings(FIRST).items())
        return CURRENT if changed else FIRST

    def implied(self, version: int) -> dict[str, Any]:
        """Return the settings that a trial of this version has where it names no others."""
        known = self.optional if self.name in MODELS else {}
        return {key: value for key, value in implied_settings(version).items() if key in known}


@dataclass(frozen=True)
class ModelClass(ModelSignature):
    """A model's class, or a function that returns one of its instances."""

    build: Callable[..., nn.Module]


class NotBuiltError(ModelError):
    """A model refuses its settings; `why` says how, without the model's name and its settings."""

    def __init__(self, model: ModelSignature, hyper: Mapping[str, Any], why: str) -> None:
        self.why = why
        others = model.others_text(hyper)
        super().__init__(f"model {model.name!r} cannot be built with {settings_text(hyper)}: {why}{others}")


def find_model(name: str, search: Sequence[Path] = ()) -> ModelClass:
    """Return the class or function behind a model's name.

    Args:
        name: A name in `MODELS`, or `package.module:Class`.
        search: Folders in which the user's module may be, besides those on Python's path.

    Raises:
        ModelError: There is no such model, or its module cannot be imported.
    """
    if name in MODELS:
        module_name, _, class_name = MODELS[name][0].partition(":")
        return described(name, getattr(importlib.import_module(module_name), class_name), sources={})
    module_name, colon, class_name = name.partition(":")
    if not colon or not module_name or not class_name:
        raise ModelError(
            f"model {name!r} is not known{nearest(name, MODELS)}; write a model of your own as package.module:Class"
        )
    found, sources = found_of_the_user("model", name, search)
    if not _makes_modules(found):
        raise ModelError(
            f"model {name!r}: {class_name!r} is neither a torch.nn.Module class nor a function that returns one"
        )
    return described(name, found, sources=sources)


def has_beside(model: ModelSignature, key: str, models: Sequence[ModelSignature]) -> bool:
    """Return whether a name is a setting of a model, in a job with these models.

    A model that takes anything (`**kwargs`) does not have a setting that another one of them names.
    """
    if key in model.hyperparameters or not model.has(key):
        return key in model.hyperparameters
    return not any(key in other.hyperparameters for other in models)


def check_hyperparameters(model: ModelSignature, given: Sequence[str], *, mend: str = "add it under 'space'") -> None:
    """Check the names of hyperparameters.

    Args:
        model: The model.
        given: The names that the job gives.
        mend: What to do about a missing one, for the message.

    Raises:
        ModelError: A name is not a hyperparameter of the model, or a required one is missing.
    """
    for key in given:
        if key in model.data_arguments:
            raise ModelError(f"{key!r} of model {model.name!r} comes from the data set and cannot be set")
        if key not in model.hyperparameters and not model.open_ended:
            takes = nearest(key, model.hyperparameters) or "; the model takes no settings of its own"
            said = key_habit(key)
            if said and not closest(key, model.hyperparameters):
                takes = f"; it {said}" if said.startswith("is called") else f": {said}"
            raise ModelError(f"{key!r} is neither a recipe key nor a setting of model {model.name!r}{takes}")
    missing = [key for key in model.required if key not in given]
    if missing:
        raise ModelError(f"model {model.name!r} needs {missing[0]!r}; {mend}")


def check_values(model: ModelSignature, hyper: Mapping[str, Any]) -> None:
    """Check the values of hyperparameters.

    Raises:
        ModelError: A setting of the model cannot have its value.
    """
    for key, value in hyper.items():
        if said := model.takes(key).problem(value):
            raise ModelError(f"{key}: model {model.name!r}: {said}")


def build_model(
    model: ModelClass,
    hyper: Mapping[str, Any],
    *,
    image_shape: tuple[int, ...],
    num_classes: int,
    version: int = CURRENT,
    whole: Whole = None,
) -> nn.Module:
    """Build a new instance of a model; its weights are drawn from torch's global generator.

    Args:
        model: What `find_model` returned.
        hyper: Its hyperparameters.
        image_shape: (C, H, W), or the shape of another example.
        num_classes: K.
        version: The version of the recipe to build it under (`config/versions.py`).
        whole: The lowest and the highest of examples that are whole numbers; None for floats.

    Returns:
        The module; the lazy modules in it have their shapes.

    Raises:
        ModelError: Its constructor raises, its state could not be kept in a checkpoint, or it is not for such data.
    """
    from torch import nn

    from gridsearch.models.lazy import materialize
    from gridsearch.models.state import check_state, give_memory
    from gridsearch.models.surroundings import surroundings_kept

    known = {
        "image_shape": image_shape,
        "input_shape": image_shape,
        "in_channels": image_shape[0],
        "in_features": prod(image_shape),
        "num_classes": num_classes,
    }
    if said := _unsuited(model, image_shape, whole):
        raise NotBuiltError(model, hyper, said)
    arguments = {key: known[key] for key in model.data_arguments} | model.implied(version)
    # As the store has them, whole numbers are integers: a setting that is a float is one whoever builds the model.
    arguments |= {key: model.takes(key).fitted(value) for key, value in hyper.items()}
    try:
        with surroundings_kept():
            built = model.build(**arguments)
        if not isinstance(built, nn.Module):
            raise ModelError(f"it gives {type(built).__name__}, which is not a torch.nn.Module")
        materialize(built, image_shape, whole)
        give_memory(built)
        check_state(built)
        return built
    except Exception as error:
        raise NotBuiltError(model, hyper, told(error)) from error


def _unsuited(model: ModelSignature, shape: tuple[int, ...], whole: Whole) -> str:
    """Return why a model is not for examples of such a shape, or of whole numbers; nothing where it may be."""
    if whole is not None and model.name in MODELS:
        low, high = whole
        return (
            f"it computes with floats, and the data are whole numbers from {low} to {high}, which models get as int64"
            " for embeddings: save them as np.float32, or images as np.uint8 (N, H, W[, C])"
        )
    dimensions = len(shape)
    if "image_shape" in model.data_arguments and dimensions != _IMAGE_DIMENSIONS:
        mend = "save images as (N, C, H, W)" + ("" if model.name in MODELS else ", or take input_shape")
        return f"it takes image_shape (C, H, W), and an example of the data has the shape {shape}: {mend}"
    if "in_channels" in model.data_arguments and dimensions < _FEWEST_WITH_CHANNELS:
        return (
            f"it takes in_channels, and an example of the data is a row of {shape[0]} numbers: in_features is for such"
        )
    return ""


def settings_text(hyper: Mapping[str, Any]) -> str:
    """Return hyperparameters as an error names them: `width=64, depth=2`."""
    return ", ".join(f"{key}={value!r}" for key, value in hyper.items()) or "no settings"


def _makes_modules(found: Any) -> bool:
    """Whether something may make modules: a class of them, or a function, which shows when it is called."""
    from torch import nn

    return (
        issubclass(found, nn.Module) if inspect.isclass(found) else callable(found) and not isinstance(found, nn.Module)
    )


def described(
    name: str, found: Callable[..., Any], *, sources: Mapping[str, str], what: str = "model", given: int = 0
) -> ModelClass:
    """Return what a class or a function takes: `what` is it called in errors, `given` arguments are no settings.

    Raises:
        ModelError: What it takes cannot be told, or cannot be given by keyword.
    """
    required: list[str] = []
    optional: dict[str, Any] = {}
    data: list[str] = []
    open_ended = False
    try:
        parameters = dict(list(inspect.signature(found).parameters.items())[given:])
    except (TypeError, ValueError):
        raise ModelError(f"{what} {name!r}: its arguments cannot be read; write a function around it") from None
    for key, parameter in parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            open_ended = True
        elif parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL):
            if parameter.default is inspect.Parameter.empty and parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                raise ModelError(f"{what} {name!r}: argument {key!r} cannot be given by keyword")
        elif key in DATA_ARGUMENTS:
            data.append(key)
        elif parameter.default is inspect.Parameter.empty:
            required.append(key)
        else:
            optional[key] = parameter.default
    if what == "model" and open_ended and not inspect.isclass(found) and CLASSES not in data:
        data.append(CLASSES)  # as torchvision's functions, which hand it on
    code = fingerprint_of(sources) if sources else ""
    parts = {key: fingerprint_of({key: text})[:16] for key, text in sources.items()}
    wanted = wanted_of(found)
    return ModelClass(
        name, tuple(data), tuple(required), optional, open_ended, code, found, wanted=wanted, sources=parts
    )
