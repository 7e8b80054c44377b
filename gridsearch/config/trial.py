"""One trial's configuration: everything that determines its numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from gridsearch.config.batches import KEEP, LastBatch, steps_of_epoch
from gridsearch.config.losses import CROSS_ENTROPY, PREFIX, ClassWeights, LossName

Scalar = bool | int | float | str
#: A hyperparameter's value: a scalar, null, or a list (the widths of the hidden layers, say), of lists too.
Value = Scalar | None | list[Scalar | list[Scalar | list[Scalar | list[Scalar]]]]
#: How many levels of lists a value has at most.
MAX_LEVELS = 4

#: Files of weights to start from, by the model and by what its configurations call them.
PretrainedFiles = Mapping[tuple[str, str], Path]

PositiveInt = Annotated[int, Field(ge=1, strict=True)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
#: A share of the images (0.2) or a number of them (12600).
Share = Fraction | PositiveInt


def _pair(written: Any) -> Any:
    if not (isinstance(written, (list, tuple)) and len(written) == 2 and all(map(_is_coefficient, written))):
        raise ValueError("must be a pair of numbers of at least 0 and below 1, such as [0.9, 0.999]")
    return list(written)


def _is_coefficient(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 <= value < 1.0


Betas = Annotated[
    list[Annotated[float, Field(ge=0.0, lt=1.0)]], BeforeValidator(_pair), Field(min_length=2, max_length=2)
]
#: A function of the user's.
Reference = Annotated[str, Field(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$")]
#: The validation images that a data set brings itself.
OWN: Literal["own"] = "own"


class Split(BaseModel):
    """How images are divided into training, validation and test sets.

    With `merge`, the data set's own training and test images are pooled first and `test` is taken from the pool;
    without it the data set's own test images are the test set, unless it has none or `test` is given. `validation`
    is taken from what remains for training, or "own": the images that the data set brings for it. A fraction is of the
    set it is taken from. With `folds`, what remains is cut into so many parts instead, each of which validates once
    while the others train. `train` takes that many of the training images and leaves the rest unused. With
    `deduplicate` images that stand more than once are all in one part: the first is drawn, and the others follow it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    merge: StrictBool = False
    """Pool the data set's own training and test images before they are divided."""
    test: Share | None = None
    """Share of the test images; without it the data set's own test images are used."""
    validation: Share | Literal["own"] = 0.2
    """Share of the validation images; own: those that the data set brings."""
    train: Share | None = None
    """Share of the remaining images to train on; without it all of them."""
    stratify: StrictBool = False
    """Keep the proportions of the classes in each part."""
    folds: Annotated[int, Field(ge=2, le=100, strict=True)] | None = None
    """Number of folds of a cross-validation, instead of validation."""
    deduplicate: StrictBool = False
    """Keep images with the same pixels in one part."""


@dataclass(frozen=True)
class SplitKey:
    """Which of the divisions that a split allows: the seed it is drawn with, the fold that validates, the data set.

    `dataset` is the fingerprint of the images that are divided.
    """

    data_seed: int
    fold: int = 0
    dataset: str = ""


