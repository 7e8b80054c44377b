"""Models that do what users' models do and ours do not, each by its name; `odd.py` gives them to jobs.

All take images of 8 x 8 with one channel. No bias stands before a normalisation: its gradient would be rounding noise.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

SIDE, PIXELS, CLASSES, WIDTH = 8, 64, 10, 12
KINDS: dict[str, type[nn.Module]] = {}


def kind(cls: type[nn.Module]) -> type[nn.Module]:
    """Have a model stand under its name in small letters, words apart."""
    KINDS["".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")] = cls
    return cls


class Two(nn.Module):
    """Two layers and what lies between them: the frame of most models here."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(PIXELS, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.between(self.first(x.flatten(1)).relu()))
        return out

    def between(self, h: Tensor) -> Tensor:
        return h


class Convolved(nn.Module):
    """A convolution, what lies after it, and a linear layer."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.last = nn.Linear(channels * PIXELS // 4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.max_pool2d(self.between(self.conv(x)).relu(), 2)
        out: Tensor = self.last(h.flatten(1))
        return out

    def between(self, h: Tensor) -> Tensor:
        return h


# Buffers and what is kept between calls


@kind
class RunningBuffer(Two):
    """A mean that training moves in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(WIDTH))

    def between(self, h: Tensor) -> Tensor:
        if self.training:
            self.centre.mul_(0.8).add_(0.2 * h.detach().mean(0))
        return h - self.centre


@kind
class ReplacedBuffer(Two):
    """A mean that training puts another tensor in the place of."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(WIDTH))

    def between(self, h: Tensor) -> Tensor:
        if self.training:
            self.centre = 0.8 * self.centre + 0.2 * h.detach().mean(0)
        return h - self.centre


@kind
class UnsavedBuffer(Two):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(WIDTH), persistent=False)

    def between(self, h: Tensor) -> Tensor:
        if self.training:
            self.centre.mul_(0.8).add_(0.2 * h.detach().mean(0))
        return h - self.centre


@kind
class CountsItsSteps(Two):
    """A number on the module that grows with every step and warms up what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def between(self, h: Tensor) -> Tensor:
        self.steps += self.training
        return h * min(1.0, 0.2 + self.steps / 10)


@kind
class AveragedWeights(Two):
    """A slowly moving copy of the weights, which evaluation uses."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slow", self.last.weight.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x.flatten(1)).relu()
        if self.training:
            self.slow.lerp_(self.last.weight.detach(), 0.1)
            return self.last(h)
        return functional.linear(h, self.slow, self.last.bias)


@kind
class ExtraStateTensor(Two):
    """A tensor in the state dict that is neither parameter nor buffer, and changes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.zeros(())

    def between(self, h: Tensor) -> Tensor:
        if self.training:
            self.seen = self.seen + len(h)
        return h / (1 + self.seen / 1000)

    def get_extra_state(self) -> Tensor:
        return self.seen

    def set_extra_state(self, state: Tensor) -> None:
        self.seen = state


# Weights used in other ways than one layer, one weight


@kind
class TiedWeights(nn.Module):
    """An encoder and a decoder of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(PIXELS, WIDTH), nn.Linear(PIXELS, WIDTH, bias=False)
        self.decode.weight = self.encode.weight
        self.last = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        out: Tensor = self.last(self.encode(x).relu() + self.decode(x).tanh())
        return out


@kind
class UsedTwice(Two):
    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Linear(WIDTH, WIDTH)

    def between(self, h: Tensor) -> Tensor:
        return self.again(self.again(h).relu()).relu()


@kind
class SameModuleTwoNames(Two):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(WIDTH, WIDTH)
        self.other = self.one

    def between(self, h: Tensor) -> Tensor:
        return self.other(self.one(h).relu()).relu()


@kind
class Bare(nn.Module):
    """Parameters without layers; one of no numbers at all and one of a single number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(CLASSES, PIXELS) * 0.1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.nothing = nn.Parameter(torch.zeros(0, 3))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x.flatten(1), self.weight) * self.scale + self.nothing.sum()


@kind
class ListsOfParameters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList([torch.randn(PIXELS, WIDTH) * 0.1, torch.randn(WIDTH, CLASSES) * 0.1])
        self.biases = nn.ParameterDict({"hidden": torch.zeros(WIDTH), "out": torch.zeros(CLASSES)})

    def forward(self, x: Tensor) -> Tensor:
        h = (x.flatten(1) @ self.weights[0] + self.biases["hidden"]).relu()
        return h @ self.weights[1] + self.biases["out"]


