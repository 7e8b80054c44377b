"""Tables on narrow terminals and in Markdown."""

from __future__ import annotations

import pytest

from gridsearch.cli.render.tables import Grid, as_markdown, blocks
from gridsearch.cli.streams import folded

GRID = Grid(
    headings=["trial", "batch_size", "learning_rate", "val_accuracy", "error"],
    numeric=[False, True, True, True, False],
    rows=[["3f2a91c4", "128", "0.000001", "0.123456", "RuntimeError: " + "a very long story " * 5]],
    keys=1,
)


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, None])
def test_a_table_keeps_to_the_width_and_its_numbers_stay_whole(width: int | None) -> None:
    found = blocks(GRID, width)
    lines = [line for block in found for line in [*block.head, *block.body]]
    assert width is None or max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert {"128", "0.000001", "0.123456"} <= set(words)
    assert all(block.body[1].startswith("3f2a91c4") for block in found)
    assert (len(found) == 1) is (width is None)
    assert ("…" in " ".join(lines)) is (width is not None and width <= 80)


@pytest.mark.parametrize("width", [20, 60, 80, None])
def test_sentences_are_folded_between_words(width: int | None) -> None:
    text = "small: 1,234 trials, +48 new; 4,800 epochs to train from results-of-today/small.yaml"
    lines = folded(text, width, indent=2).splitlines()
    assert " ".join(line.strip() for line in lines) == text
    assert width is None or all(len(line) <= width or len(line.split()) == 1 for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_markdown_takes_nothing_for_markup() -> None:
    row = as_markdown(Grid(["a"], [False], [["<b>|`x`*[y]\\"]])).splitlines()[2]
    assert row == "| \\<b\\>\\|\\`x\\`\\*\\[y\\]\\\\ |"
