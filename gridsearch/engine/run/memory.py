"""How much memory a worker may fill with a pack."""

from __future__ import annotations

import psutil
import torch

#: The part of the free memory that is planned with; the rest is for what is not counted.
SHARE = 0.6


def memory_per_worker(device: str, workers: int) -> int:
    """Return the bytes that a pack may need on a worker's device, given "auto", "cpu" or "cuda".

    On a machine with GPUs workers are spread evenly over them.
    """
    if device != "cpu" and torch.cuda.is_available():
        gpus = torch.cuda.device_count()
        free = min(torch.cuda.mem_get_info(gpu)[0] for gpu in range(gpus))
        return int(SHARE * free / max(1, -(-workers // gpus)))
    return int(SHARE * psutil.virtual_memory().available / workers)