@kind
class NestedContainers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        block = nn.ModuleDict({"a": nn.Linear(WIDTH, WIDTH), "act": nn.Sequential(nn.Tanh(), nn.Identity())})
        self.parts = nn.ModuleList([nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, WIDTH)), nn.ModuleList([block])])
        self.out = nn.ModuleDict({"last": nn.Sequential(nn.Sequential(nn.Linear(WIDTH, CLASSES)))})

    def forward(self, x: Tensor) -> Tensor:
        h = self.parts[0](x)
        for block in self.parts[1]:
            h = h + block["act"](block["a"](h))
        out: Tensor = self.out["last"](h)
        return out


@kind
class WeightNorm(Two):
    def __init__(self) -> None:
        super().__init__()
        parametrizations.weight_norm(self.first)


@kind
class SpectralNorm(Two):
    """Its power iteration moves buffers while training."""

    def __init__(self) -> None:
        super().__init__()
        parametrizations.spectral_norm(self.first)


@kind
class Orthogonal(Two):
    def __init__(self) -> None:
        super().__init__()
        self.turn = parametrizations.orthogonal(nn.Linear(WIDTH, WIDTH, bias=False))

    def between(self, h: Tensor) -> Tensor:
        return self.turn(h)


@kind
class StandardisedWeights(Convolved):
    """The weight of a convolution is normalised in the forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        w = self.conv.weight
        w = (w - w.mean((1, 2, 3), keepdim=True)) / (w.std((1, 2, 3), keepdim=True) + 1e-3)
        h = functional.conv2d(x, w, padding=1).relu()
        out: Tensor = self.last(functional.max_pool2d(h, 2).flatten(1))
        return out


# Hooks


@kind
class ForwardHook(Two):
    def __init__(self) -> None:
        super().__init__()
        self.first.register_forward_hook(lambda module, given, out: out * 0.5)


@kind
class ForwardPreHook(Two):
    def __init__(self) -> None:
        super().__init__()
        self.first.register_forward_pre_hook(lambda module, given: (given[0] - 0.3,))


@kind
class BackwardHook(Two):
    def __init__(self) -> None:
        super().__init__()
        self.last.register_full_backward_hook(lambda module, into, out: tuple(g * 0.5 for g in into))


@kind
class BackwardPreHook(Two):
    def __init__(self) -> None:
        super().__init__()
        self.last.register_full_backward_pre_hook(lambda module, out: tuple(g * 0.5 for g in out))


@kind
class TensorHook(Two):
    """A hook on a weight that keeps half of its gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.first.weight.register_hook(lambda g: g * (torch.arange(len(g), device=g.device) % 2)[:, None])


@kind
class ActivationHook(Two):
    def between(self, h: Tensor) -> Tensor:
        if h.requires_grad:
            h.register_hook(lambda g: g.clamp(-0.003, 0.003))
        return h


@kind
class AfterAccumulation(Two):
    """A hook that runs when a gradient is complete, and changes it."""

    def __init__(self) -> None:
        super().__init__()
        for parameter in self.parameters():
            parameter.register_post_accumulate_grad_hook(_halve)


def _halve(parameter: Tensor) -> None:
    if parameter.grad is not None:
        parameter.grad.mul_(0.5)


@kind
class HookOnGradNode(Two):
    """A hook on the node of the graph, not on a tensor or a module."""

    def between(self, h: Tensor) -> Tensor:
        if h.grad_fn is not None:
            h.grad_fn.register_hook(lambda into, out: tuple(None if g is None else g * 0.5 for g in into))
        return h


# Parameters that get no gradient


@kind
class FrozenPart(Two):
    def __init__(self) -> None:
        super().__init__()
        self.first.requires_grad_(False)


@kind
class NoGradBackbone(Two):
    """Trainable weights that are used without a gradient: weight decay must leave them alone."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            h = self.first(x.flatten(1)).relu()
        out: Tensor = self.last(h)
        return out


@kind
class DetachedBackbone(Two):
    def between(self, h: Tensor) -> Tensor:
        return h.detach()


@kind
class UnusedParameter(Two):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(3, 3)

    def between(self, h: Tensor) -> Tensor:
        return h + self.unused.weight.detach().sum()


@kind
class EvaluationHead(Two):
    """A layer that only evaluation uses, beside one that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x.flatten(1)).relu()
        out: Tensor = self.last(h) if self.training else self.last(h) + self.head(h)
        return out


