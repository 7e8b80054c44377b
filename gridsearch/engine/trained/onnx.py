"""Trained models for other programs, in the ONNX format."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import json
from pathlib import Path

import torch
from torch import Tensor, nn

from gridsearch.atomic import write_named
from gridsearch.engine.trained.load import TrainedTrial
from gridsearch.engine.trained.weights import preprocessing
from gridsearch.errors import EngineError
from gridsearch.models.examples import made_up
from gridsearch.output_places import not_written
from gridsearch.training.recipe.normalization import Normalizer
from gridsearch.user_code import told
from gridsearch.version import __version__


class _FromPixels(nn.Module):
    """A model together with the normalisation of its images."""

    def __init__(self, model: nn.Module, normalizer: Normalizer | None) -> None:
        super().__init__()
        self.model, self.normalizer = model, normalizer

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.model(self.normalizer(pixels) if self.normalizer else pixels)
        return logits


def check_onnx() -> None:
    """Raise `EngineError` where the packages that write ONNX are missing."""
    for name in ("onnx", "onnxscript"):
        if importlib.util.find_spec(name) is None:
            raise EngineError(f"--onnx needs the package {name}; install it with: pip install 'gridsearch[onnx]'")


def write_onnx(trained: TrainedTrial, target: Path) -> None:
    """Write a trained model to a file: input `images` (any number, C, H, W) in [0, 1], output `logits` (as many, K).

    Of data that are no images of bytes, inputs are as these are, whole numbers int64. Numbers are float32, also of a
    model that was trained in float64. Normalisation is part of it. The file says which trial it is and what its classes
    are called. Raises `EngineError` for a model that ONNX cannot express, and where the file cannot be written.
    """
    check_onnx()
    import onnx

    normalizer, cpu = trained.context.train.normalizer, torch.device("cpu")
    model = _FromPixels(copy.deepcopy(trained.model), normalizer.to(cpu) if normalizer else None).to(cpu)
    model.eval()
    # What was trained in float64 too: hardly a runtime has convolutions in it.
    model = model.float()
    train = trained.context.train
    example = made_up(2, train.image_shape, train.whole)
    try:
        # What the exporter and the user's code print would stand in the midst of our own lines.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            program = torch.onnx.export(
                model,
                (example,),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        raise EngineError(f"model {trained.config.model!r} cannot be written as ONNX: {told(error)}") from error
    assert program is not None
    written = program.model_proto
    for node in written.graph.node:
        del node.metadata_props[:]  # where in the source it came from, with this machine's folders
    about = {
        "gridsearch": __version__,
        "trial": trained.row.trial_id,
        "epoch": str(trained.epoch),
        "class_names": json.dumps(trained.class_names),
        "preprocessing": preprocessing("float32", trained.job.record.example(trained.config.dataset)[1]),
    }
    onnx.helper.set_model_props(written, about)
    try:
        write_named(target, written.SerializeToString())
    except OSError as error:
        raise not_written(f"--onnx {target}", target, error) from None
