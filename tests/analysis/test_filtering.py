import pytest

from gridsearch.analysis.filtering import TableError, matching
from tests.analysis.grids import SHALLOW, grid, shallow_score

DATA = grid(SHALLOW, shallow_score)


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("neurons == 50", 48),
        ("neurons == 50 and learning_rate >= 0.01", 24),
        ("neurons in [10, 25] or batch_size < 8", 112),
        ("not (neurons == 50)", 144),
        ("0.001 <= learning_rate <= 0.01", 96),
        ("score > 2", 0),
        ("optimizer == 'sgd'", 192),
        ("diverged_epoch > 0", 0),
        ("nesterov == False", 192),
    ],
)
def test_rows_for_which_the_expression_holds(expression: str, count: int) -> None:
    assert len(matching(DATA.trials, expression)) == count


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nuerons == 50", "unknown column 'nuerons' (did you mean 'neurons'?)"),
        ("neurons <", "is not an expression"),
        ("neurons < 'a'", "not supported"),
        ("'a' * 1000000000 == 'b'", "not a number"),
        ("1" * 2000, "longer than"),
        ("", "is not an expression"),
        ("neurons == 1 / 0", "division by zero"),
    ],
)
def test_errors_are_one_line(expression: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        matching(DATA.trials, expression)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 2500


@pytest.mark.parametrize("repeated", ["-", "not ", "("])
def test_nesting_ends_in_rows_or_in_one_line(repeated: str) -> None:
    expression = repeated * (990 // len(repeated)) + "1"
    try:
        matching(DATA.trials, expression)
    except TableError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "neurons.__class__",
        "@pd",
        "`neurons`",
        "(lambda: 1)()",
        "[x for x in (1,)]",
        "trial[0] == 'a'",
        "f'{neurons}'",
        "(n := 1)",
        "neurons ** 9999",
    ],
)
def test_nothing_but_comparisons_is_evaluated(expression: str) -> None:
    with pytest.raises(TableError):
        matching(DATA.trials, expression)
