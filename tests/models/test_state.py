"""State that a class keeps for itself: a tensor goes with the model, anything else is refused when it is built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gridsearch.errors import ModelError
from gridsearch.models.registry import build_model, find_model

MODELS = """
import torch
from torch import nn

class Net(nn.Module):
    kept = torch.tensor(3.0)
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.layer = Inner(in_features, num_classes)
    def forward(self, x):
        return self.layer(x.flatten(1))

class Inner(nn.Linear):
    extra = torch.tensor(3.0)
    def get_extra_state(self):
        return self.extra
    def set_extra_state(self, state):
        self.extra = state

class Dict(Net):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
        self.layer.extra = {"calls": 0}

class Own(Net):
    def get_extra_state(self):
        return None
    def set_extra_state(self, state):
        pass

class Forgetful(Net):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
        self.layer = OneWay(in_features, num_classes)

class OneWay(nn.Linear):
    def get_extra_state(self):
        return torch.zeros(1)

class Hooked(Net):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
        self.layer.register_state_dict_post_hook(lambda module, state, prefix, _: state.update({prefix + "note": "x"}))
"""


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("Net", ""),
        ("Dict", "get_extra_state of its module 'layer' is of type dict, and checkpoints hold tensors only: return a"),
        ("Own", "get_extra_state of the model is of type NoneType"),
        ("Hooked", "its entry 'note' of the state dict of its module 'layer' is of type str"),
        ("Forgetful", "its own state dict cannot be loaded into it again: "),
    ],
)
def test_extra_state(tmp_path: Path, name: str, fragment: str) -> None:
    (tmp_path / "stateful.py").write_text(MODELS)
    found = find_model(f"stateful:{name}", [tmp_path])
    for device in ("cpu", "meta"):
        with torch.device(device):
            if not fragment:
                built = build_model(found, {}, image_shape=(1, 2, 2), num_classes=3)
                assert "layer._extra_state" in built.state_dict()
                continue
            with pytest.raises(ModelError) as caught:
                build_model(found, {}, image_shape=(1, 2, 2), num_classes=3)
            assert fragment in str(caught.value)
            assert "\n" not in str(caught.value)
