"""The page that holds jobs against each other, in one file."""

from __future__ import annotations

from typing import Any

from gridsearch.analysis.comparing.jobs import JobComparison
from gridsearch.analysis.comparing.shared import Pairing, SharedCell
from gridsearch.analysis.comparing.telling import (
    answer_text,
    interval_text,
    lead_text,
    pairing_notes,
    pairing_text,
    signed,
)
from gridsearch.analysis.labels import score_text
from gridsearch.paths import INDEX_PAGE, compared_page, file_stem
from gridsearch.visualization.figures.comparison import compared_figure
from gridsearch.visualization.figures.paired import MOST_DRAWN, differences_figure, scores_figure
from gridsearch.visualization.inlining import asset, environment, json_data, page_script, plotly_script, policy
from gridsearch.visualization.page import MOST_PLOTS, Stamp
from gridsearch.visualization.shared_parts import SharedParts
from gridsearch.visualization.theme import CONFIG, dark_colors

#: More rows are not read on a page: it has those that differ most, and says how to get all.
MOST_CELLS = 60


def compared_html(found: JobComparison, stamp: Stamp) -> str:
    """Return the page of a comparison, complete in itself."""
    drawn = bool(found.curves or any(pair.cells for pair in found.pairings))
    scripts = [plotly_script(), page_script("compared")] if drawn else []
    return (
        environment()
        .get_template("compared.html")
        .render(
            found=found,
            stamp=stamp,
            answer=answer_text(found),
            pairing_text=pairing_text,
            notes={pair.labels: list(pairing_notes(pair, found.by)) for pair in found.pairings},
            listed=_listed,
            most_cells=MOST_CELLS,
            most_drawn=MOST_DRAWN,
            score_text=score_text,
            signed=signed,
            interval_text=interval_text,
            lead_text=lead_text,
            over=found.baseline.score if found.baseline else None,
            plots=found.curves.plots[:MOST_PLOTS] if found.curves else (),
            policy=policy(scripts),
            style=asset("page.css"),
            scripts=scripts,
            figures=json_data(_figures(found)),
            index_page=INDEX_PAGE,
        )
    )


def _listed(pair: Pairing) -> list[SharedCell]:
    """Return the cells of the page's table: in the order of the grid, or of very many those that differ most."""
    if len(pair.cells) <= MOST_CELLS:
        return list(pair.cells)
    return sorted(pair.cells, key=lambda cell: -abs(cell.difference))[:MOST_CELLS]


def _figures(found: JobComparison) -> dict[str, Any]:
    parts = SharedParts()
    zero = found.baseline.score if found.baseline else None
    curves = found.curves
    return {
        "job": file_stem(compared_page_name(found)),
        "config": CONFIG,
        "template": parts.template,
        "dark": dark_colors(),
        "pairs": [
            {"scores": parts.whole(scores_figure(pair, zero)), "differences": parts.whole(differences_figure(pair))}
            if pair.cells
            else None
            for pair in found.pairings
        ],
        "compare": {
            curves.axis: {one.metric: parts.curves(compared_figure(curves, one)) for one in curves.plots[:MOST_PLOTS]}
        }
        if curves
        else {},
    } | {"shared": parts.values}


def compared_page_name(found: JobComparison) -> str:
    """Return what files that are saved from the page begin with."""
    from pathlib import Path

    return compared_page(Path(), found.labels).stem
