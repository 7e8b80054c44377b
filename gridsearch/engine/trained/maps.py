"""Where a trained trial's convolutions are active on its validation images."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gridsearch.data.splits import Indices
from gridsearch.engine.trained.load import TrainedTrial
from gridsearch.training.activations import ActivationMaps, activation_maps, choose_layers


def validation_maps(found: TrainedTrial, places: Indices, layers: Sequence[str] = ()) -> ActivationMaps:
    """Return the maps of these convolutions (see `choose_layers`) on the validation images at these places."""
    images = found.context.validation
    pixels = images.pixels(images.images[torch.from_numpy(places).to(found.device)])
    return activation_maps(found.model, images.normalized(pixels), choose_layers(found.model, layers))
