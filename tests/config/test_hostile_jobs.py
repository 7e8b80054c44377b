"""Job files and expressions at random: each is read, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsearch.config.job import job_from_text, load_job
from gridsearch.config.rules import parse_rule
from gridsearch.config.value_kinds import Comparable, comparable_to
from gridsearch.errors import GridsearchError, JobError
from tests.small_job import JOB

KEYS = [
    *("name", "dataset", "split", "model", "space", "batch_size", "epochs", "learning_rate", "neurons", "rules"),
    *("objective", "seed", "repeats", "optimizer", "momentum", "search", "teacher", "constraints", "schedule"),
    *("pretrained", "description", "freeze", "precision", "data_seed", "nesterov"),
]
VALUES = [
    *("1", "-1", "0", "1e400", "9" * 30, "9" * 200, "1e-400", "[]", "{}", "[[]]", "null", "true", "'1'", "[1, '1']"),
    *(r"'\x1b[31m'", r'"\u202e"', r'"\ud800"', r'"\0"', "&a [*a]", "*a", "!!python/object:os.system x", "1:30"),
    *("{range: [1, 9e18]}", "{range: [1, 1, 1]}", "{logspace: [0, 1], num: 5}", "{linspace: [0, 1], num: 1000000000}"),
    *("{logspace: [1e-300, 1e300], num: 99999999}", "{uniform: [0, 1]}", "{random: 1e9}", "{test: 1e9}"),
    *("[" * 300 + "]" * 300, "{a: " * 300 + "1" + "}" * 300, "'" + "x" * 5000 + "'", ".nan", "/dev/zero", "'a\nb'"),
    *("[{skip: '" + "-" * 900 + "1'}]", "[{skip: 'epochs > 1'}]", "{folds: 99999999999}", "{metric: x}", "é", "<<: 1"),
]
SIGNS = "\t\x00\ufeff\x1b\u2028\x85\u200b\u202e{}[]&*!#:?|>'\"%@-,\ud800\U0010ffff"
added = st.tuples(st.sampled_from(["", "  "]), st.sampled_from(KEYS), st.sampled_from(VALUES)).map(
    lambda parts: f"{parts[0]}{parts[1]}: {parts[2]}"
)
PLACE = st.integers(0, 200)


@settings(max_examples=150)
@given(st.lists(st.tuples(PLACE, st.one_of(added, st.text(SIGNS, max_size=3))), min_size=1, max_size=3), st.booleans())
def test_any_job_file_is_read_or_refused_in_one_line(changes: list[tuple[int, str]], replace: bool) -> None:
    text = JOB
    for place, new in changes:
        lines = text.splitlines() or [""]
        if ":" in new:
            at = place % len(lines)
            lines[at : at + replace] = [new]
            text = "\n".join(lines)
        else:
            at = place % (len(text) + 1)
            text = text[:at] + new + text[at + 5 * replace :]
    try:
        job = job_from_text(text, base=Path(), source="job.yaml")
    except GridsearchError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 8000
    else:
        assert len(job.space) >= 1


@settings(max_examples=50)
@given(st.binary(max_size=60), PLACE)
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    file = tmp_path_factory.mktemp("jobs") / "caf\udce9.yaml"
    raw = JOB.encode()
    file.write_bytes(raw[:at] + noise + raw[at:])
    try:
        load_job(file, [])
    except JobError as error:
        assert "\n" not in str(error)


PARTS = st.sampled_from(
    [
        *("a", "b", "1", "-1", "1e999", "0x1f", "'x'", '"\u202e"', "(", ")", "[", "]", ",", "+", "-", "*", "/", "//"),
        *("%", "**", "==", "!=", "<", "in", "not", "and", "or", "is", "lambda", ":", ":=", ".", "@", "\\", "\x00", "é"),
    ]
)


@settings(max_examples=200)
@given(st.lists(PARTS, max_size=12), st.sampled_from([1, 30, 300]))
def test_any_expression_is_decided_or_refused_in_one_line(parts: list[str], times: int) -> None:
    text = " ".join(parts * times)
    try:
        parse_rule(text, {"a": comparable_to([1]), "b": Comparable()}).holds({"a": 1, "b": "text"})
    except ValueError as error:
        assert "\n" not in str(error)