class Recipe(BaseModel):
    """The hyperparameters of training that every model shares; each may be a value or an axis of a job.

    `last_batch` is explained in `config/batches.py`. Trials that differ in `seed` alone see the same images in the same
    order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    batch_size: PositiveInt
    """Images per step."""
    epochs: PositiveInt
    """Passes over the training images."""
    learning_rate: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    """The optimiser's step size."""
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = "sgd"
    """The optimiser, as in torch.optim."""
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Momentum of sgd and rmsprop."""
    betas: Betas = [0.9, 0.999]
    """Coefficients of the running means of adam and adamw: of gradients, and of their squares."""
    eps: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 1e-8
    """What adam, adamw and rmsprop add to the denominator."""
    alpha: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99
    """Coefficient of the running mean of squares of rmsprop."""
    nesterov: StrictBool = False
    """Nesterov momentum, for sgd with momentum."""
    weight_decay: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    """L2 penalty, as in torch.optim (decoupled for adamw)."""
    l1: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    """L1 penalty: factor of the sum of absolute weights in the loss."""
    loss: LossName = CROSS_ENTROPY
    """What is minimised: cross_entropy, mse, mae, huber, bce, or your own as package.module:Class."""
    class_weights: ClassWeights = "none"
    """Weights of the classes in cross_entropy: a list, or balanced: the rarer a class, the higher."""
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the target that is spread evenly over all classes."""
    clip_norm: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    """Gradients with a larger norm are scaled down to it; 0 for never."""
    accumulate: PositiveInt = 1
    """Batches whose gradients make one step of the optimiser."""
    ema: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Decay of the exponential moving average of the weights, which is what is validated and kept; 0 for none."""
    schedule: Literal["constant", "step", "cosine", "polynomial", "one_cycle", "plateau"] | Reference = "constant"
    """How the learning rate changes over the epochs; or a function of your own, module:function."""
    warmup_epochs: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    """Epochs in which the learning rate rises, step by step, before the schedule begins."""
    warmup_start: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    """Share of the learning rate that the warm-up begins with."""
    step_size: PositiveInt = 10
    """Epochs between the reductions of schedule step."""
    gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Factor of each reduction of schedules step and plateau."""
    power: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0
    """Power of schedule polynomial."""
    plateau_patience: Annotated[int, Field(ge=0, strict=True)] = 10
    """Epochs without a lower validation loss before schedule plateau reduces the rate."""
    min_learning_rate: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    """The lowest rate of schedule plateau."""
    early_stopping: Annotated[int, Field(ge=0, strict=True)] = 0
    """Stop after this many epochs without a lower validation loss; 0 for never."""
    restore_best: StrictBool = False
    """Use numbers and weights of the epoch with the lowest validation loss."""
    normalization: Literal["scale", "channel", "image", "imagenet", "none"] = "scale"
    """Pixels in [0, 1] (scale), standardised by channel, per image, or with ImageNet's means; none: floats as given."""
    flip: StrictBool = False
    """Mirror half of the training images, left to right."""
    crop_padding: Annotated[int, Field(ge=0, strict=True)] = 0
    """Shift training images by up to this many pixels: pad with black, then crop."""
    rotation: Annotated[float, Field(ge=0.0, le=180.0)] = 0.0
    """Rotate training images by up to this many degrees."""
    shift: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Shift training images by up to this fraction of their sides."""
    zoom: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Zoom training images in or out by up to this fraction."""
    augment: Literal[""] | Reference = ""
    """A function of your own, module:function, that returns a transform of training images."""
    last_batch: LastBatch = KEEP
    """Images that fill no batch: make a smaller one (keep), leave them out (drop), or add them to the last (merge)."""
    precision: Literal["float32", "mixed", "float64"] = "float32"
    """float32; mixed: matrix products and convolutions in bfloat16; or float64: everything in it."""
    freeze: str = ""
    """Patterns of parameters that are not trained: '* !layer4.* !fc.*' freezes all but layer4 and fc."""
    pretrained: str = ""
    """Weights to start from: imagenet, or a file of weights."""
    distillation: Literal["none", "soft", "hidden"] = "none"
    """What models learn from the teacher: soft targets, hidden features, or nothing."""
    temperature: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 2.0
    """Temperature of the soft targets of teacher and student."""
    distillation_weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
    """Weight of the loss with the teacher; the loss with the labels has the rest."""
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 0
    """Seeds the weights and dropout."""
    data_seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 0
    """Seeds the split, the order of the batches and the augmentation."""


RECIPE_KEYS = tuple(Recipe.model_fields)
FLOAT_KEYS = frozenset(key for key, field in Recipe.model_fields.items() if field.annotation is float)
#: Settings whose one value is a list of numbers.
PAIR_KEYS = frozenset({"betas"})
#: Settings that may name a function of the user's, whose arguments are settings too.
FUNCTION_KEYS = ("schedule", "augment")
#: Where a trial's configuration has settings that are none of the recipe.
OWN_SETTINGS = ("hyper", *(f"{key}_settings" for key in FUNCTION_KEYS), "data_settings")
#: Settings that may be any text.
TEXT_KEYS = tuple(key for key, field in Recipe.model_fields.items() if field.annotation is str)
RECIPE_DEFAULTS: dict[str, Any] = {
    key: field.default for key, field in Recipe.model_fields.items() if not field.is_required()
}

#: Schedules under which the learning rate of an epoch depends on how many there will be.
SCHEDULES_THAT_NEED_THE_TOTAL = frozenset({"cosine", "polynomial", "one_cycle"})
#: The optimisers that have a setting, where not all of them do.
OPTIMIZERS_WITH: dict[str, tuple[str, ...]] = {
    "momentum": ("sgd", "rmsprop"),
    "nesterov": ("sgd",),
    "betas": ("adam", "adamw"),
    "eps": ("adam", "adamw", "rmsprop"),
    "alpha": ("rmsprop",),
}
#: The schedules that have a setting.
SCHEDULES_WITH: dict[str, tuple[str, ...]] = {
    "step_size": ("step",),
    "gamma": ("step", "plateau"),
    "power": ("polynomial",),
    "plateau_patience": ("plateau",),
    "min_learning_rate": ("plateau",),
}
#: The settings that decide whether others matter, and those others (`without_dead_settings`).
DECIDING = ("optimizer", "momentum", "schedule", "warmup_epochs", "distillation", "loss")
MORTAL = frozenset(
    {
        *OPTIMIZERS_WITH,
        *SCHEDULES_WITH,
        "nesterov",
        "warmup_epochs",
        "warmup_start",
        "class_weights",
        "label_smoothing",
        "temperature",
        "distillation_weight",
    }
)
#: The settings that the repeats of a point count up, by what they are over.
REPEATED_SEEDS = {"weights": ("seed",), "split": ("data_seed",), "both": ("seed", "data_seed")}
#: What changes the images of each epoch at random.
AUGMENTATIONS = ("flip", "crop_padding", "rotation", "shift", "zoom")
_augmentations = attrgetter(*AUGMENTATIONS)


