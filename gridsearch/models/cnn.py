"""Convolutional networks made from a table: convolutions, poolings between them, then dense layers.

`cnn` takes the whole table, the other names stand for the tables of reports R0, R3 and R4.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from gridsearch.errors import ModelError, nearest
from gridsearch.models.sizes import check_pooling, check_widths

#: What `batch_norm` may say: which layers are normalised, each before its ReLU.
NORMALISED = {
    "none": "no layer",
    "first": "the first convolution before each pooling",
    "convs": "every convolution",
    "all": "every convolution and every hidden dense layer",
}


class ConvNet(nn.Module):
    """Convolutions and poolings, then dense ReLU layers. Input (B, C, H, W), output (B, K).

    `filters` are the channels that each convolution gives (odd `kernel_size`, the size of the image kept); every
    `convs_per_pool` of them a 2 x 2 max pooling follows. `dense` are the widths of the hidden dense layers.
    `batch_norm` is a key of `NORMALISED`; a layer that is normalised has a bias only with `bias_before_norm`. Dropout:
    `dropout_conv` after each pooling, `dropout_flat` before the first dense layer, `dropout_dense` after each hidden
    dense layer, or a list with one value for each of them.

    `features` (B, C, H, W) -> (B, F, h, w) and `classifier` (B, F h w) -> (B, K) are the two halves of the forward
    pass; `hidden` is what passes between them, for distillation from or into hidden representations.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        num_classes: int,
        filters: Sequence[int],
        convs_per_pool: int = 1,
        kernel_size: int = 3,
        dense: Sequence[int] = (),
        batch_norm: str = "none",
        bias_before_norm: bool = False,
        dropout_conv: float = 0.0,
        dropout_flat: float = 0.0,
        dropout_dense: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__()
        if batch_norm not in NORMALISED:
            raise ModelError(f"batch_norm: {batch_norm!r} is not known{nearest(str(batch_norm), NORMALISED)}")
        check_widths("filters", *filters)
        check_widths("dense", *dense)
        _check_kernel(kernel_size)
        if convs_per_pool < 1:
            raise ModelError(f"convs_per_pool: must be at least 1, not {convs_per_pool}")
        drops = [dropout_dense] * len(dense) if isinstance(dropout_dense, (int, float)) else list(dropout_dense)
        if len(drops) != len(dense):
            raise ModelError(f"dropout_dense: {len(drops)} values for {len(dense)} hidden dense layers")
        height, width = check_pooling(image_shape, len(filters) // convs_per_pool)

        features: OrderedDict[str, nn.Module] = OrderedDict()
        inner = image_shape[0]
        for n, outer in enumerate(filters, start=1):
            normalised = batch_norm in ("convs", "all") or (batch_norm == "first" and (n - 1) % convs_per_pool == 0)
            bias = bias_before_norm or not normalised
            features[f"conv{n}"] = nn.Conv2d(inner, outer, kernel_size, padding=kernel_size // 2, bias=bias)
            if normalised:
                features[f"norm{n}"] = nn.BatchNorm2d(outer)
            features[f"relu{n}"] = nn.ReLU()
            if n % convs_per_pool == 0:
                features[f"pool{n}"] = nn.MaxPool2d(2)
                _add_dropout(features, f"dropout{n}", dropout_conv)
            inner = outer
        self.features = nn.Sequential(features)

        classifier: OrderedDict[str, nn.Module] = OrderedDict()
        inner *= height * width
        _add_dropout(classifier, "dropout0", dropout_flat)
        for n, (outer, drop) in enumerate(zip(dense, drops, strict=True), start=1):
            classifier[f"dense{n}"] = nn.Linear(inner, outer, bias=bias_before_norm or batch_norm != "all")
            if batch_norm == "all":
                classifier[f"norm{n}"] = nn.BatchNorm1d(outer)
            classifier[f"relu{n}"] = nn.ReLU()
            _add_dropout(classifier, f"dropout{n}", drop)
            inner = outer
        classifier["output"] = nn.Linear(inner, num_classes)
        self.classifier = nn.Sequential(classifier)

    def hidden(self, images: Tensor) -> Tensor:
        """Return the hidden representation (B, D) of images (B, C, H, W): the convolutional half's output, flat."""
        features: Tensor = self.features(images)
        return features.flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.classifier(self.hidden(images))
        return logits


def _check_kernel(size: int) -> None:
    if size < 1:
        raise ModelError(f"kernel_size: must be at least 1, not {size}")
    if size % 2 != 1:
        raise ModelError(f"kernel_size: {size} is not odd, so the size of the image would change")


def _add_dropout(layers: OrderedDict[str, nn.Module], name: str, p: float) -> None:
    # None at all for 0: a model that draws nothing can be trained as one with others of other seeds.
    if p:
        layers[name] = nn.Dropout(p)


def wide_cnn(
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    batch_norm: str = "none",
    bias_before_norm: bool = False,
    dropout_flat: float = 0.0,
    dropout_1: float = 0.0,
) -> ConvNet:
    """Return the wide network of report R3: few layers, many filters."""
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[64, 64, 48],
        dense=[200],
        batch_norm=batch_norm,
        bias_before_norm=bias_before_norm,
        dropout_flat=dropout_flat,
        dropout_dense=dropout_1,
    )


def deep_cnn(
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    batch_norm: str = "none",
    bias_before_norm: bool = False,
    dropout_flat: float = 0.0,
    dropout_1: float = 0.0,
    dropout_2: float = 0.0,
) -> ConvNet:
    """Return the deep network of report R3: many layers, few filters."""
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[8, 8, 16, 16, 32, 32],
        convs_per_pool=2,
        dense=[180, 90],
        batch_norm=batch_norm,
        bias_before_norm=bias_before_norm,
        dropout_flat=dropout_flat,
        dropout_dense=[dropout_1, dropout_2],
    )


