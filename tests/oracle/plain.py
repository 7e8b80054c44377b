"""Training as anyone would write it who has PyTorch and nothing else: what `launch` stores is held against this.

Of gridsearch there are only the seeds: what an epoch's images, weights and draws are a function of. The rest is
`torch.optim`, `torch.optim.lr_scheduler`, `torch.nn` and torchvision, and the words of docs/jobs.md.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.transforms import Normalize

from gridsearch.training.recipe.randomness import derive, epoch_order
from tests.oracle.plain_dropout import documented_dropout
from tests.oracle.plain_images import augmented

Recipe = Mapping[str, Any]
#: As docs/jobs.md has them.
DEFAULTS: dict[str, Any] = {
    "optimizer": "sgd",
    "momentum": 0.0,
    "nesterov": False,
    "betas": (0.9, 0.999),
    "eps": 1e-8,
    "alpha": 0.99,
    "weight_decay": 0.0,
    "l1": 0.0,
    "loss": "cross_entropy",
    "loss_hyper": {},
    "class_weights": "none",
    "label_smoothing": 0.0,
    "clip_norm": 0.0,
    "accumulate": 1,
    "ema": 0.0,
    "schedule": "constant",
    "warmup_epochs": 0.0,
    "warmup_start": 0.01,
    "power": 1.0,
    "step_size": 10,
    "gamma": 0.1,
    "plateau_patience": 10,
    "min_learning_rate": 0.0,
    "early_stopping": 0,
    "restore_best": False,
    "normalization": "scale",
    "flip": False,
    "crop_padding": 0,
    "rotation": 0.0,
    "shift": 0.0,
    "zoom": 0.0,
    "augment": "",
    "augment_settings": {},
    "schedule_settings": {},
    "last_batch": "keep",
    "precision": "float32",
    "freeze": "",
    "distillation": "none",
    "temperature": 2.0,
    "distillation_weight": 0.25,
    "seed": 0,
    "data_seed": 0,
}
#: As torchvision's documentation of its weights has them; grey images take the mean of the three.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: Images that are looked at at a time where nothing is trained.
EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Images:
    """Images (N, C, H, W) in [0, 1] and labels (N,), to train and to validate, on the device that trains.

    Or other examples (N, ...): floats of any values, or whole numbers int64.
    """

    train: Tensor
    train_labels: Tensor
    validation: Tensor
    validation_labels: Tensor


@dataclass(frozen=True)
class Epoch:
    """The numbers of an epoch; 0 is before the first step. Without classes there is no accuracy."""

    train_loss: float
    train_accuracy: float | None
    val_loss: float
    val_accuracy: float | None
    learning_rate: float


@dataclass
class Trained:
    """What a training left: its epochs, the one whose numbers are the trial's, and its model after each epoch."""

    epochs: list[Epoch] = field(default_factory=list)
    models: list[nn.Module] = field(default_factory=list)
    normalize: Callable[[Tensor], Tensor] = lambda pixels: pixels
    stopped: bool = False
    reading: int = 0


def train(
    build: Callable[[], nn.Module],
    recipe: Recipe,
    images: Images,
    *,
    start: Mapping[str, Tensor] | None = None,
    teacher: Callable[[Tensor], Tensor] | None = None,
) -> Trained:
    """Train a model; `teacher` gives for pixels (n, C, H, W) in [0, 1] its logits (n, K) or its features (n, D)."""
    recipe = {**DEFAULTS, **recipe}
    _seed(derive(recipe["seed"], "weights"))
    model = documented_dropout(build())
    _materialise(model, images)
    _begin(model, recipe, start or {})
    model.to(images.train.device)
    dtype = torch.float32
    if recipe["precision"] == "float64":
        dtype = torch.float64
        model.double()
    loop = _Loop(model, recipe, images, _normalizer(recipe, images.train), dtype, teacher)
    done = Trained(normalize=loop.normalize)
    lowest, since = float("inf"), 0
    for epoch in range(recipe["epochs"] + 1):
        _seed(derive(recipe["seed"], "draws", epoch))
        of_train = loop.train(epoch) if epoch else loop.evaluate(images.train, images.train_labels)
        of_validation = loop.evaluate(images.validation, images.validation_labels)
        rate = loop.last_rate
        if epoch:
            loop.schedule.after_epoch(of_validation[0])
        done.epochs.append(Epoch(*of_train, *of_validation, rate))
        done.models.append(_copied(loop.evaluated))
        if not epoch or of_validation[0] < lowest:
            lowest, since = of_validation[0] if epoch else lowest, epoch
        elif recipe["early_stopping"] and epoch - since >= recipe["early_stopping"]:
            done.stopped = epoch < recipe["epochs"]
            break
    done.reading = since if recipe["restore_best"] else len(done.epochs) - 1
    return done


