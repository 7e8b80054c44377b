"""Configurations that are built from values checked before are those that pydantic makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gridsearch.config.identity import canonical, names, names_of, parse_with_lineage
from gridsearch.config.own_training import OwnConfig
from gridsearch.config.trial import Split, TrialConfig
from gridsearch.config.trial_builder import TrialBuilder, TrialReader

#: Values that are equal and yet not the same, and texts that JSON escapes.
SCALARS = st.sampled_from([0, 1, 1.0, True, False, 0.0, -0.0, 0.1, 1e16, "1", "", 'ü"\n', None])
VALUES = st.one_of(SCALARS, st.lists(st.sampled_from([1, 1.0, True, 0.5, "a"]), max_size=3))
HYPER = st.dictionaries(st.sampled_from(["neurons", "hidden", "é", "batch norm"]), VALUES, max_size=3)
SETTINGS = st.fixed_dictionaries(
    {
        "batch_size": st.sampled_from([1, 8]),
        "epochs": st.sampled_from([1, 10]),
        "learning_rate": st.sampled_from([1, 1.0, 0.5, 1e-05]),
        "hyper": HYPER,
    },
    optional={
        "momentum": st.sampled_from([0, 0.0, -0.0, 0.9]),
        "nesterov": st.booleans(),
        "weight_decay": st.sampled_from([0.0, 1e-4, 1]),
        "schedule": st.sampled_from(["constant", "cosine"]),
        "early_stopping": st.sampled_from([0, 3]),
        "seed": st.sampled_from([0, 7]),
        "version": st.sampled_from([1, 2]),
        "fold": st.sampled_from([0, 1]),
    },
)
COMMON: dict[str, Any] = {"dataset": "d" * 64, "model": "shallow"}


@given(st.lists(SETTINGS, max_size=8), st.sampled_from([Split(), Split(folds=2), Split(test=0.5, merge=True)]))
def test_what_is_built_is_what_pydantic_makes(points: list[dict[str, Any]], split: Split) -> None:
    builder = TrialBuilder(split=split, **COMMON)
    for settings in points:
        (built, members), made = builder.build(settings), TrialConfig(split=split, **COMMON, **settings)
        assert repr(built) == repr(made) and built.model_fields_set == made.model_fields_set
        assert names_of(members, shares_prefix=built.shares_prefix) == names(made)
        assert built == made and list(vars(built)) == list(vars(made)) and hash(built.split) == hash(made.split)
        assert repr(built.model_copy(update={"seed": 9})) == repr(made.model_copy(update={"seed": 9}))


def test_a_value_that_is_not_allowed_is_refused_however_much_is_known() -> None:
    builder = TrialBuilder(split=Split(), **COMMON)
    point: dict[str, Any] = {"batch_size": 8, "epochs": 1, "learning_rate": 0.1, "hyper": {"neurons": 1}}
    builder.build(point)
    for wrong in ({"epochs": True}, {"epochs": 1.0}, {"batch_size": 0}, {"hyper": {"neurons": {}}}):
        for _ in range(2):
            with pytest.raises(ValidationError):
                builder.build(point | wrong)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"hyper": HYPER, "monitor": st.sampled_from(["", "val_f1 max"])},
            optional={"epochs": st.sampled_from([1, 10]), "seed": st.sampled_from([0, 7])},
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_own_trainings_are_built_as_pydantic_makes_them(points: list[dict[str, Any]], shares_epochs: bool) -> None:
    common = {"training": "function", "model": "mine:train", "inputs": {"a": "b"}, "shares_epochs": shares_epochs}
    builder = TrialBuilder(OwnConfig, **common)
    for settings in points:
        built, members = builder.build(settings)
        made = OwnConfig(**common, **settings)
        assert repr(built) == repr(made)
        assert names_of(members, shares_prefix=built.shares_prefix) == names(made)


@given(st.lists(SETTINGS, max_size=8), st.booleans())
def test_what_is_read_of_many_trials_is_what_is_read_of_each(points: list[dict[str, Any]], own: bool) -> None:
    reader = TrialReader()
    for settings in points:
        config: TrialConfig = TrialConfig(**COMMON, **settings)
        if own:
            config = OwnConfig(training="function", model="mine:train", hyper=settings["hyper"], monitor="val_f1 max")
        text = canonical(config)
        # Forms of another version may have what this one leaves out.
        for written in (text, text.replace("{", '{"seed":0,', 1) if '"seed"' not in text else text):
            assert reader.parse_with_lineage(written) == parse_with_lineage(written)


@pytest.mark.parametrize("text", ["[]", "{", "1", '{"epochs":0}', '{"training":"function"}'])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        TrialReader().parse_with_lineage(text)
