"""Models as users write them for examples that are no images of bytes."""

from __future__ import annotations

from torch import Tensor, nn


class Rows(nn.Module):
    """A convolution along sequences. Input (B, C, L)."""

    def __init__(self, in_channels: int, input_shape: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        channels, length = input_shape
        assert channels == in_channels
        self.conv = nn.Conv1d(in_channels, 6, 3, padding=1)
        self.out = nn.Linear(6 * length, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, K)."""
        logits: Tensor = self.out(self.conv(x).relu().flatten(1))
        return logits


class Volumes(nn.Module):
    """A convolution over volumes. Input (B, C, D, H, W)."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(input_shape[0], 4, 2)
        self.out = nn.LazyLinear(num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, K)."""
        logits: Tensor = self.out(self.conv(x).relu().flatten(1))
        return logits


class Tokens(nn.Module):
    """The mean of embeddings. Input int64 (B, L)."""

    def __init__(self, num_classes: int, vocabulary: int = 10, width: int = 8) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.out = nn.LazyLinear(num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (B, K)."""
        logits: Tensor = self.out(self.embedding(tokens).flatten(1))
        return logits