@kind
class LayerDrop(Two):
    """Some steps leave a layer out, and it then gets no gradient at all."""

    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def between(self, h: Tensor) -> Tensor:
        for layer in self.middle:
            if not self.training or torch.rand(()) < 0.5:
                h = h + layer(h).relu()
        return h


@kind
class GradientOnlySometimes(Two):
    """A layer that the first steps do not use: it begins later, as its optimiser state does."""

    def __init__(self) -> None:
        super().__init__()
        self.late = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def between(self, h: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
        return h + self.late(h).relu() if self.steps > 3 else h


# What looks at its batch


@kind
class BatchStatistics(Convolved):
    """Batch normalisation without running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4, track_running_stats=False)

    def between(self, h: Tensor) -> Tensor:
        return self.norm(h)


@kind
class Centred(Two):
    def between(self, h: Tensor) -> Tensor:
        return h - h.mean(0)


@kind
class ByBatchSize(Two):
    def between(self, h: Tensor) -> Tensor:
        return h * (h.shape[0] ** 0.5 / 10)


@kind
class OtherWayWhenSmall(Two):
    """Does something else with a batch of few images."""

    def between(self, h: Tensor) -> Tensor:
        return h if h.shape[0] > 30 else h.tanh()


@kind
class Branches(Two):
    """Does what the values of its batch say."""

    def between(self, h: Tensor) -> Tensor:
        return h if h.mean() > 0.12 else 0.5 * h


@kind
class AttendsToItsBatch(Two):
    """Images that look at each other."""

    def between(self, h: Tensor) -> Tensor:
        return h + (h @ h.t() / 4).softmax(1) @ h


# Draws


@kind
class Noise(Two):
    def between(self, h: Tensor) -> Tensor:
        return h + 0.3 * torch.randn_like(h) if self.training else h


@kind
class NoiseAlways(Two):
    """Draws while evaluating too."""

    def between(self, h: Tensor) -> Tensor:
        return h + 0.1 * torch.randn_like(h)


@kind
class NumpyDraws(Two):
    """Draws with numpy, its weights and its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.from_numpy(np.random.randn(WIDTH, WIDTH).astype(np.float32)) * 0.3)

    def between(self, h: Tensor) -> Tensor:
        noise = torch.from_numpy(np.random.randn(*h.shape).astype(np.float32)).to(h) if self.training else 0.0
        return h @ self.mix + 0.1 * noise


@kind
class PythonDraws(Two):
    """Draws with Python's own generator."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps = random.sample(range(WIDTH), WIDTH // 2)

    def between(self, h: Tensor) -> Tensor:
        h = h * (1 + 0.3 * random.random()) if self.training else h
        return h.index_fill(1, torch.tensor(self.keeps, device=h.device), 0.5)


@kind
class FunctionalDropout(Two):
    def between(self, h: Tensor) -> Tensor:
        return functional.dropout(h, 0.3, self.training)


@kind
class Dropped(Two):
    def __init__(self) -> None:
        super().__init__()
        self.drop, self.never = nn.Dropout(0.3), nn.Dropout(0.0)

    def between(self, h: Tensor) -> Tensor:
        return self.never(self.drop(h))


@kind
class MonteCarloDropout(Two):
    """Finds its dropout modules by their class, and has them drop while evaluating."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def train(self, mode: bool = True) -> MonteCarloDropout:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.train()
        return self

    def between(self, h: Tensor) -> Tensor:
        return self.drop(h)


@kind
class DropoutInPlace(Two):
    """Its result is not assigned: what is dropped is the tensor itself."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3, inplace=True)

    def between(self, h: Tensor) -> Tensor:
        h = h + 0.1
        self.drop(h)
        return h


@kind
class DropoutOfRows(Two):
    """`Dropout1d` takes two dimensions for one image, and so drops whole rows."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout1d(0.3)

    def between(self, h: Tensor) -> Tensor:
        return self.drop(h)


