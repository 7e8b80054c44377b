"""Weights trained before: torchvision's of ImageNet, or a file of the user's."""

from __future__ import annotations

import hashlib
import pickle
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gridsearch import paths
from gridsearch.errors import ModelError, one_line
from gridsearch.network import fetchable, network_timeout
from gridsearch.regular_files import open_regular

IMAGENET = "imagenet"
#: Of our models those that torchvision has weights for, under the same name.
WITH_IMAGENET = ("mobilenet_v3_small", "resnet18", "resnet50")


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What became of a file of weights.

    Names are those of the model's state dict: `loaded` are tensors taken from the file, `fresh` those that keep the
    values they had, as the file has none of their name and shape.
    """

    file: Path
    loaded: tuple[str, ...]
    fresh: tuple[str, ...]


def load_pretrained(
    model: nn.Module, model_name: str, source: str, *, folders: Sequence[Path], data_dir: Path
) -> LoadedWeights:
    """Copy into a model the tensors of a source that fit it by name and shape; all others stay as they are.

    For `source`, `folders` and `data_dir` see `weights_file`. `ModelError` when there is no such file, it holds no
    tensors, or none of the model's parameters is among them.
    """
    file = weights_file(model_name, source, folders=folders, data_dir=data_dir)
    fitting, own = fitting_tensors(model, model_name, file), model.state_dict()
    model.load_state_dict(fitting, strict=False)
    return LoadedWeights(file, tuple(fitting), tuple(name for name in own if name not in fitting))


def fitting_tensors(model: nn.Module, model_name: str, file: Path) -> dict[str, Tensor]:
    """Return the tensors of a file that fit a model, on any device, by name and shape.

    `ModelError` when the file holds no tensors, none of the model's parameters is among them, or one is damaged.
    """
    given, own = _tensors(file), model.state_dict()
    fitting = {
        name: given[name]
        for name, t in own.items()
        if isinstance(t, Tensor) and name in given and given[name].shape == t.shape and _is_plain(given[name])
    }
    if fitting.keys().isdisjoint(name for name, _ in model.named_parameters()):
        raise ModelError(
            f"pretrained: nothing in {file} fits model {model_name!r} by name and shape"
            f" (the file has {_example(given)}, the model {_example(own)})"
        )
    if damaged := [name for name, t in fitting.items() if not torch.isfinite(t).all()]:
        raise ModelError(f"pretrained: {damaged[0]} in {file} holds NaN or infinite numbers: its training diverged")
    return fitting


def weights_file(model_name: str, source: str, *, folders: Sequence[Path], data_dir: Path) -> Path:
    """Return the file of weights that a source means, downloaded first where it must be.

    `source` is "imagenet" (torchvision's `IMAGENET1K_V1`, looked for under torchvision's file name in
    `data_dir/weights` and in torch hub's cache), or the path of a state dict: `.safetensors`, else what `torch.save`
    wrote. A relative path is looked for in `folders`, in their order. `ModelError` when there is no such file.
    """
    if source == IMAGENET:
        return _imagenet(model_name, data_dir)
    places = [folder / Path(source).expanduser() for folder in folders]
    for place in places:
        if place.is_file():
            return place
    looked = " and ".join(str(place) for place in dict.fromkeys(places))
    raise ModelError(f"pretrained: {source!r} is neither {IMAGENET!r} nor a file (looked for {looked})")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal; `ModelError` where it cannot be read."""
    try:
        with open_regular(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"pretrained: {path} cannot be read ({error.strerror})") from None


def _imagenet(model_name: str, data_dir: Path) -> Path:
    if model_name not in WITH_IMAGENET:
        known = ", ".join(WITH_IMAGENET)
        raise ModelError(
            f"pretrained: there are no {IMAGENET!r} weights of model {model_name!r}; they exist for {known}, and any"
            f" model takes the path of a state dict"
        )
    from torchvision.models import get_model_weights

    url: str = get_model_weights(model_name).IMAGENET1K_V1.url
    name = url.rpartition("/")[2]
    target = paths.pretrained_file(data_dir, name)
    found = next((place for place in (target, Path(torch.hub.get_dir(), "checkpoints", name)) if place.is_file()), None)
    if found is None:
        _download(url, target)
        return target
    promised = Path(name).stem.rpartition("-")[2]
    if not file_digest(found).startswith(promised):
        raise ModelError(
            f"pretrained: {found} is damaged: its SHA-256 does not begin with {promised}; delete it and run again"
            f" where there is a network"
        )
    return found


def _download(url: str, target: Path) -> None:
    """Fetch a file whose name promises the beginning of its SHA-256; nothing is left behind where that fails."""
    promised = target.stem.rpartition("-")[2]
    try:
        fetchable([url])
        target.parent.mkdir(parents=True, exist_ok=True)
        with network_timeout():
            torch.hub.download_url_to_file(url, str(target), promised, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"pretrained: {target} is missing and {url} cannot be downloaded ({one_line(error)}); run once where there"
            " is a network, or put the file there"
        ) from error


def _tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a state dict; loading runs no code of the file's."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is old or odd in the file
            content = _read(file)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"pretrained: {file} is not a file of tensors (it holds Python objects, which are never loaded, or is"
            " damaged); write one with torch.save(model.state_dict(), FILE)"
        ) from error
    except Exception as error:  # readers raise whatever damaged bytes lead them to
        raise ModelError(f"pretrained: {file} is not a file of tensors ({one_line(error)})") from error
    if not (isinstance(content, dict) and content and all(isinstance(value, Tensor) for value in content.values())):
        raise ModelError(f"pretrained: {file} holds no state dict; write one with torch.save(model.state_dict(), FILE)")
    return content


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has its numbers with it, one by one, and real."""
    return tensor.layout is torch.strided and not (tensor.is_meta or tensor.is_quantized or tensor.is_complex())


def _read(file: Path) -> Any:
    if file.suffix == ".safetensors":
        import safetensors.torch

        return safetensors.torch.load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)


def _example(tensors: dict[str, Tensor]) -> str:
    name, tensor = next(iter(tensors.items()))
    return f"{name} {tuple(tensor.shape)}"
