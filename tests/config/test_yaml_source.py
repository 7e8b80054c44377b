from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.yaml_source import parse_document, parse_value, read_document
from gridsearch.errors import JobError


def test_values_and_their_places() -> None:
    document = parse_document("name: a\nspace:\n  epochs: [10, 20]\n", "job.yaml")
    assert document.data == {"name": "a", "space": {"epochs": [10, 20]}}
    assert str(document.place(("space", "epochs", 1))) == "job.yaml:3:16"
    assert str(document.place(("space", "epochs"), key=True)) == "job.yaml:3:3"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-2.5e+2", -250.0),
        (".5", 0.5),
        ("1_000", 1000),
        ("007x", "007x"),
        ("true", True),
        ("null", None),
        ("'no'", "no"),
        ("2026-11-22", "2026-11-22"),
        ("a.b:C", "a.b:C"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    result = parse_value(text, "x")
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("a: no", "ambiguous"),
        ("a: [yes, 'x']", "ambiguous"),
        ("a: off", "ambiguous"),
        ("a: 010", "read differently"),
        ("a: 1:30", "read differently"),
        ("a: 0x1F", "read differently"),
        ("a: .nan", "not a usable number"),
        ("a: -.inf", "not a usable number"),
        ("a: 1\na: 2", "appears twice (first in line 1)"),
        ("space: {x: 1, x: 2}", "appears twice"),
        ("? [a, b]\n: 1", "a key must be plain text"),
        ("a: !!python/object/apply:os.system ['true']", "is not allowed"),
        ("a: !mine 3", "is not allowed"),
        ("a: &x [1]\n<<: *x", "job.yaml:2:1: <<: takes a map"),
        ("a: &a\n  <<: *a", "too deeply"),
        ("- a\n- b", "is a map of keys to values"),
        ("just text", "is a map of keys to values"),
        ("", "is a map of keys to values"),
        ("a: [1, 2", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("a: '\x00'", "not valid YAML"),
        ("a: *nowhere", "not valid YAML"),
        (
            "a: 1\n--- \nb: 2",
            "job.yaml:2:1: a second YAML document starts here (---); a job file must be a single document",
        ),
        ("[" * 3000, "not valid YAML"),
    ],
)
def test_traps_are_refused_in_one_line(text: str, fragment: str) -> None:
    with pytest.raises(JobError) as caught:
        parse_document(text, "job.yaml")
    message = str(caught.value)
    assert message.startswith("job.yaml")
    assert "\n" not in message
    assert fragment in message or "too deeply" in message


def test_merge_keys_and_anchors_under_keys_of_the_writers_own() -> None:
    text = """
x-base: &base {lr: 1, deep: {a: 1}, note: [1, 2]}
x-more: &more {lr: 2, extra: 3}
one: {<<: *base, lr: 5}
two:
  lr: 6
  <<: [*more, *base]
three: {<<: {<<: *more, lr: 7}}
list: *base
"""
    document = parse_document(text, "job.yaml")
    base = {"lr": 1, "deep": {"a": 1}, "note": [1, 2]}
    assert document.data == {
        "one": base | {"lr": 5},
        "two": base | {"lr": 6, "extra": 3},
        "three": {"lr": 7, "extra": 3},
        "list": base,
    }
    assert str(document.place(("one", "deep", "a"))) == "job.yaml:2:33"
    assert str(document.place(("one", "lr"))) == "job.yaml:4:22"
    assert str(document.place(("two", "extra"), key=True)) == "job.yaml:3:23"


@pytest.mark.parametrize(
    ("first", "following"),
    [("[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", "[{}]"), ("{k0: 1}", "{{<<: [{}]}}")],
    ids=["aliases", "merge keys"],
)
def test_bombs_are_refused_quickly(first: str, following: str) -> None:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} {following.format(', '.join([f'*a{i - 1}'] * 10))}" for i in range(1, 10)]
    started = time.process_time()
    with pytest.raises(JobError, match="too large"):
        parse_document("\n".join(lines), "job.yaml")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("content", "fragment"),
    [(b"\xff\xfea\x00", "not UTF-8"), (b"a: 1\nb: \xe9", ":2: not UTF-8"), (b"x" * 300_000, "too many")],
)
def test_unreadable_files(tmp_path: Path, content: bytes, fragment: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(content)
    with pytest.raises(JobError, match=fragment):
        read_document(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no such job file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(JobError, match="cannot be read"):
        read_document(tmp_path)


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_document(path).data == {"name": "a"}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        parse_document(text, "job.yaml")
    except JobError as error:
        assert "\n" not in str(error).replace(repr(text), "")