@kind
class DropoutOfImages(Convolved):
    """`Dropout3d` takes four dimensions for one image."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout3d(0.3)

    def between(self, h: Tensor) -> Tensor:
        return self.drop(h)


@kind
class DropoutOfChannels(Convolved):
    def __init__(self) -> None:
        super().__init__()
        self.drop, self.lines = nn.Dropout2d(0.3), nn.Dropout1d(0.1)

    def between(self, h: Tensor) -> Tensor:
        return self.lines(self.drop(h).flatten(2)).view_as(h)


@kind
class OtherDropouts(Convolved):
    """Those that torch draws itself."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha, self.features, self.slope = nn.AlphaDropout(0.2), nn.FeatureAlphaDropout(0.2), nn.RReLU()

    def between(self, h: Tensor) -> Tensor:
        return self.slope(self.features(self.alpha(h)))


@kind
class ProbabilityThatChanges(Two):
    """Sets the probability of its dropout from step to step."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.0)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def between(self, h: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
            self.drop.p = min(0.5, 0.1 * int(self.steps))
        return self.drop(h)


# Layers


@kind
class Attention(nn.Module):
    """Rows of pixels that attend to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(SIDE, 2, batch_first=True)
        self.last = nn.Linear(PIXELS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        rows = x[:, 0]
        out: Tensor = self.last((rows + self.attend(rows, rows, rows)[0]).flatten(1))
        return out


@kind
class Transformer(nn.Module):
    """An encoder layer with its own dropout, and a fast path of its own for evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.TransformerEncoderLayer(SIDE, 2, dim_feedforward=16, dropout=0.1, batch_first=True)
        self.place = nn.Parameter(torch.zeros(SIDE, SIDE))
        self.last = nn.Linear(PIXELS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.encode(x[:, 0] + self.place).flatten(1))
        return out


class _Recurrent(nn.Module):
    def __init__(self, recurrent: type[nn.RNNBase], **more: Any) -> None:
        super().__init__()
        self.over_rows = recurrent(SIDE, WIDTH, batch_first=True, **more)
        self.last = nn.Linear(WIDTH * (2 if more else 1), CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.over_rows(x[:, 0])[0][:, -1])
        return out


@kind
class Lstm(_Recurrent):
    def __init__(self) -> None:
        super().__init__(nn.LSTM, num_layers=2, bidirectional=True)


@kind
class Gru(_Recurrent):
    def __init__(self) -> None:
        super().__init__(nn.GRU)


@kind
class CellByCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.last = nn.LSTMCell(SIDE, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), WIDTH)
        for row in x[:, 0].unbind(1):
            h, c = self.cell(row, (h, c))
        out: Tensor = self.last(h)
        return out


@kind
class Normalised(Convolved):
    """Batch normalisation as most have it, with the average of all batches, and without weights."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.Sequential(
            nn.BatchNorm2d(4), nn.BatchNorm2d(4, momentum=None), nn.BatchNorm2d(4, affine=False, momentum=0.3)
        )

    def between(self, h: Tensor) -> Tensor:
        return self.norms(h)


