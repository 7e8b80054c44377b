"""What a model's constructor does to all of torch ends with it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from gridsearch.errors import ModelError
from gridsearch.models.registry import build_model, find_model

NETS = """
import torch
from torch import nn

ACTS = {
    "gradients": lambda: torch.set_grad_enabled(False),
    "type": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "raises": lambda: (torch.set_grad_enabled(False), 1 / 0),
}

class Net(nn.Module):
    def __init__(self, in_features, num_classes, act):
        super().__init__()
        ACTS[act]()
        self.layer = nn.Linear(in_features, num_classes)
"""


@pytest.mark.parametrize("around", ["cpu", "meta"])
@pytest.mark.parametrize("act", ["gradients", "type", "device", "raises"])
def test_another_model_is_made_as_if_it_had_not_been(tmp_path: Path, act: str, around: str) -> None:
    (tmp_path / "global_net.py").write_text(NETS)
    net = find_model("global_net:Net", [tmp_path])
    with torch.device(around):
        with pytest.raises(ModelError, match="division by zero") if act == "raises" else nullcontext():
            build_model(net, {"act": act}, image_shape=(1, 8, 8), num_classes=10)
        assert torch.zeros(1).device.type == around
    assert (torch.zeros(1).device.type, torch.zeros(1).dtype, torch.is_grad_enabled()) == ("cpu", torch.float32, True)
