"""Proving a form on the very members it is about to train: what users' models do cannot be known by reading them.

A trace shows one path of a forward, equal attributes say nothing of globals, and a buffer may be replaced instead of
changed. So before a form is used, it makes two steps and an evaluation in float64, on a few images, and every member
does the same alone, built anew just before. Where they differ, the members are trained alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from gridsearch.training.blame import charged
from gridsearch.training.form import Form
from gridsearch.training.member import Member, State
from gridsearch.training.randomness import derive
from gridsearch.training.schedules import learning_rates
from gridsearch.training.single import Single
from gridsearch.training.task import Workplace

#: Steps made, and images in each at most.
STEPS, IMAGES = 2, 16
TOLERANCE = 1e-8


def agrees(form: type[Form], members: Sequence[Member], place: Workplace) -> bool:
    """Whether members get in a form the numbers they get alone; False too when the form cannot take them."""
    exact = _in_float64(place, members[0].config.batch_size)
    try:
        return charged(_agrees)(form, members, place, exact)
    except Exception:  # whatever is wrong with it will be told of by the training alone
        return False


def _agrees(form: type[Form], members: Sequence[Member], place: Workplace, exact: Workplace) -> bool:
    together = _numbers(form([_fresh(member, place) for member in members], exact))
    return all(_same(one, _alone(member, place, exact)) for one, member in zip(together, members, strict=True))


def _alone(member: Member, place: Workplace, exact: Workplace) -> State:
    (numbers,) = _numbers(Single([_fresh(member, place)], exact))
    return numbers


def _fresh(member: Member, place: Workplace) -> Member:
    """Return the member as it begins, its model built anew and in float64."""
    twin = member.begun_anew(place)
    twin.module.double()
    return twin


def _numbers(form: Form) -> list[State]:
    """Return each model's state after the steps, and its logits then."""
    arrays = form.place.train
    torch.manual_seed(derive(form.configs[0].seed, "draws", 1))
    form.start_epoch([learning_rates(config, 1, STEPS, ()) for config in form.configs])
    size = -(-len(arrays) // STEPS)
    every = torch.arange(len(arrays), device=form.place.device)
    images = arrays.normalized(arrays.images)
    # `changed`, as what the teacher says of just these few images is not worth keeping.
    steps = form.train_chunk(images, form.place.targets(every, arrays.images, changed=True), size)
    after = form.logits(arrays.normalized(arrays.images.clone()))
    return [
        {**state, "while training": steps[slot], "evaluated": after[slot]} for slot, state in enumerate(form.states())
    ]


def _same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(
        torch.allclose(one[name], other[name], rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True) for name in other
    )


def _in_float64(place: Workplace, batch_size: int) -> Workplace:
    images = min(STEPS * min(IMAGES, batch_size), len(place.train))
    part, pixels = next(place.train.chunks(torch.arange(images), images))
    return replace(place, train=replace(place.train, images=pixels.double(), labels=place.train.labels[part]))