def wide_deep_cnn(
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    batch_norm: str = "none",
    bias_before_norm: bool = True,
    dropout_flat: float = 0.0,
    dropout_1: float = 0.0,
    dropout_2: float = 0.0,
) -> ConvNet:
    """Return the network of report R3 that is both; its batch normalisation is `first`.

    The report counts 253,846 parameters with it, which is with the biases of the layers that are normalised, so they
    have one here unless `bias_before_norm` is false.
    """
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[24, 24, 32, 32, 48, 48],
        convs_per_pool=2,
        dense=[220, 120],
        batch_norm=batch_norm,
        bias_before_norm=bias_before_norm,
        dropout_flat=dropout_flat,
        dropout_dense=[dropout_1, dropout_2],
    )


def one_conv_cnn(
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    filters: int = 8,
    kernel_size: int = 3,
    neurons: int = 64,
    batch_norm: str = "none",
    bias_before_norm: bool = False,
    dropout_conv: float = 0.0,
    dropout_dense: float = 0.0,
) -> ConvNet:
    """Return the small network of report R4 with one convolution."""
    check_widths("neurons", neurons)
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[filters],
        kernel_size=kernel_size,
        dense=[neurons],
        batch_norm=batch_norm,
        bias_before_norm=bias_before_norm,
        dropout_conv=dropout_conv,
        dropout_dense=dropout_dense,
    )


def three_conv_cnn(
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    filters: int = 8,
    kernel_size: int = 3,
    neurons: int = 64,
    batch_norm: str = "none",
    bias_before_norm: bool = False,
    dropout_conv: float = 0.0,
    dropout_dense: float = 0.0,
) -> ConvNet:
    """Return the small network of report R4 with three convolutions, each with twice the filters of the one before."""
    check_widths("neurons", neurons)
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[filters, 2 * filters, 4 * filters],
        kernel_size=kernel_size,
        dense=[neurons],
        batch_norm=batch_norm,
        bias_before_norm=bias_before_norm,
        dropout_conv=dropout_conv,
        dropout_dense=dropout_dense,
    )


def custom_cnn(
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    filters: int = 32,
    neurons: int = 512,
    batch_norm: str = "all",
    bias_before_norm: bool = False,
    dropout_conv: float = 0.25,
    dropout_dense: float = 0.5,
) -> ConvNet:
    """Return the custom network of report R0: two pairs of convolutions, the second pair with twice the filters."""
    check_widths("neurons", neurons)
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[filters, filters, 2 * filters, 2 * filters],
        convs_per_pool=2,
        dense=[neurons],
        batch_norm=batch_norm,
        bias_before_norm=bias_before_norm,
        dropout_conv=dropout_conv,
        dropout_dense=dropout_dense,
    )


def deepnn(*, image_shape: tuple[int, int, int], num_classes: int, dropout_dense: float = 0.1) -> ConvNet:
    """Return the teacher of report R0's distillation; `hidden` is (B, 2048) for images of 32 x 32."""
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[128, 64, 64, 32],
        convs_per_pool=2,
        dense=[512],
        dropout_dense=dropout_dense,
    )


def lightnn(*, image_shape: tuple[int, int, int], num_classes: int, dropout_dense: float = 0.1) -> ConvNet:
    """Return the student of report R0's distillation; `hidden` is (B, 1024) for images of 32 x 32."""
    return ConvNet(
        image_shape=image_shape,
        num_classes=num_classes,
        filters=[16, 16],
        dense=[256],
        dropout_dense=dropout_dense,
    )
