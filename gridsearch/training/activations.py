"""Where a model's convolutions are active on given images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from gridsearch.errors import ModelError, nearest

#: Layers shown where none are named.
MOST_LAYERS = 4
#: What belongs to a convolution when it takes its output: normalisation and activation.
_FOLLOWERS = (
    *(_NormBase, nn.GroupNorm, nn.LocalResponseNorm),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Hardswish, nn.Mish),
)


@dataclass(frozen=True, eq=False)
class ActivationMaps:
    """The maps (N, h, w) float32 in [0, 1] of each layer for N images, and the class each image was taken for (N,)."""

    maps: dict[str, npt.NDArray[np.float32]]
    predicted: npt.NDArray[np.int64]


def choose_layers(model: nn.Module, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the convolutions that are meant, by their names in the model: those wanted, else up to four of all.

    `ModelError` in one line for a model without any and for a name that is none of them.
    """
    known = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    if not known:
        raise ModelError("the model has no convolution (no torch.nn.Conv2d), so there is no map to draw")
    for name in wanted:
        if name not in known:
            raise ModelError(f"the model has no convolution {name!r}{nearest(name, known)}")
    if wanted:
        return tuple(dict.fromkeys(wanted))
    last = len(known) - 1
    places = sorted({round(step * last / max(1, MOST_LAYERS - 1)) for step in range(MOST_LAYERS)})
    return tuple(known[place] for place in places)


@torch.no_grad()
def activation_maps(model: nn.Module, images: Tensor, layers: Sequence[str]) -> ActivationMaps:
    """Return where these convolutions are active on images (N, C, H, W), which are what the model is trained on.

    A layer's activity at a place is the sum over its channels of the positive part of its output, after the
    normalisation and the activation modules that follow it directly; it is scaled for each image from its lowest
    to its highest, so maps tell where and not how much. The model is used in evaluation mode and left as it was.
    """
    modules = dict(model.named_modules())
    watch = _Watch({modules[name]: name for name in layers})
    hooks = [module.register_forward_hook(watch.see) for module in modules.values() if watch.concerns(module)]
    training = model.training
    model.eval()
    try:
        predicted = model(images).argmax(1)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    missing = [name for name in layers if name not in watch.sums]
    if missing:
        raise ModelError(f"the model does not use its convolution {missing[0]!r}")
    return ActivationMaps(
        {name: _scaled(watch.sums[name]).cpu().numpy() for name in layers}, predicted.to(torch.int64).cpu().numpy()
    )


@dataclass
class _Watch:
    """Sums up what the watched layers put out, while it is there: later modules may write over it."""

    names: dict[nn.Module, str]
    sums: dict[str, Tensor] = field(default_factory=dict)
    latest: dict[str, tuple[Tensor, int]] = field(default_factory=dict)

    def concerns(self, module: nn.Module) -> bool:
        return module in self.names or isinstance(module, _FOLLOWERS)

    def see(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        name = self.names.get(module) or next((n for n in self.latest if self._follows(n, inputs[0])), None)
        if name is not None:
            self.latest[name] = output, output._version
            self.sums[name] = torch.relu(output).sum(1)

    def _follows(self, name: str, value: Tensor) -> bool:
        """Whether a value is what a layer put out last, and nothing was added to it in place since."""
        last, version = self.latest[name]
        return value is last and value._version == version


def _scaled(sums: Tensor) -> Tensor:
    """Return sums (N, h, w) from 0 to 1 in each image, 0 all over where they do not differ."""
    low, high = sums.amin((1, 2), keepdim=True), sums.amax((1, 2), keepdim=True)
    return ((sums - low) / (high - low).clamp_min(torch.finfo(sums.dtype).tiny)).float()
