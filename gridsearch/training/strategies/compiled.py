"""The general strategy, its forward and backward pass compiled by `torch.compile`.

Compiling takes seconds to minutes the first time; what is compiled is kept on disk. It needs a C++ compiler on the
CPU and Triton on a GPU; where they are missing, or compiling fails, it is simply not among those to choose from.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from collections.abc import Sequence

import torch

from gridsearch import paths
from gridsearch.training.loop.member import Member
from gridsearch.training.strategies.stacked import Stacked


def why_not_compiled(device: torch.device) -> str:
    """Return why stacks are not compiled for a device here; nothing where they are."""
    if device.type == "cuda":
        missing = importlib.util.find_spec("triton") is None
        return "Triton is not installed, so stacked models are not compiled for the GPU" if missing else ""
    names = (os.environ.get("CXX", "g++"), "g++", "clang++")
    return "" if any(map(shutil.which, names)) else "there is no C++ compiler (g++), so stacked models are not compiled"


class Compiled(Stacked):
    """A stack whose losses and gradients are computed by compiled code, made for just these shapes."""

    costly = True
    proved_by = Stacked

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members)
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(paths.compiled_dir()))
        # Compiled code is counted by the Python function it came from, and after a few shapes torch would silently
        # stop compiling; each stack starts the count anew.
        torch._dynamo.reset()
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
        # The same draws as without compiling.
        self.losses = torch.compile(self.losses, dynamic=False, options={"fallback_random": True})