@kind
class FrozenStatistics(Convolved):
    """Batch normalisation that stays in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4)

    def train(self, mode: bool = True) -> FrozenStatistics:
        super().train(mode)
        self.norm.eval()
        return self

    def between(self, h: Tensor) -> Tensor:
        return self.norm(h)


@kind
class OtherNorms(Convolved):
    def __init__(self) -> None:
        super().__init__()
        self.group, self.instance = nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True, track_running_stats=True)
        self.layer, self.local = nn.LayerNorm([4, SIDE, SIDE]), nn.LocalResponseNorm(2)

    def between(self, h: Tensor) -> Tensor:
        return self.local(self.layer(self.instance(self.group(h))))


@kind
class LazyLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.LazyConv2d(3, 3), nn.LazyLinear(CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.conv(x).relu().flatten(1))
        return out


@kind
class Embedded(nn.Module):
    """Looks pixels up."""

    def __init__(self) -> None:
        super().__init__()
        self.shades, self.last = nn.Embedding(17, 2), nn.Linear(2 * PIXELS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.shades((x.flatten(1) * 16).long()).flatten(1))
        return out


@kind
class Bilinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.both, self.last = nn.Bilinear(SIDE, SIDE, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.both(x.mean((1, 2)), x.mean((1, 3))).relu())
        return out


@kind
class Upsampled(Convolved):
    """Layers that change sizes: transposed convolution, interpolation, unfolding."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.ConvTranspose2d(4, 4, 2, stride=2)

    def between(self, h: Tensor) -> Tensor:
        h = functional.interpolate(self.wide(h), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return h + functional.unfold(h, 3, padding=1).view(len(h), 4, 9, SIDE, SIDE).mean(2)


# Numbers and memory


@kind
class ComplexNumbers(nn.Module):
    """A filter of complex weights among frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.randn(SIDE, SIDE // 2 + 1, dtype=torch.complex64) * 0.1 + 1)
        self.last = nn.Linear(PIXELS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.fft.irfft2(torch.fft.rfft2(x[:, 0]) * self.filter, s=(SIDE, SIDE))
        out: Tensor = self.last(seen.flatten(1))
        return out


@kind
class ChannelsLast(Convolved):
    def __init__(self) -> None:
        super().__init__()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(memory_format=torch.channels_last))


@kind
class Views(nn.Module):
    """Looks at its images in ways that need them to lie in order."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(PIXELS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(len(x), SIDE, SIDE).as_strided((len(x), PIXELS), (PIXELS, 1))
        out: Tensor = self.last(rows.view(len(x), -1))
        return out


@kind
class Einsum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(SIDE, 5) * 0.3)
        self.columns = nn.Parameter(torch.randn(SIDE, 5) * 0.3)
        self.last = nn.Linear(25, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.einsum("bchw,hr,ws->brs", x, self.rows, self.columns)
        out: Tensor = self.last(h.relu().flatten(1))
        return out


@kind
class InPlace(Two):
    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.first(x.flatten(1)), inplace=True).clone()
        h.add_(0.1).mul_(1.5)
        h[:, 0] = h[:, 1]
        h[:, 2:4] += 0.2
        return self.last(h).add_(0.0)


@kind
class DoublePrecisionInside(Two):
    def between(self, h: Tensor) -> Tensor:
        return h.double().softmax(1).to(h.dtype) * WIDTH


@kind
class Sorted(Two):
    """Sorting, the largest few, cumulated sums, and what is chosen by a mask."""

    def between(self, h: Tensor) -> Tensor:
        best, places = h.topk(4, dim=1)
        spread = torch.zeros_like(h).scatter(1, places, best)
        return torch.where(h > h.mean(1, keepdim=True), spread, 0.1 * h.sort(1).values.cumsum(1))


# Autograd


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.sign()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 0.5


class _Reversed(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, factor: float) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None


@kind
class OwnFunction(Two):
    def between(self, h: Tensor) -> Tensor:
        return h + 0.1 * _StraightThrough.apply(h - 0.1)


@kind
class OwnMappableFunction(Two):
    def between(self, h: Tensor) -> Tensor:
        return h + 0.5 * _Reversed.apply(h, 0.2).tanh()


@kind
class Checkpointed(Two):
    """Computes its middle once more in the backward pass, with the same draws."""

    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.2), nn.Tanh())

    def between(self, h: Tensor) -> Tensor:
        out: Tensor = checkpoint(self.middle, h, use_reentrant=False)
        return out


@kind
class CheckpointedTheOldWay(Two):
    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh())

    def between(self, h: Tensor) -> Tensor:
        out: Tensor = checkpoint(self.middle, h, use_reentrant=True) if h.requires_grad else self.middle(h)
        return out


@kind
class GradientInForward(Two):
    """Asks for a gradient in its forward pass, as a gradient penalty or an energy model does."""

    def between(self, h: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = h.detach().requires_grad_()
            (slope,) = torch.autograd.grad((leaf.tanh() ** 2).sum(), leaf)
        return h + 0.3 * slope


@kind
class WeightsMovedInForward(Two):
    """Keeps its weights within bounds by changing them itself."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.first.weight.clamp_(-0.12, 0.12)
        return super().forward(x)


@kind
class ModeReturnsNothing(Two):
    """Has its own `train`, which forgets to return the model."""

    def train(self, mode: bool = True) -> None:  # type: ignore[override]
        super().train(mode)


@kind
class ExpandedBuffer(Two):
    """Keeps a buffer of one number that is seen as many."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.full((1,), 0.7).expand(WIDTH))

    def between(self, h: Tensor) -> Tensor:
        return h * self.scale.to(h.device)