def _seed(seed: int) -> None:
    """Seed whatever a model may draw from."""
    torch.manual_seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    random.seed(seed)


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except Exception:  # some odd models cannot be copied, and none of these teaches
        return model


@torch.no_grad()
def _materialise(model: nn.Module, images: Images) -> None:
    """Show a lazy module what it is to be shaped by."""
    if any(isinstance(tensor, nn.UninitializedParameter) for tensor in model.parameters()):
        model.eval()
        model(torch.zeros(2, *images.train.shape[1:]))


def _begin(model: nn.Module, recipe: Recipe, start: Mapping[str, Tensor]) -> None:
    """Take the weights to start from, and freeze what the patterns say."""
    own = model.state_dict()
    fitting = {name: tensor for name, tensor in start.items() if name in own and own[name].shape == tensor.shape}
    model.load_state_dict(own | fitting)
    for pattern in recipe["freeze"].split():
        for name, parameter in model.named_parameters():
            if fnmatchcase(name, pattern.removeprefix("!")):
                parameter.requires_grad_(pattern.startswith("!"))


def _normalizer(recipe: Recipe, images: Tensor) -> Callable[[Tensor], Tensor]:
    if recipe["normalization"] == "channel":
        exact = images.double()
        if images.dim() != 4:
            return _by_channel(exact)
        std = exact.std((0, 2, 3), correction=0)
        return Normalize(exact.mean((0, 2, 3)).tolist(), torch.where(std > 0, std, 1.0).tolist())
    if recipe["normalization"] == "imagenet":
        return Normalize([sum(IMAGENET_MEAN) / 3], [sum(IMAGENET_STD) / 3])
    if recipe["normalization"] == "image":
        return _each_by_itself
    return lambda pixels: pixels


def _by_channel(exact: Tensor) -> Callable[[Tensor], Tensor]:
    others = [place for place in range(exact.dim()) if place != 1]
    mean, std = exact.mean(others, keepdim=True), exact.std(others, correction=0, keepdim=True)
    return lambda examples: (examples - mean.to(examples.dtype)) / std.to(examples.dtype)


def _each_by_itself(pixels: Tensor) -> Tensor:
    others = list(range(1, pixels.dim()))
    mean = pixels.mean(others, keepdim=True)
    std = pixels.std(others, correction=0, keepdim=True)
    return (pixels - mean) / std.clamp_min(pixels[0].numel() ** -0.5)


