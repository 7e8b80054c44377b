"""The JSON schema of job files, for editors: completion, hover texts and red underlines while writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from gridsearch.config.axes import CONTINUOUS
from gridsearch.config.job import JobFile
from gridsearch.config.trial import Recipe, Value
from gridsearch.config.yaml_source import PRIVATE

_HELP = {
    "name": "The job's name: its results and its page go by it.",
    "dataset": "A data set by name, torchvision:CLASS, module:function, or the path of an .npz or image folder.",
    "dataset_options": "Arguments of torchvision's class or of your function: {split: letters}.",
    "image_size": "The size to bring images to: a side in pixels, or [height, width].",
    "resize": "How images of another shape come to image_size: padded, cropped, or stretched.",
    "background": "What lies behind transparent pixels, and fills what resize: pad adds.",
    "split": "How images are divided; a share is a fraction or a number of images.",
    "model": "A model by name, or your own as package.module:Class; a list of them is an axis.",
    "space": "The axes: a list of values, a range, or a single value for each setting.",
    "search": "grid: every point; {random: 50}: so many, drawn at random.",
    "repeats": "How many times each point is trained, with other seeds.",
    "repeat_over": "What the repeats draw again: the weights (seed), the split (data_seed), or both.",
    "constraints": "What a trial must not exceed to be the best.",
    "rules": "Points that do not exist, as expressions over the settings.",
    "objective": "What ranks trials.",
    "trial_timeout": "How long a worker may be silent, as 30m, before it is ended and the trial to blame fails.",
    "checkpoints": "What the checkpoints of a store may take, as 5GB; none: only those of trainings not yet ended.",
    "teacher": "Whom the models learn from: the job of that name, and which of its trials.",
    "batch_size": "Images per step.",
    "epochs": "Passes over the training images.",
    "learning_rate": "The optimiser's step size.",
    "optimizer": "The optimiser.",
    "momentum": "Momentum of sgd and rmsprop.",
    "nesterov": "Nesterov's look-ahead, for sgd with momentum.",
    "weight_decay": "L2 penalty (decoupled for adamw).",
    "schedule": "How the learning rate changes over the epochs.",
    "step_size": "Epochs between the falls of schedule step.",
    "gamma": "Factor of each fall of schedules step and plateau.",
    "plateau_patience": "Epochs without a lower validation loss before schedule plateau falls.",
    "min_learning_rate": "Schedule plateau falls no lower.",
    "l1": "L1 penalty: factor of the sum of absolute weights in the loss.",
    "label_smoothing": "Share of the target spread evenly over all classes.",
    "clip_norm": "Gradients of a larger norm are scaled down to it; 0: never.",
    "early_stopping": "Stop after so many epochs without a lower validation loss; 0: never.",
    "restore_best": "The result is that of the epoch with the lowest validation loss.",
    "normalization": "Pixels in [0, 1]; by channel, each image by itself, or as ImageNet's; none: floats as they are.",
    "flip": "Mirror half of the training images, left to right.",
    "crop_padding": "Shift training images by up to so many pixels, filling with black: pad and crop.",
    "rotation": "Turn training images by up to so many degrees.",
    "shift": "Shift training images by up to this fraction of their sides.",
    "zoom": "Zoom training images by up to this fraction, in or out.",
    "last_batch": "Images that fill no whole batch: a smaller batch, none in this epoch, or part of the one before.",
    "precision": "float32; mixed: matrix products and convolutions in bfloat16; or float64: everything in it.",
    "distillation": "What is learnt from the teacher: its soft targets, its hidden features, or nothing.",
    "temperature": "Softens the soft targets of teacher and student.",
    "distillation_weight": "Weight of the loss with the teacher; that with the labels has the rest.",
    "freeze": "Parameters that are not trained, as patterns: '* !layer4.* !fc.*' is all but layer4 and fc.",
    "pretrained": "Weights to start from: imagenet, or a file of weights.",
    "seed": "Draws the weights.",
    "data_seed": "Draws the split and the order of the batches.",
}


def job_schema(*, datasets: Sequence[str], models: Sequence[str]) -> dict[str, Any]:
    """Return the schema (draft 2020-12); `datasets` and `models` are the names to offer."""
    schema = JobFile.model_json_schema()
    properties = schema["properties"]
    properties["dataset"] = {"anyOf": [{"enum": list(datasets)}, {"type": "string", "minLength": 1}]}
    model = [{"enum": list(models)}, {"type": "string", "pattern": "^[\\w.]+:\\w+$"}]
    several = {"type": "array", "items": {"anyOf": model}, "minItems": 1, "uniqueItems": True}
    properties["model"] = {"anyOf": [*model, several]}
    properties["search"] = {"anyOf": [{"const": "grid"}, {"$ref": "#/$defs/RandomSearch"}], "default": "grid"}
    recipe = Recipe.model_json_schema()["properties"]
    for key, value in recipe.items():
        properties[key] = _axis({k: v for k, v in value.items() if k not in ("title", "default")})
    properties["space"] = {
        "type": "object",
        "properties": {key: properties[key] for key in recipe},
        "additionalProperties": _axis(_value()),
    }
    for key, text in _HELP.items():
        properties[key] = {**properties[key], "description": text}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "gridsearch job"
    schema["patternProperties"] = {f"^{PRIVATE}": {}}
    return schema


def _value() -> dict[str, Any]:
    return TypeAdapter(Value).json_schema()


def _axis(value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value, a list of values, or a range."""
    ends = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    ranges = [
        {
            "type": "object",
            "properties": {kind: ends, parameter: {"type": number}},
            "required": [kind, *([parameter] if kind != "range" else [])],
            "additionalProperties": False,
        }
        for kind, parameter, number in (
            ("linspace", "num", "integer"),
            ("logspace", "num", "integer"),
            ("range", "step", "number"),
        )
    ]
    ranges += [
        {"type": "object", "properties": {kind: ends}, "required": [kind], "additionalProperties": False}
        for kind in CONTINUOUS
    ]
    return {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}, *ranges]}
