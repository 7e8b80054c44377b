import pytest

from gridsearch.analysis.labels import label, score_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001, "0.0001"),
        (1e-6, "0.000001"),
        (1e-9, "1e-09"),
        (0.1, "0.1"),
        (100.0, "100"),
        (2.5e-5, "0.000025"),
        (0.0, "0"),
        (-0.5, "-0.5"),
        (float("nan"), ""),
        (float("inf"), "inf"),
        (64, "64"),
        (True, "true"),
        ([512, 256], "512-256"),
        ("adam", "adam"),
        (None, "null"),
        ("", "none"),
        (1.23456789e-7, "1.23456789e-07"),
        (1e12, "1e+12"),
        ([1, -2], "[1, -2]"),
        ([1, 2], "1-2"),
        ([], "[]"),
        (["a-b"], "['a-b']"),
        (["a", "b"], "a-b"),
        (["1"], "['1']"),
        ([1], "1"),
        ([True, False], "true-false"),
        ([""], "['']"),
    ],
)
def test_a_value_reads_as_people_write_it(value: object, text: str) -> None:
    assert label(value) == text


def test_scores_have_six_decimals() -> None:
    assert score_text(0.98111111) == "0.981111"
    assert score_text(None) == score_text(float("nan")) == ""
    assert score_text(1.5e9) == "1.5e+09"
