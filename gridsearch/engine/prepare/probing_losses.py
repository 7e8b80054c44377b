"""Trying a loss or a metric of the user's on made-up outputs before anything is trained, where models are tried too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gridsearch.errors import ModelError
from gridsearch.models.own_loss import build_loss
from gridsearch.models.own_metric import OwnMetric
from gridsearch.models.registry import ModelClass, settings_text
from gridsearch.user_code import told

#: How many examples it is tried on, and the questions that are about losses.
EXAMPLES = 4
LOSS_SIGNATURE, LOSS_PROBLEM = "loss signature", "loss problem"
LOSS_QUESTIONS = (LOSS_SIGNATURE, LOSS_PROBLEM)
METRIC_CODE, METRIC_PROBLEM = "metric code", "metric problem"
METRIC_QUESTIONS = (METRIC_CODE, METRIC_PROBLEM)


def loss_problem(loss: ModelClass, asked: Mapping[str, Any]) -> str:
    """Return why a loss cannot be used with `settings`, for targets of a kind; nothing where it can."""
    settings, outputs = asked["settings"], asked["num_classes"]
    shares = torch.linspace(-1, 1, EXAMPLES * outputs).reshape(EXAMPLES, outputs).requires_grad_()
    try:
        call = build_loss(loss, settings, num_classes=outputs)
        found = call(shares, targets_like(asked["targets"], outputs))
        if not found.requires_grad:
            return f"loss {loss.name!r} has no gradient: it must be made of the outputs by torch's operations"
        found.backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        said = told(error)
        own = said if loss.name in said else f"loss {loss.name!r} raises with {settings_text(settings)}: {said}"
        return own
    return ""


def metric_problem(metric: OwnMetric, asked: Mapping[str, Any]) -> str:
    """Return why a metric cannot be measured for targets of a kind; nothing where it can."""
    outputs = asked["num_classes"]
    shares = torch.linspace(-1, 1, EXAMPLES * outputs).reshape(EXAMPLES, outputs)
    try:
        metric.measure(shares, targets_like(asked["targets"], outputs))
    except ModelError as error:
        return str(error)
    return ""


def targets_like(kind: str, outputs: int) -> torch.Tensor:
    """Return made-up targets of a kind, for so many outputs."""
    if kind == "classes":
        return torch.arange(EXAMPLES) % outputs
    numbers = torch.linspace(0, 1, EXAMPLES * outputs).reshape(EXAMPLES, outputs)
    return numbers.round() if kind == "indicators" else numbers
