import pytest

from gridsearch.analysis.filtering import TableError, matches, matching
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
        ("nesterov == false", 192),
        ("diverged_epoch == null", 192),
        ("freeze == ''", 192),
        ("state == 'pending'", 0),
    ],
)
def test_rows_for_which_the_expression_holds(expression: str, count: int) -> None:
    assert len(matching(DATA.trials, expression)) == count


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nuerons == 50", "unknown column 'nuerons' (did you mean 'neurons'?)"),
        ("neurons <", "is not an expression"),
        ("neurons < 'a'", "neither is less than the other"),
        ("optimizer * 1000000000 == 3", "not a number"),
        ("1" * 2000, "longer than"),
        ("", "is not an expression"),
        ("neurons == '50'", "write 50 without quotes"),
        ("optimizer == 'SGD'", "did you mean 'sgd'?"),
        ("state == 'done'", "there is no such state"),
        ("trial == '3f2a'", "the whole id has 64 digits; see: gridsearch show 3f2a"),
        ("score == 'best'", "score is a number"),
        ("neurons == 1 / 0", "division by zero"),
        ("pretrained == 'imagnet'", "filter: pretrained is never 'imagnet': it is ''"),
        ("model == 'mlp'", "unknown column 'model'; all trials of a job have the same model"),
        ("epoch == 3", "unknown column 'epoch'; it is called epochs here"),
    ],
)
def test_errors_are_one_line(expression: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        matching(DATA.trials, expression)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 2500


def test_lists_and_null_are_taken_as_in_rules() -> None:
    data = grid({"shape": [[1, -2], [1, 2], []], "dropout": [None, 0.5]}, lambda point: 0.5)
    for expression, count in [
        ("shape == [1, -2]", 2),
        ("shape == []", 2),
        ("2 in shape", 2),
        ("dropout == null", 3),
        ("dropout != null", 3),
        ("dropout < 1", 3),
        ("shape in [[1, 2], []] and dropout == 0.5", 2),
    ]:
        assert len(matching(data.trials, expression)) == count, expression
    with pytest.raises(TableError, match=r"shape is a list, and '1--2' is text"):
        matching(data.trials, "shape == '1--2'")


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


def test_names_are_those_of_all_rows_and_not_only_of_the_ones_looked_at() -> None:
    data = grid({"activation": ["relu", "tanh"]}, lambda point: 0.5)
    some = data.trials["activation"] == "relu"
    assert not matches(data.trials, "activation == 'tanh'", some).any()
    assert matches(data.trials, "activation == 'relu'", some).tolist() == some.tolist() == [True, False]
    assert matches(data.trials, "1 == 1", some).tolist() == [True, False]
    with pytest.raises(TableError, match=r"never 'tnah': it is 'relu' or 'tanh' \(did you mean 'tanh'\?\)"):
        matches(data.trials, "activation == 'tnah'", some)
