"""A model's layers as a table: on a terminal narrow enough to be read, elsewhere with a column for everything."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gridsearch.cli.render.tables import Format, Grid

if TYPE_CHECKING:
    from gridsearch.models.layers import Layer, LayerTable, Shape


def layers_grid(table: LayerTable, image_shape: Shape, format_: Format) -> Grid:
    """Return the layers as a table of texts, for documents with their sum in the last row; CSV has bare numbers."""
    bare, narrow = format_ is Format.CSV, format_ is Format.TABLE
    frozen = table.trainable < table.parameters
    headings = ["layer", "type", *([] if narrow else ["weight"]), "output", "params"]
    headings += [*(["trainable"] if frozen else []), "macs"]

    def cells(name: str, described: list[str], counts: tuple[int, int, int]) -> list[str]:
        parameters, trainable, macs = (str(count) if bare else f"{count:,}" for count in counts)
        return [name, *described, parameters, *([trainable] if frozen else []), macs]

    def described(layer: Layer) -> list[str]:
        weight, output = shape_text(layer.weight), shape_text(layer.output)
        return [f"{layer.type} {weight}".rstrip(), output] if narrow else [layer.type, weight, output]

    rows = [cells(each.name, described(each), (each.parameters, each.trainable, each.macs)) for each in table.layers]
    if not bare and not narrow:
        texts = headings.index("params") - 1
        rows.append(cells("total", [""] * texts, (table.parameters, table.trainable, table.macs)))
    return Grid(
        headings=headings,
        numeric=[heading in ("params", "trainable", "macs") for heading in headings],
        rows=rows,
        caption=f"{counted(table)} for one image of {' x '.join(map(str, image_shape))}",
        keys=1,
    )


def counted(table: LayerTable) -> str:
    """Return the sums in words."""
    trainable = "all" if table.trainable == table.parameters else f"{table.trainable:,}"
    return f"{table.parameters:,} parameters, {trainable} trainable; {table.macs:,} multiply-adds"


def layers_json(table: LayerTable) -> dict[str, Any]:
    """Return the layers and their sums as JSON values."""
    return {
        "parameters": table.parameters,
        "trainable": table.trainable,
        "macs": table.macs,
        "layers": [dataclasses.asdict(layer) for layer in table.layers],
    }


def shape_text(shape: Shape | None) -> str:
    """Return a shape as `64x3x3x3`."""
    return "x".join(map(str, shape or ()))
