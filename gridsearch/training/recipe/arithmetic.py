"""How a GPU is to compute, so that float32 is float32 and equal trainings have equal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch


@dataclass(frozen=True)
class Arithmetic:
    """What this process lets a GPU do with float32, and with the order in which it adds up; a processor knows neither.

    By torch's defaults a GPU's convolutions round float32 to 10 bits (TF32), which is what `precision: mixed` is for,
    and may add up in an order of the moment.
    """

    rounded_convolutions: bool
    rounded_products: bool
    any_order: bool
    tried_out: bool

    @classmethod
    def now(cls) -> Self:
        """Return what holds now."""
        cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
        return cls(cudnn.allow_tf32, products.allow_tf32, not cudnn.deterministic, cudnn.benchmark)

    def hold(self) -> None:
        """Have it hold from now on."""
        torch.backends.cudnn.allow_tf32 = self.rounded_convolutions
        torch.backends.cuda.matmul.allow_tf32 = self.rounded_products
        torch.backends.cudnn.deterministic = not self.any_order
        torch.backends.cudnn.benchmark = self.tried_out


#: What the store's numbers are made with.
EXACT = Arithmetic(rounded_convolutions=False, rounded_products=False, any_order=False, tried_out=False)