class _Loop:
    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        images: Images,
        normalize: Callable[[Tensor], Tensor],
        dtype: torch.dtype,
        teacher: Callable[[Tensor], Tensor] | None,
    ) -> None:
        self.model, self.recipe, self.images, self.normalize, self.dtype = model, recipe, images, normalize, dtype
        self.teacher = teacher
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = _optimizer(self.trained, recipe)
        self.steps = -(-len(self.batches(torch.arange(len(images.train)))) // recipe["accumulate"])
        self.schedule = _Schedule(self.optimizer, recipe, self.steps)
        self.average = None
        if recipe["ema"]:
            self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe["ema"]))
        self.last_rate = self.optimizer.param_groups[0]["lr"]
        self.criterion = plain_criterion(recipe, images.train_labels, label_smoothing=recipe["label_smoothing"])
        self.unsmoothed = plain_criterion(recipe, images.train_labels)
        for one in (self.criterion, self.unsmoothed):
            if isinstance(one, nn.Module):
                one.to(images.train.device, dtype)
        self.features: list[Tensor] = []
        if recipe["distillation"] == "hidden":
            module = dict(model.named_children())["features"]
            module.register_forward_hook(lambda module, given, output: self.features.append(output.flatten(1)))

    def exactly(self, examples: Tensor) -> Tensor:
        """Return floats in the type that is computed in."""
        return examples.to(self.dtype) if examples.is_floating_point() else examples

    def batches(self, tensor: Tensor) -> list[Tensor]:
        """Return the batches of an epoch's images, the last as `last_batch` has it."""
        size = self.recipe["batch_size"]
        parts = list(tensor.split(size))
        if len(parts) > 1 and len(parts[-1]) < size and self.recipe["last_batch"] != "keep":
            rest = parts.pop()
            if self.recipe["last_batch"] == "merge":
                parts[-1] = torch.cat([parts[-1], rest])
        return parts

    def summed(self, logits: Tensor, wanted: Tensor) -> tuple[float, float]:
        """Return the loss of a batch times what it counts, and what it counts: its examples, or their weights."""
        weights = getattr(self.unsmoothed, "weight", None)
        count = float(len(wanted) if weights is None else weights[wanted].sum())
        return float(self.unsmoothed(logits, wanted)) * count, count

    def train(self, epoch: int) -> tuple[float, float | None]:
        """Make an epoch's steps; return the mean loss and the accuracy over its own batches."""
        self.model.train()
        order = epoch_order(len(self.images.train), data_seed=self.recipe["data_seed"], epoch=epoch)
        changed = self.exactly(augmented(self.images.train[order], self.recipe, epoch))
        if self.recipe["augment"]:
            changed = _by_own_transform(changed, self.recipe, epoch)
        labels = self.images.train_labels[order]
        loss, mass, right, count = 0.0, 0.0, 0, 0
        batches = list(zip(self.batches(changed), self.batches(labels), strict=True))
        for place, (pixels, wanted) in enumerate(batches):
            count += len(wanted)
            first = place // self.recipe["accumulate"] * self.recipe["accumulate"]
            group = batches[first : first + self.recipe["accumulate"]]
            share = len(wanted) / sum(len(own) for _, own in group)
            logits = self.step(pixels, wanted, share, first=place == first, last=place == first + len(group) - 1)
            of_batch, weight = self.summed(logits, wanted)
            loss, mass = loss + of_batch, mass + weight
            right += hits(logits, wanted)
        return loss / mass, None if labels.is_floating_point() else right / count

    def step(self, pixels: Tensor, labels: Tensor, share: float, *, first: bool, last: bool) -> Tensor:
        """Make a step on a batch, which has a share of the images of its step; return the logits before it."""
        self.last_rate = self.optimizer.param_groups[0]["lr"]
        if first:
            self.optimizer.zero_grad()
        self.features.clear()
        logits = self.forward(self.normalize(pixels))
        loss = self.loss(logits, labels, pixels) * share
        if not last:
            loss.backward()
            return logits.detach()
        penalty = self.recipe["l1"] * sum(parameter.abs().sum() for parameter in self.trained)
        if limit := self.recipe["clip_norm"]:
            loss.backward()
            nn.utils.clip_grad_norm_(self.trained, limit)
            if self.recipe["l1"]:
                penalty.backward()
        else:
            (loss + penalty if self.recipe["l1"] else loss).backward()
        self.optimizer.step()
        if self.average:
            self.average.update_parameters(self.model)
        self.schedule.after_step()
        return logits.detach()

    def loss(self, logits: Tensor, labels: Tensor, pixels: Tensor) -> Tensor:
        """Return what is minimised."""
        hard: Tensor = self.criterion(logits, labels)
        if self.teacher is None:
            return hard
        with torch.no_grad():
            said = self.teacher(pixels.float()).to(logits.dtype)
        if self.recipe["distillation"] == "soft":
            warmth = self.recipe["temperature"]
            divergence = nn.KLDivLoss(reduction="batchmean")
            soft = warmth**2 * divergence((logits / warmth).log_softmax(1), (said / warmth).softmax(1))
        else:
            own = self.features[-1]
            wanted = functional.adaptive_avg_pool1d(said[:, None], own.shape[1])[:, 0]
            soft = (1 - nn.CosineSimilarity()(own, wanted)).mean()
        weight = self.recipe["distillation_weight"]
        return weight * soft + (1 - weight) * hard

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, K) of normalised images."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe["precision"] == "mixed"):
            logits: Tensor = (self.model if self.model.training else self.evaluated)(images)
        return logits.to(self.dtype)

    @property
    def evaluated(self) -> nn.Module:
        """The model whose numbers and weights are the trial's: the average, where there is one."""
        if self.average is None:
            return self.model
        average: nn.Module = self.average.module
        return average.eval()

    @torch.no_grad()
    def evaluate(self, images: Tensor, labels: Tensor) -> tuple[float, float | None]:
        """Return the mean loss and the accuracy over all images."""
        self.model.eval()
        loss, mass, right = 0.0, 0.0, 0
        for pixels, wanted in zip(images.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True):
            logits = self.forward(self.normalize(self.exactly(pixels)))
            of_batch, weight = self.summed(logits, wanted)
            loss, mass = loss + of_batch, mass + weight
            right += hits(logits, wanted)
        return loss / mass, None if labels.is_floating_point() else right / len(labels)


def hits(logits: Tensor, wanted: Tensor) -> int:
    """Return how many classes are right; 0 of numbers."""
    return 0 if wanted.is_floating_point() else int((logits.argmax(1) == wanted).sum())


def plain_criterion(recipe: Recipe, labels: Tensor, **smoothing: float) -> Any:
    """Return the loss as torch has it, or the user's."""
    of_numbers = {"mse": nn.MSELoss, "mae": nn.L1Loss, "huber": nn.HuberLoss, "bce": nn.BCEWithLogitsLoss}
    if recipe["loss"] in of_numbers:
        return of_numbers[recipe["loss"]]()
    if recipe["loss"] != "cross_entropy":
        module, _, name = recipe["loss"].partition(":")
        made = getattr(importlib.import_module(module), name)
        return made(**recipe["loss_hyper"]) if inspect.isclass(made) else partial(made, **recipe["loss_hyper"])
    weights = recipe["class_weights"]
    if isinstance(weights, str):
        classes = labels.cpu().numpy()
        balanced = compute_class_weight("balanced", classes=np.unique(classes), y=classes)
        weights = None if weights == "none" else torch.tensor(balanced)
    return nn.CrossEntropyLoss(None if weights is None else torch.as_tensor(weights).float(), **smoothing)