class TrialConfig(Recipe):
    """A recipe together with the data and the model it trains.

    `dataset` is the fingerprint of the images and labels, not a name or a path. `model` is a registry name or
    `package.module:Class`; `model_code` is the fingerprint of the user's own source, empty for the models that ship
    with gridsearch. `hyper` holds the model's keyword arguments, `teacher` the id of the trial that it learns from.
    `fold` is the part that validates, from 0, where the split has folds. `metrics` are measured beside losses and
    accuracies, in alphabetical order, `train_metrics` of the training images; `metric_codes` are the fingerprints of
    the user's own. `loss_code` and `loss_hyper` are to a loss of the user's what `model_code` and `hyper` are to the
    model; in jobs and tables its arguments have `loss_` before their names. `schedule_code` and `augment_code` are the
    fingerprints of the user's functions that these settings name, `schedule_settings` and `augment_settings` all
    arguments that they are called with; `schedule_total` says that the schedule's asks how many epochs there will be.
    `data_settings` are the arguments of the function that made the data set, as far as they are settings of the job and
    have not the values that it has without them: with those a trial is what it is without the axis.
    `version` is that of the recipe
    (`config/versions.py`): a stored trial keeps the one it was trained under, and its model is built accordingly.
    """

    dataset: str
    split: Split = Split()
    fold: int = 0
    model: str
    model_code: str = ""
    hyper: dict[str, Value] = Field(default_factory=dict)
    loss_code: str = ""
    loss_hyper: dict[str, Value] = Field(default_factory=dict)
    teacher: str = ""
    metrics: tuple[str, ...] = ()
    train_metrics: tuple[str, ...] = ()
    metric_codes: dict[str, str] = Field(default_factory=dict)
    schedule_code: str = ""
    schedule_settings: dict[str, Value] = Field(default_factory=dict)
    schedule_total: bool = False
    augment_code: str = ""
    augment_settings: dict[str, Value] = Field(default_factory=dict)
    data_settings: dict[str, Value] = Field(default_factory=dict)
    version: PositiveInt = 1

    def settings(self) -> dict[str, Value]:
        """Return the recipe, the model's hyperparameters and the arguments of the user's functions as one flat mapping.

        Defaults are included.
        """
        return (
            {key: getattr(self, key) for key in RECIPE_KEYS}
            | self.hyper
            | {f"{PREFIX}{key}": value for key, value in self.loss_hyper.items()}
            | self.schedule_settings
            | self.augment_settings
            | self.data_settings
        )

    @property
    def augments(self) -> bool:
        """Whether the training images are changed at random."""
        return any(_augmentations(self))

    def batches_of_epoch(self, images: int) -> int:
        """Return how many batches an epoch over so many training images has."""
        return steps_of_epoch(images, self.batch_size, self.last_batch)

    def steps_of_epoch(self, images: int) -> int:
        """Return how many steps the optimiser makes in an epoch over so many training images."""
        return -(-self.batches_of_epoch(images) // self.accumulate)

    @property
    def split_key(self) -> SplitKey:
        """Return which division of the images this trial sees."""
        return SplitKey(self.data_seed, self.fold, self.dataset)

    @property
    def test_key(self) -> SplitKey:
        """Return which test images this trial has, given its `split`: they are the same in all folds."""
        return SplitKey(self.data_seed, dataset=self.dataset)

    @property
    def shares_prefix(self) -> bool:
        """Whether a longer training of this configuration passes through this trial's numbers."""
        return self.schedule not in SCHEDULES_THAT_NEED_THE_TOTAL and not self.schedule_total


def with_implied_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with those that others bring along: ImageNet's weights come with ImageNet's normalisation."""
    if settings.get("pretrained") == "imagenet" and "normalization" not in settings:
        return settings | {"normalization": "imagenet"}
    return settings


def without_dead_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with those that cannot matter put back to their defaults.

    Momentum does nothing under Adam, a step size nothing under a constant schedule, Nesterov's look-ahead nothing
    without momentum: points that differ only there are the same trial.
    """
    live = dict(settings)
    for by, having in (("optimizer", OPTIMIZERS_WITH), ("schedule", SCHEDULES_WITH)):
        chosen = live.get(by, RECIPE_DEFAULTS[by])
        for key, those in having.items():
            if key in live and chosen not in those:
                del live[key]
    if not live.get("momentum"):
        live.pop("nesterov", None)
    if live.get("schedule") == "one_cycle":
        live.pop("warmup_epochs", None)
    if not live.get("warmup_epochs"):
        live.pop("warmup_start", None)
    if live.get("loss", CROSS_ENTROPY) != CROSS_ENTROPY:
        live.pop("class_weights", None)
        live.pop("label_smoothing", None)
    if live.get("distillation", "none") != "soft":
        live.pop("temperature", None)
    if live.get("distillation", "none") == "none":
        live.pop("distillation_weight", None)
    return live
