"""A job as stores keep it is read back as it was, from the first versions' stores too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.axes import Axis
from gridsearch.config.image_format import ImageFormat
from gridsearch.config.record import Drawn, JobRecord
from gridsearch.config.sections import Constraints, Objective, TeacherChoice
from gridsearch.errors import StoreDamagedError
from tests.analysis.grids import make_job

#: Just as version 1 wrote it.
FIRST: dict[str, Any] = {
    "dataset": "digits",
    "fingerprint": "f" * 64,
    "model": "shallow",
    "description": "",
    "base": "jobs",
    "axes": [{"name": "learning_rate", "values": [0.1, 0.01], "scale": "log"}],
    "fixed": {"epochs": 3},
    "objective": {"metric": "val_loss", "at": "last", "mode": "min"},
    "images": {"train": 9, "validation": 3, "test": 2},
}
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
NAMES = st.text("abcdef_", min_size=1, max_size=8)
SETTINGS = st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=3)), max_size=3)


@st.composite
def records(draw: st.DrawFn) -> JobRecord:
    models = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    axes = draw(st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3), max_size=3))
    repeats = draw(st.integers(1, 3))
    return JobRecord(
        dataset=draw(st.text(max_size=5)),
        fingerprint="f" * 64,
        models=tuple(models),
        base=Path("jobs"),
        axes=tuple(Axis(name, tuple(values), "category") for name, values in axes.items()),
        fixed=draw(SETTINGS),
        model_defaults={name: draw(SETTINGS) for name in models},
        model_sources={name: {"nets": "0" * 12} for name in models if draw(st.booleans())},
        teacher=draw(st.none() | st.just(TeacherChoice(job="big"))),
        objective=Objective(metric="val_loss", mode=draw(st.sampled_from(["max", "min"]))),
        images={"train": 9, "validation": 3, "test": 0},
        image_shape=(1, 8, 8),
        image_format=draw(st.sampled_from([ImageFormat(), ImageFormat((8, 9), "crop", "black")])),
        classes=10,
        class_names=tuple("0123456789"),
        search=draw(st.none() | st.just(Drawn(random=9, drawn=4, size=None))),
        repeats=repeats,
        repeat_over=draw(st.sampled_from(["weights", "split"])) if repeats > 1 else "weights",
        folds=draw(st.none() | st.integers(2, 5)),
        constraints=draw(st.sampled_from([Constraints(), Constraints(macs=5, seconds=0.5)])),
    )


@given(records())
def test_what_is_written_is_read_back(record: JobRecord) -> None:
    text = json.dumps(record.as_json())
    again = JobRecord.model_validate(json.loads(text))
    assert json.dumps(again.as_json()) == text
    kept = {name: found for name, found in record.model_sources.items() if found}
    assert again == record.model_copy(update={"model_sources": kept})


def test_a_record_of_the_first_version_is_read_and_keeps_its_form() -> None:
    record = JobRecord.model_validate(FIRST)
    assert record.models == ("shallow",) and record.axis_names == ["learning_rate"] and record.base == Path("jobs")
    assert record.objective.heading == "val_loss" and not record.objective.highest
    assert not record.has_groups and record.repeated_seeds == () and record.limits == {} and record.image_shape is None
    assert {key: value for key, value in record.as_json().items() if key in FIRST} == FIRST


def test_seeds_that_are_an_axis_tell_points_apart() -> None:
    job = FIRST | {"repeats": 3, "repeat_over": "both", "folds": 2}
    assert JobRecord.model_validate(job).repeated_seeds == ("seed", "data_seed")
    job["axes"] = [{"name": "seed", "values": [0, 1], "scale": "linear"}]
    assert JobRecord.model_validate(job).differing == ("data_seed", "fold")


def test_several_models_have_settings_of_their_own() -> None:
    job = FIRST | {"model": ["shallow", "mlp"], "defaults": {"mlp": {"dropout": 0.0}}}
    record = JobRecord.model_validate(job)
    assert record.defaults("mlp") == {"dropout": 0.0} and record.defaults("shallow") == {}
    assert record.lacks("shallow", "dropout") and not record.lacks("mlp", "dropout")
    assert not JobRecord.model_validate(FIRST).lacks("shallow", "dropout")


@pytest.mark.parametrize("wrong", [{"axes": 3}, {"axes": [{}]}, {"objective": {"metric": 3}}, {"repeats": "many"}])
def test_what_is_no_job_is_damage(wrong: dict[str, Any]) -> None:
    row = replace(make_job({}), spec=FIRST | wrong)
    with pytest.raises(StoreDamagedError, match="^the record in the store of job 'sample' is not valid: [^\n]+$"):
        _ = row.record
