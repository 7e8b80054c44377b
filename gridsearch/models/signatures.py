"""What our own models take, written down beside them: to learn it from the models means to import torch.

`signatures.json` is what `signatures_text` returns; `python docs/generate.py` writes it, and a test compares the two.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from gridsearch.models.arguments import Wanted
from gridsearch.models.registry import MODELS, ModelSignature, find_model

FILE = Path(__file__).with_suffix(".json")


def signature_of(name: str) -> ModelSignature:
    """Return what one of `MODELS` takes, as `find_model` says it, without importing the model."""
    told = _written()[name]
    # As constructors have them, defaults that are lists are tuples.
    optional = {key: tuple(value) if isinstance(value, list) else value for key, value in told["optional"].items()}
    return ModelSignature(
        name,
        tuple(told["data_arguments"]),
        tuple(told["required"]),
        optional,
        open_ended=False,
        code="",
        wanted={key: _wanted(one) for key, one in told["wanted"].items()},
        sources={},
    )


def signatures_text() -> str:
    """Return what all of `MODELS` take as JSON, as the models themselves say it."""
    return json.dumps({name: _told(find_model(name)) for name in MODELS}, indent=1) + "\n"


@cache
def _written() -> dict[str, Any]:
    written: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return written


def _told(model: ModelSignature) -> dict[str, Any]:
    return {
        "data_arguments": model.data_arguments,
        "required": model.required,
        "optional": model.optional,
        "wanted": {key: _of_wanted(wanted) for key, wanted in model.wanted.items()},
    }


def _of_wanted(wanted: Wanted) -> dict[str, Any]:
    """Return what a setting takes, as far as it is known."""
    told = asdict(wanted) | {"each": wanted.each and _of_wanted(wanted.each)}
    return {key: sorted(value) if isinstance(value, frozenset) else value for key, value in told.items() if value}


def _wanted(told: dict[str, Any]) -> Wanted:
    each = told.get("each")
    return Wanted(
        frozenset(told.get("kinds", ())),
        frozenset(told.get("items", ())),
        tuple(told.get("options", ())),
        each and _wanted(each),
    )
