"""Tables on narrow terminals and in Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(
    st.lists(st.text("ab_ ", max_size=60), min_size=2, max_size=6),
    st.lists(st.text("xyz", max_size=200), min_size=1, max_size=4),
    st.integers(30, 120),
)
def test_no_name_of_a_row_or_a_column_is_wider_than_the_terminal(
    headings: list[str], names: list[str], width: int
) -> None:
    cells = ["0.5"] * (len(headings) - 1)
    grid = Grid(headings, [False, *[True] * len(cells)], [[name, *cells] for name in names], keys=1)
    found = blocks(grid, width)
    assert max(len(line) for block in found for line in [*block.head, *block.body]) <= width
    shown = [line[: len(name)].partition("…")[0].strip() for name, line in zip(names, found[0].body[1:], strict=True)]
    assert all(name.startswith(one) for name, one in zip(names, shown, strict=True))


def test_a_name_that_leaves_room_for_a_column_stays_whole() -> None:
    grid = Grid(["layer", "parameters", "shape"], [False, True, True], [["a" * 60, "1,000", "3 x 3"]], keys=1)
    assert all("a" * 60 in block.body[1] for block in blocks(grid, 80))


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
