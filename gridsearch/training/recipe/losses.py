"""What training minimises: the criterion on the targets, weighted, smoothed, or beside what a teacher says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional

from gridsearch.config.trial import Recipe
from gridsearch.errors import ModelError
from gridsearch.training.recipe.class_weights import stacked_weights
from gridsearch.training.recipe.criterion import PLAIN, Criterion

#: The numbers of a loss, by name: (M,) for M models, () for one. Those of a part that no model has are left out.
#: The weights of classes are (M, K), and (K,) for one.
Terms = dict[str, Tensor]
#: The parts of `Targets`, which `vmap` takes where it takes no class.
Parts = tuple[Tensor, Tensor | None, Tensor | None]


@dataclass(frozen=True)
class Targets:
    """What models should predict for n images.

    Attributes:
        labels: Classes (n,) int64, or numbers (n, D).
        teacher_logits: (n, K), with `distillation: soft`.
        teacher_hidden: (n, D), the teacher's features, with `distillation: hidden`.
    """

    labels: Tensor
    teacher_logits: Tensor | None = None
    teacher_hidden: Tensor | None = None

    @property
    def parts(self) -> Parts:
        """Return all parts in the order of the fields."""
        return (self.labels, self.teacher_logits, self.teacher_hidden)

    def split(self, sizes: Sequence[int]) -> Iterator[Targets]:
        """Yield the targets of each batch."""
        for end, size in zip(accumulate(sizes), sizes, strict=True):
            own = slice(end - size, end)
            logits, hidden = self.teacher_logits, self.teacher_hidden
            yield Targets(
                self.labels[own], None if logits is None else logits[own], None if hidden is None else hidden[own]
            )


def loss_terms(recipes: Sequence[Recipe], device: torch.device, weights: Sequence[Tensor | None] = (None,)) -> Terms:
    """Return the numbers (M,) of the losses of M recipes of one kind; `weights` are those of their classes."""
    of_classes = stacked_weights(weights)
    terms = {"label_smoothing": [recipe.label_smoothing for recipe in recipes]}
    if recipes[0].distillation != "none":
        terms["distillation_weight"] = [recipe.distillation_weight for recipe in recipes]
        terms["temperature"] = [recipe.temperature for recipe in recipes]
    elif not any(terms["label_smoothing"]) and of_classes is None:
        return {}
    found = {name: torch.tensor(values, dtype=torch.float64, device=device) for name, values in terms.items()}
    return found if of_classes is None else found | {"class_weights": of_classes.to(device)}


def training_loss(
    logits: Tensor, hidden: Tensor | None, targets: Targets, terms: Terms, criterion: Criterion = PLAIN
) -> Tensor:
    """Return the mean training loss () of one model.

    Without a teacher it is the criterion: the cross-entropy with the labels, weighted and smoothed. With one it is the
    weighted mean of that and, for logits, T^2 times the Kullback-Leibler divergence from the teacher's softmax at
    temperature T (Hinton et al., 2015, https://arxiv.org/abs/1503.02531); for features, one minus the cosine between
    the teacher's, average-pooled to the same length, and the model's.

    Args:
        logits: (n, K).
        hidden: The model's features (n, D); None unless `distillation: hidden`.
        targets: What to predict.
        terms: The numbers of the model's loss, () each.
        criterion: What compares outputs with targets.
    """
    if not terms:
        return criterion.mean(logits, targets.labels)
    own = {name: term.to(logits.dtype) for name, term in terms.items()}
    if criterion.is_plain:
        hard = _smoothed(logits, targets.labels, own["label_smoothing"], own.get("class_weights"))
    else:
        hard = criterion.mean(logits, targets.labels)
    if targets.teacher_logits is not None:
        temperature = own["temperature"]
        wanted = functional.log_softmax(targets.teacher_logits / temperature, 1)
        given = functional.log_softmax(logits / temperature, 1)
        # `kl_div` with `batchmean`, for which torch has no rule to map it over models.
        divergence = (wanted.exp() * (wanted - given)).sum(1).mean()
        soft = divergence * temperature.square()
    elif targets.teacher_hidden is not None:
        if hidden is None:
            raise ModelError("distillation: hidden: the model's forward does not call its module 'features'")
        wanted = functional.adaptive_avg_pool1d(targets.teacher_hidden[:, None], hidden.shape[1])[:, 0]
        soft = (1 - functional.cosine_similarity(hidden, wanted, dim=1)).mean()
    else:
        return hard
    return own["distillation_weight"] * soft + (1 - own["distillation_weight"]) * hard


def _smoothed(logits: Tensor, labels: Tensor, smoothing: Tensor, weights: Tensor | None) -> Tensor:
    log_shares = functional.log_softmax(logits, 1)
    hard = -log_shares.gather(1, labels[:, None])[:, 0]
    if weights is None:
        smoothed = (1 - smoothing) * hard - smoothing * log_shares.mean(1)
        # Of a model without smoothing nothing but the labels may count, whatever its logits are.
        return torch.where(smoothing > 0, smoothed, hard).mean()
    of_images = weights.index_select(0, labels)
    smoothed = (1 - smoothing) * of_images * hard - smoothing * (log_shares * weights).mean(1)
    return torch.where(smoothing > 0, smoothed, of_images * hard).sum() / of_images.sum()