def _optimizer(trained: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    rate, decay, momentum = recipe["learning_rate"], recipe["weight_decay"], recipe["momentum"]
    betas, eps = tuple(recipe["betas"]), recipe["eps"]
    if recipe["optimizer"] == "adam":
        return torch.optim.Adam(trained, rate, betas, eps, weight_decay=decay)
    if recipe["optimizer"] == "adamw":
        return torch.optim.AdamW(trained, rate, betas, eps, weight_decay=decay)
    if recipe["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(trained, rate, recipe["alpha"], eps, decay, momentum)
    return torch.optim.SGD(trained, rate, momentum=momentum, weight_decay=decay, nesterov=recipe["nesterov"])


class _Schedule:
    """The schedulers of a training: a warm-up by steps where there is one, then what is asked for by its namesake."""

    def __init__(self, optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> None:
        self.optimizer, self.recipe, self.steps, self.made = optimizer, recipe, steps, 0
        self.warm = round(recipe["warmup_epochs"] * steps) if recipe["schedule"] != "one_cycle" else 0
        if self.warm:
            self.now: Any = lr_scheduler.LinearLR(optimizer, recipe["warmup_start"], total_iters=self.warm)
        else:
            self.now = _scheduler(optimizer, recipe, recipe["epochs"], steps)

    def after_step(self) -> None:
        """Have a schedule by steps take its own, one by epochs where it has had as many as an epoch has."""
        self.made += 1
        if self.made <= self.warm:
            self.now.step()
            if self.made == self.warm:
                left = self.recipe["epochs"] - self.warm / self.steps
                self.now = _scheduler(self.optimizer, self.recipe, left, self.steps)
        elif isinstance(self.now, lr_scheduler.OneCycleLR):
            if self.made < self.now.total_steps:
                self.now.step()
        elif self.now and not isinstance(self.now, _BY_LOSS):
            by_step = isinstance(self.now, lr_scheduler.LambdaLR)
            if by_step or (self.made - self.warm) % self.steps == 0:
                self.now.step()

    def after_epoch(self, val_loss: float) -> None:
        """Have a schedule by losses take its step, if the epoch began after the warm-up."""
        if isinstance(self.now, _BY_LOSS) and self.made - self.steps >= self.warm:
            self.now.step(val_loss)


_BY_LOSS = lr_scheduler.ReduceLROnPlateau


def _scheduler(optimizer: torch.optim.Optimizer, recipe: Recipe, epochs: float, steps: int) -> Any:
    if recipe["schedule"] == "step":
        return lr_scheduler.StepLR(optimizer, recipe["step_size"], recipe["gamma"])
    if recipe["schedule"] == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    if recipe["schedule"] == "polynomial":
        return lr_scheduler.PolynomialLR(optimizer, epochs, recipe["power"])
    if recipe["schedule"] == "one_cycle":
        total = int(epochs * steps)
        return lr_scheduler.OneCycleLR(optimizer, recipe["learning_rate"], total_steps=total, cycle_momentum=False)
    if recipe["schedule"] == "plateau":
        return _BY_LOSS(
            optimizer,
            factor=recipe["gamma"],
            patience=recipe["plateau_patience"],
            min_lr=recipe["min_learning_rate"],
        )
    if ":" in recipe["schedule"]:
        function, settings = _own(recipe["schedule"]), recipe["schedule_settings"]
        taken = inspect.signature(function).parameters

        def factor(step: int) -> float:
            known = {"epoch": step // steps, "step": step, "steps_per_epoch": steps, "epochs": epochs}
            return float(function(**{key: value for key, value in known.items() if key in taken}, **settings))

        return lr_scheduler.LambdaLR(optimizer, factor)
    return None


def _own(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _by_own_transform(images: Tensor, recipe: Recipe, epoch: int) -> Tensor:
    """Return an epoch's images (N, ...), in its order, each given to the transform, with draws of their own."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    _seed(derive(recipe["data_seed"], "augment", epoch))
    make = _own(recipe["augment"])
    shape = {"image_shape": tuple(images.shape[1:])} if "image_shape" in inspect.signature(make).parameters else {}
    transform = make(**shape, **recipe["augment_settings"])
    changed = torch.stack([transform(image) for image in images.cpu()]).to(images.device)
    torch.set_rng_state(before[0])
    np.random.set_state(before[1])
    random.setstate(before[2])
    return changed
