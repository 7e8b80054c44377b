"""On which device both sides are trained: the processor, or what the environment variable `ORACLE_DEVICE` says."""

from __future__ import annotations

import os

import torch

VARIABLE = "ORACLE_DEVICE"


def device() -> torch.device:
    """Return the device of both sides."""
    return torch.device(os.environ.get(VARIABLE, "cpu"))
