"""Trained models as ONNX, run by another program than torch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from gridsearch.engine.trained.load import ModelSource, TrainedTrial, trained
from gridsearch.engine.trained.onnx import check_onnx, write_onnx
from gridsearch.errors import EngineError, GridsearchError
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared

MODELS = """
import torch
from torch import nn

class Conv(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.3), nn.Flatten(), nn.Dropout(0.5),
            nn.Linear(4 * 36, num_classes),
        )

    def forward(self, x):
        return self.layers(x)

class Capricious(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.layer = nn.Linear(in_features, num_classes)

    def forward(self, x):
        if self.training:
            return self.layer(x.flatten(1))
        return self.layer(x.flatten(1)) if x.sum().item() > 0 else self.layer(x.flatten(1)) * 2
"""


def model(folder: Path, name: str, more: str = "") -> TrainedTrial:
    (folder / "onnx_models.py").write_text(MODELS)
    text = f"name: small\ndataset: digits\nmodel: onnx_models:{name}\nbatch_size: 64\nepochs: 2\n{more}"
    text += "learning_rate: 0.05\n"
    launch(prepared(folder, text=text), folder / "r.db")
    with open_store(folder / "r.db", create=False) as store:
        source = ModelSource(store, folder / "r.db", folder, "cpu")
        return trained(source, "small", store.trials("small")[0].trial_id)


@pytest.mark.parametrize(
    ("normalization", "precision"),
    [("scale", "float32"), ("channel", "float32"), ("image", "float32"), ("channel", "float64")],
)
def test_another_runtime_gives_the_same_logits_for_any_number_of_images(
    tmp_path: Path, normalization: str, precision: str
) -> None:
    found = model(tmp_path, "Conv", f"normalization: {normalization}\nprecision: {precision}\n")
    target = tmp_path / "conv.onnx"
    write_onnx(found, target)
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    images = found.context.validation.images
    for count in (1, 2, 7, len(images)):
        (logits,) = session.run(["logits"], {"images": images[:count].float().numpy()})
        assert np.allclose(logits, found.logits(found.context.train.normalized(images[:count])).numpy(), atol=1e-4)
    said = session.get_modelmeta().custom_metadata_map
    assert (said["trial"], said["epoch"]) == (found.row.trial_id, "2")
    assert json.loads(said["class_names"]) == [str(label) for label in range(10)]
    onnx.checker.check_model(target)
    assert str(tmp_path).encode() not in target.read_bytes() and b".py" not in target.read_bytes()


def test_a_model_that_onnx_cannot_express_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="'onnx_models:Capricious' cannot be written as ONNX") as caught:
        write_onnx(model(tmp_path, "Capricious"), tmp_path / "x.onnx")
    assert "\n" not in str(caught.value) and not (tmp_path / "x.onnx").exists()


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'gridsearch\[onnx\]'"):
        check_onnx()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(GridsearchError, match="cannot be written .there is no folder .*; make it first"):
        write_onnx(model(tmp_path, "Conv"), tmp_path / "nowhere" / "x.onnx")
    assert torch.is_grad_enabled()
