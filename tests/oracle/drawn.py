"""Jobs drawn at random by hypothesis, recipe and model; a drawn job is a map, as in YAML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.oracle.holding import Launched, differences, launch, packed, plainly
from tests.oracle.odd_models import KINDS

#: What of a recipe is a number that may be nothing: its range where it is something.
AMOUNTS = {
    "momentum": (0.1, 0.9),
    "weight_decay": (0.001, 0.05),
    "l1": (0.0001, 0.001),
    "label_smoothing": (0.05, 0.4),
    "clip_norm": (0.05, 1.0),
}
#: Models of ours, as small as can be, and what of them is drawn.
OURS: dict[str, dict[str, list[Any]]] = {
    "shallow": {"neurons": [4, 9]},
    "deep": {"hidden": [[7], [12, 5], [6, 6, 6]]},
    "cnn": {"filters": [[3], [2, 4]], "dense": [[8]], "dropout_conv": [0.0, 0.3], "batch_norm": ["none", "all"]},
    "mlp": {"hidden": [[12, 8]], "dropout_1": [0.0, 0.5], "batch_norm": [True, False]},
    "one_conv_cnn": {"filters": [3], "neurons": [8], "dropout_dense": [0.0, 0.2]},
}
#: Where a parameter has no gradient of its own, or a hook, torch gives it that of the penalty or not, as one writes the
#: penalty; so no such model has one here.
WITHOUT_L1 = {
    "no_grad_backbone",
    "detached_backbone",
    "unused_parameter",
    "evaluation_head",
    "layer_drop",
    "gradient_only_sometimes",
    "tensor_hook",
    "after_accumulation",
    "bare",
}


def amount(low: float, high: float) -> st.SearchStrategy[float]:
    """Return a number as people write it."""
    return st.floats(low, high).map(lambda value: float(f"{value:.3g}"))


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Any]:
    """What two trainings of a stack group share, and an axis or two in which they differ."""
    optimizer = draw(st.sampled_from(["sgd", "adam", "adamw", "rmsprop"]))
    rate = draw(amount(0.01, 0.1) if optimizer == "sgd" else amount(0.0005, 0.005))
    recipe: dict[str, Any] = {
        "batch_size": draw(st.sampled_from([16, 32, 75])),
        "epochs": draw(st.integers(1, 3)),
        "optimizer": optimizer,
        "learning_rate": [rate, round(rate / 2, 6)],
        "last_batch": draw(st.sampled_from(["keep", "drop", "merge"])),
        "schedule": draw(st.sampled_from(["constant", "step", "cosine", "one_cycle", "plateau"])),
        "step_size": draw(st.integers(1, 2)),
        "gamma": draw(st.sampled_from([0.1, 0.5])),
        "plateau_patience": 0,
        "normalization": draw(st.sampled_from(["scale", "channel", "image"])),
        "data_seed": draw(st.integers(0, 3)),
        "seed": draw(st.integers(0, 3)),
    }
    for key, (low, high) in AMOUNTS.items():
        if draw(st.booleans()):
            recipe[key] = draw(amount(low, high))
    if optimizer == "sgd" and "momentum" in recipe:
        recipe["nesterov"] = draw(st.booleans())
    changes = {"flip": True, "crop_padding": 1, "rotation": 20, "shift": 0.1, "zoom": 0.2}
    for key in draw(st.sets(st.sampled_from(list(changes)), max_size=2)):
        recipe[key] = changes[key]
    if draw(st.booleans()):
        recipe |= {"early_stopping": 1, "restore_best": draw(st.booleans())}
    return recipe


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole job: a recipe, and a model of ours or an odd one."""
    recipe = draw(recipes())
    model = draw(st.sampled_from([*OURS, "odd", "odd", "odd"]))
    space: dict[str, list[Any]] = {"learning_rate": recipe.pop("learning_rate")}
    if model == "odd":
        kind = draw(st.sampled_from(sorted(KINDS)))
        space["kind"] = [kind]
        if kind in WITHOUT_L1:
            recipe.pop("l1", None)
        if kind == "embedded":  # which looks up pixels between 0 and 1
            recipe["normalization"] = "scale"
    else:
        space |= {key: [draw(st.sampled_from(values))] for key, values in OURS[model].items()}
    return {
        "name": "drawn",
        "dataset": "digits",
        "split": {"test": 0.1, "train": 150, "validation": 600},
        "model": "tests.oracle.odd:Odd" if model == "odd" else model,
        **recipe,
        "space": space,
    }


def apart(job: dict[str, Any], folder: Path) -> dict[str, float]:
    """Launch a job packed and alone, and return how far its trials are from the plain ones, at most, by metric."""
    text = json.dumps(job)
    with packed():
        stores: list[Launched] = [launch(folder / "packed", text)]
    stores.append(launch(folder / "alone", text, "--pack", "off"))
    worst: dict[str, float] = {}
    for store in stores:
        for trial in store.trials():
            for metric, much in differences(trial, plainly(trial, [])).items():
                worst[metric] = max(worst.get(metric, 0.0), much)
    return worst
