"""Stacked models whose losses and gradients are recorded once as a CUDA graph and then replayed.

A small network's step is hundreds of small kernels, and most of its time goes into starting them one by one; a graph
starts them all at once. The optimiser's few kernels stay outside of it. Numbers are those of the same kernels. See
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gridsearch.errors import ModelError
from gridsearch.models.seeding import RandomStates
from gridsearch.training.loop.member import Member
from gridsearch.training.recipe.losses import Parts
from gridsearch.training.strategies.stacked import Stacked

if TYPE_CHECKING:
    from torch.cuda import _POOL_HANDLE

#: The gradients of the parameters, None where one takes no part, and the logits (M, B, K).
Answer = tuple[Sequence[Tensor | None], Tensor]


class Graphed(Stacked):
    """A stack with a CUDA graph for each size of batch; what cannot be recorded raises, and is trained otherwise."""

    costly = True
    instead = "stacked"
    #: One as usual, one recorded, and two replayed, which show what a model decides anew in each step.
    proof_steps = 4

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members)
        self._graphs: dict[tuple[int, ...], _Graph | None] = {}
        self._pool, self._stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    def gradients(self, images: Tensor, parts: Parts) -> Answer:
        """See `Stacked`; the first step with a size of batch is made as usual, as libraries set themselves up in it."""
        size = tuple(images.shape)
        if size not in self._graphs:
            self._graphs[size] = None
            return self._as_usual(images, parts)
        graph = self._graphs[size] or _Graph(super().gradients, images, parts, self._pool, self._stream)
        self._graphs[size] = graph
        return graph.replay(images, parts)

    def _as_usual(self, images: Tensor, parts: Parts) -> Answer:
        """Do it on the stream to be recorded: autograd comes back to the stream on which it first saw a tensor."""
        here = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            answer = super().gradients(images, parts)
        here.wait_stream(self._stream)
        return answer


class _Graph:
    """A recorded call: it reads its arguments where they were at first, and writes its answer where it was."""

    def __init__(
        self,
        call: Callable[[Tensor, Parts], Answer],
        images: Tensor,
        parts: Parts,
        pool: _POOL_HANDLE,
        stream: torch.cuda.Stream,
    ) -> None:
        labels, logits, hidden = (None if part is None else part.clone() for part in parts)
        assert labels is not None
        self.images, self.parts = images.clone(), (labels, logits, hidden)
        self.graph = torch.cuda.CUDAGraph()
        recorded = torch.cuda.graph(self.graph, pool, stream)
        with _nothing_freed(), _generator_kept(images.device), _nothing_drawn(), recorded:
            self.answer = call(self.images, self.parts)

    def replay(self, images: Tensor, parts: Parts) -> Answer:
        """Do what was recorded with other images and targets of the same shapes."""
        self.images.copy_(images)
        for own, part in zip(self.parts, parts, strict=True):
            if own is not None and part is not None:
                own.copy_(part)
        self.graph.replay()
        gradients, logits = self.answer
        return gradients, logits.clone()


@contextmanager
def _nothing_freed() -> Iterator[None]:
    """Collect garbage before and not within: memory of an earlier graph, freed while recording, would spoil it."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _nothing_drawn() -> Iterator[None]:
    """Raise `ModelError` where something is drawn on the processor within: a replay would have the same each time."""
    before = RandomStates.now()
    yield
    if not before.same_as(RandomStates.now()):
        raise ModelError("the model draws random numbers on the processor, which a CUDA graph would not do again")


@contextmanager
def _generator_kept(device: torch.device) -> Iterator[None]:
    """Give the device's generator a new state where recording fails: torch leaves it in one that nobody can draw from.

    A generator that is recorded is told so at the end of recording alone, which a failure never comes to.
    """
    generator = torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    before = generator.get_state()
    try:
        yield
    except BaseException:
        fresh = torch.Generator(device)
        fresh.set_state(before)
        generator.graphsafe_set_state(fresh.graphsafe_get_state())
        raise
