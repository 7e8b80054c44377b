"""Learning from a teacher: the losses are the papers', and students in a pack get the numbers of each alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from gridsearch.errors import ModelError
from gridsearch.models.cnn import three_conv_cnn
from gridsearch.models.dense import Shallow
from gridsearch.training.distillation import Teacher, captured_hidden
from gridsearch.training.recipe.losses import Targets, loss_terms, training_loss
from gridsearch.training.recipe.normalization import make_normalizer
from tests.training.conftest import config
from tests.training.test_oracle import assert_same_as_alone, members, place

CPU = torch.device("cpu")
DRAWN = torch.Generator().manual_seed(0)
LOGITS, ANSWERS = torch.randn(6, 4, generator=DRAWN), torch.randn(6, 4, generator=DRAWN)
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])


def loss(hidden: torch.Tensor | None = None, targets: Targets | None = None, **recipe: Any) -> torch.Tensor:
    terms = {name: term[0] for name, term in loss_terms([config(**recipe)], CPU).items()}
    return training_loss(LOGITS, hidden, targets or Targets(LABELS), terms)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothing_is_torchs(smoothing: float) -> None:
    expected = functional.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing)
    torch.testing.assert_close(loss(label_smoothing=smoothing), expected)


def test_soft_targets_are_weighed_against_the_labels() -> None:
    targets = Targets(LABELS, teacher_logits=ANSWERS)
    found = loss(targets=targets, distillation="soft", temperature=3.0, distillation_weight=0.25)
    divergence = functional.kl_div(
        (LOGITS / 3).log_softmax(1), (ANSWERS / 3).log_softmax(1), log_target=True, reduction="batchmean"
    )
    torch.testing.assert_close(found, 0.25 * 9 * divergence + 0.75 * functional.cross_entropy(LOGITS, LABELS))


def test_hidden_representations_are_compared_by_their_angle() -> None:
    mine, teachers = torch.randn(6, 8, generator=DRAWN), torch.randn(6, 16, generator=DRAWN)
    found = loss(mine, Targets(LABELS, teacher_hidden=teachers), distillation="hidden", distillation_weight=0.25)
    pooled = teachers.view(6, 8, 2).mean(2)
    angle = functional.cosine_embedding_loss(mine, pooled, torch.ones(6))
    torch.testing.assert_close(found, 0.25 * angle + 0.75 * functional.cross_entropy(LOGITS, LABELS))


def test_a_weight_of_nothing_is_training_without_a_teacher() -> None:
    found = loss(targets=Targets(LABELS, teacher_logits=ANSWERS), distillation="soft", distillation_weight=0.0)
    torch.testing.assert_close(found, functional.cross_entropy(LOGITS, LABELS))


@pytest.mark.parametrize("kind", ["soft", "hidden"])
def test_the_teacher_says_the_same_of_all_images_at_once_and_of_a_few(kind: str, tmp_path: Path) -> None:
    where = place(tmp_path, torch.float32)
    teacher = made_teacher(kind, where.train.images)
    part = torch.tensor([5, 0, 17])
    known = teacher.known_targets(where.train, part)
    again = teacher.targets(where.train.labels[part], where.train.images[part])
    for one, other in zip(known.parts, again.parts, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            torch.testing.assert_close(one, other)
    assert (known.teacher_logits is None) == (kind == "hidden")
    assert not any(module._forward_hooks for module in teacher.model.modules())


@pytest.mark.parametrize("kind", ["soft", "hidden"])
@pytest.mark.parametrize("flip", [False, True])
def test_a_pack_of_students_learns_what_each_learns_alone(kind: str, flip: bool, tmp_path: Path) -> None:
    where = place(tmp_path, torch.float64)
    taught = replace(where, teacher=made_teacher(kind, where.train.images))
    student = {"model": "one_conv_cnn", "hyper": {"neurons": 8}, "distillation": kind, "flip": flip}
    changes = [
        {**student, "learning_rate": 0.1, "distillation_weight": 0.25, "temperature": 2.0},
        {**student, "learning_rate": 0.03, "distillation_weight": 0.75, "temperature": 4.0, "seed": 1},
        {**student, "learning_rate": 0.03, "distillation_weight": 0.5, "label_smoothing": 0.1, "seed": 2},
    ]
    assert_same_as_alone(members(taught, changes), taught, "stacked", epochs=2, tolerance=1e-10)


def test_a_model_without_features_is_refused_in_one_line() -> None:
    model = Shallow(in_features=64, num_classes=10, neurons=5)
    with (
        pytest.raises(ModelError, match="needs a module 'features' .* Shallow has none"),
        captured_hidden(model, wanted=True),
    ):
        pass


def made_teacher(kind: str, images: torch.Tensor) -> Teacher:
    torch.manual_seed(7)
    model = three_conv_cnn(image_shape=(1, 8, 8), num_classes=10)
    return Teacher(model, make_normalizer("channel", images), kind)
