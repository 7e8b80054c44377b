from __future__ import annotations

import torch
from torch import Tensor, nn

from gridsearch.config.events import ModelSize
from gridsearch.training.stacking.profile import Profile, profile_of


def test_layers_are_counted_by_hand() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 10))
    found = profile_of(model, (1, 8, 8))
    assert found.parameters == 4 * 9 + 4 + 10 * 256 + 10
    assert found.size == ModelSize(found.parameters, 4 * 9 * 64 + 10 * 256)
    assert found.flops == 2 * (4 * 9 * 64 + 10 * 256)
    # The images, what ReLU gives, and the same flattened: what the backward pass needs.
    assert found.saved_bytes == 4 * (64 + 256 + 256)
    # Of 512 images for one model, of 2,048 for a stack.
    assert (found.evaluation_bytes, found.stack_bytes) == (4 * 256 * 512, 4 * 256 * 2048)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_that_needs_numbers_counts_by_its_parameters() -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.layer(x.flatten(1)) if x.sum() >= 0 else x
            return result

    with torch.device("meta"):
        model = Picky()
    assert profile_of(model, (1, 8, 8)) == Profile(None, 650, 2600.0)
