import pytest

from gridsearch.analysis.labels import Spread, brief_text, label, mean_text, score_text


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
    assert score_text(1.5e9) == "1.50000e+09" and score_text(-1e-9) == "-1.00000e-09"
    assert score_text(-12.5) == "-12.500000" and score_text(-0.0) == "0.000000"


def test_scores_in_sentences_are_short() -> None:
    assert [brief_text(value) for value in (0.98111, 0.0, -0.5, 1e-9, -4e8)] == [
        "0.9811",
        "0.0000",
        "-0.5000",
        "1e-09",
        "-4e+08",
    ]


def test_means_of_any_size_show_their_spread() -> None:
    assert mean_text(-0.5, Spread(0.25, 4, 4, 0)) == "-0.5000 ± 0.2500 (n=4)"
    assert mean_text(2.5e-9, Spread(3e-10, 2, 2, 0)) == "2.5e-09 ± 3e-10 (n=2)"
    assert mean_text(1.5e9, Spread(2e7, 2, 2, 0)) == "1.5e+09 ± 2e+07 (n=2)"
    assert mean_text(0.0, Spread(0.0, 2, 2, 0)) == "0.0000 ± 0.0000 (n=2)"
    assert mean_text(-1e-17, Spread(0.5, 2, 2, 0)) == "0.0000 ± 0.5000 (n=2)"
