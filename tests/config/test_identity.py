from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.identity import (
    canonical,
    canonical_value,
    flatten,
    lineage_id,
    names,
    parse,
    parse_with_lineage,
    trial_id,
    under_version,
)
from gridsearch.config.trial import Split, TrialConfig, without_dead_settings

BASE: dict[str, Any] = {
    "dataset": "d" * 64,
    "model": "shallow",
    "hyper": {"neurons": 10},
    "batch_size": 4,
    "epochs": 10,
    "learning_rate": 0.1,
}

#: Ids given once. A change here means that nobody's stored results are found any more: raise the version of the trials
#: concerned (`config/versions.py`) instead if the numbers really change, and never otherwise.
KNOWN: list[tuple[dict[str, Any], str]] = [
    ({}, "36e5efc0cf85c0d590b9155295ae1e22fe783c0405874cf9f201413c1a325d29"),
    ({"epochs": 100}, "c19656035c3f4ff5cfa30748f4b7b76cd7a4baeaaae1fb06e2e85e4389ec446b"),
    ({"learning_rate": 1.0}, "2b74c8c37da433746bbdc8f674658b3608d8040b2f8ca8bb372ccc668b5c7b46"),
    ({"optimizer": "adam"}, "e491bad8e575e0cee9830a84cd300bc4dfb873aa557ee9d36ce82697accf8c99"),
    ({"momentum": 0.9, "nesterov": True}, "10d45fd956f370c4d1d552329453b9d06e5d8552083765ff8e06c55a007ad72d"),
    ({"weight_decay": 5e-4}, "38ee682cf6bf3578aca4142e3efa417065cd1d6747ce14c9ab274859f4fb2401"),
    ({"schedule": "cosine"}, "b059e302a3f8f85ee280879daaa3880c95709758c11cc3a8664d0703a4aa88bd"),
    ({"seed": 7, "data_seed": 3}, "f7b984a7c270a746dafe0ddd7d79ed682aa3996d6d85f7ce7c1607f3c18760c0"),
    (
        {"split": {"merge": True, "test": 0.1}},
        "cf9885de3b583be0ada52454eac5eb6fe4eebd794f2c69eb3df4f485a4c5c458",
    ),
    (
        {
            "model": "mine:Net",
            "model_code": "c" * 64,
            "hyper": {"hidden": [64, 32], "dropout": 0.5, "bn": True},
        },
        "cf5f3da66f48a91bb79155bb2e1a411d160739c26260d2c2ac543c524a3a8f87",
    ),
    ({"split": {"train": 500, "validation": 0.25}}, "32999e8702d4b3292e88a49062bf8bdefdb484d5118840c96282010d0a2c6381"),
    (
        {"schedule": "plateau", "gamma": 0.5, "plateau_patience": 3, "early_stopping": 5, "restore_best": True},
        "57fc6aff7d8f225920062a1115e2c12da99c40fb6bb47c96059aa76104713be8",
    ),
    (
        {"normalization": "channel", "flip": True, "crop_padding": 4, "rotation": 15, "precision": "mixed"},
        "e6561bce6f261f3352c8bca4e86a2514114198fa13d90dda98612b92b8b0a2bf",
    ),
    (
        {"label_smoothing": 0.1, "l1": 1e-4, "clip_norm": 1.0, "pretrained": "imagenet", "freeze": "fc.*"},
        "f134d89d856835ab86070174b3f30ab45247e06932f4edd9eadc25e2cbb33aad",
    ),
    (
        {"distillation": "soft", "temperature": 4.0, "distillation_weight": 0.7, "teacher": "f" * 64},
        "45600f874a02fc5a5840636bcfe42a11962ff8c97931f2dc897bd0e8f00bd653",
    ),
    ({"split": {"folds": 5}}, "ed4c694a8dd300e961a1fc6ed1a57203e4b9f38482884190457d049daae89b32"),
    ({"split": {"folds": 5}, "fold": 2}, "82d0dc5847d549aea2dba95d1d01e6ffd9819443eb4db79f17c9fc53efd62164"),
    ({"split": {"deduplicate": True}}, "764db99cfb745f8a0e5ef75c53758ea9c6d006487818b3fe4fb81ec5e85fd149"),
    ({"split": {"deduplicate": False}}, "36e5efc0cf85c0d590b9155295ae1e22fe783c0405874cf9f201413c1a325d29"),
    ({"last_batch": "keep"}, "36e5efc0cf85c0d590b9155295ae1e22fe783c0405874cf9f201413c1a325d29"),
    ({"split": {"validation": 0.2}}, "36e5efc0cf85c0d590b9155295ae1e22fe783c0405874cf9f201413c1a325d29"),
    ({"last_batch": "merge"}, "a60f9e325060e638b377aa59179d4ea8dfbfa96b646abf824aae64d72a8b944b"),
    ({"split": {"validation": "own"}}, "6cb7178a00e54b9b4435a6d8738cdcec8760637204034ffcca0ab92541e9c7eb"),
    ({"version": 1}, "36e5efc0cf85c0d590b9155295ae1e22fe783c0405874cf9f201413c1a325d29"),
    ({"version": 2}, "7aedb088797747054f94f0c19e102df155d88ed34764289e94d86550e6f07abb"),
    (
        {"version": 2, "model": "mine:Net", "model_code": "c" * 64, "hyper": {"hidden": [64, 32]}},
        "f3d63c24060b3663f1e34d372eb468d35cfb2b1af970ebdca97a72b62a297092",
    ),
    ({"version": 2, "precision": "mixed"}, "e71b6c736ce29207d7018a7011904d0d753bf20cf6e40eba3f71e16d962eb6ef"),
    (
        {"version": 2, "model": "custom_cnn", "hyper": {}, "optimizer": "adam"},
        "defb91967fd69a65575ec086a68d3d031914d6bd0f60a5cd12b72e86e5496e43",
    ),
]

configs = st.builds(
    TrialConfig,
    dataset=st.sampled_from(["a", "b"]),
    model=st.sampled_from(["shallow", "deep"]),
    hyper=st.dictionaries(
        st.sampled_from(["neurons", "dropout", "hidden"]),
        st.one_of(
            st.integers(0, 100),
            st.floats(0, 1),
            st.booleans(),
            st.text(max_size=5),
            st.lists(st.integers(1, 9), min_size=1),
        ),
    ),
    batch_size=st.integers(1, 512),
    epochs=st.integers(1, 100),
    learning_rate=st.floats(1e-6, 10, exclude_min=True),
    optimizer=st.sampled_from(["sgd", "adam", "adamw", "rmsprop"]),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    schedule=st.sampled_from(["constant", "step", "cosine"]),
    seed=st.integers(0, 5),
    split=st.builds(
        Split,
        merge=st.booleans(),
        test=st.sampled_from([None, 0.1, 700]),
        folds=st.sampled_from([None, 2]),
        validation=st.sampled_from([0.2, 100, "own"]),
    ),
    label_smoothing=st.sampled_from([0.0, 0.1]),
    flip=st.booleans(),
    last_batch=st.sampled_from(["keep", "drop", "merge"]),
    early_stopping=st.sampled_from([0, 3]),
    fold=st.integers(0, 1),
    version=st.integers(1, 2),
)


@pytest.mark.parametrize(("change", "known"), KNOWN)
def test_known_ids(change: dict[str, Any], known: str) -> None:
    assert trial_id(TrialConfig(**BASE | change)) == known


@given(configs)
def test_the_canonical_form_can_be_read_back(config: TrialConfig) -> None:
    assert parse(canonical(config)) == config
    assert canonical(parse(canonical(config))) == canonical(config)
    flat = flatten(canonical(config))
    assert {key: flat[key] for key in ("batch_size", "epochs", "optimizer", "seed")} == {
        key: getattr(config, key) for key in ("batch_size", "epochs", "optimizer", "seed")
    }


@given(configs)
def test_the_canonical_form_is_pydantics_without_defaults(config: TrialConfig) -> None:
    content = config.model_dump(exclude_defaults=True) | {"version": config.version}
    text = json.dumps(canonical_value(content), sort_keys=True, separators=(",", ":"))
    assert canonical(config) == text
    assert names(config) == (text, trial_id(config), parse_with_lineage(text)[1])


@given(configs, configs)
def test_ids_are_equal_exactly_when_settings_are(a: TrialConfig, b: TrialConfig) -> None:
    assert (trial_id(a) == trial_id(b)) == (canonical(a) == canonical(b))


@given(configs, st.integers(1, 200))
def test_lineages_leave_out_epochs_where_the_schedule_allows(config: TrialConfig, epochs: int) -> None:
    other = config.model_copy(update={"epochs": epochs})
    same = epochs == config.epochs or config.schedule != "cosine"
    assert (lineage_id(config) == lineage_id(other)) is same


@given(configs)
def test_a_version_is_kept_and_can_be_looked_for(config: TrialConfig) -> None:
    assert parse(canonical(config)).version == config.version
    assert under_version(canonical(config), 2) == canonical(config.model_copy(update={"version": 2}))


def test_whole_floats_are_integers() -> None:
    one = TrialConfig(**BASE | {"hyper": {"neurons": 10.0}, "learning_rate": 1})
    other = TrialConfig(**BASE | {"learning_rate": 1.0})
    assert trial_id(one) == trial_id(other)
    assert trial_id(TrialConfig(**BASE | {"hyper": {"x": True}})) != trial_id(TrialConfig(**BASE | {"hyper": {"x": 1}}))


def test_defaults_leave_no_trace() -> None:
    explicit = TrialConfig(**BASE | {"optimizer": "sgd", "momentum": 0, "split": {"validation": 0.2}, "model_code": ""})
    assert canonical(explicit) == canonical(TrialConfig(**BASE))
    assert "momentum" not in json.loads(canonical(explicit))


@pytest.mark.parametrize(
    ("settings", "live"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, {"optimizer": "adam"}),
        ({"optimizer": "sgd", "momentum": 0.9}, {"optimizer": "sgd", "momentum": 0.9}),
        ({"momentum": 0.0, "nesterov": True}, {"momentum": 0.0}),
        (
            {"optimizer": "rmsprop", "momentum": 0.9, "nesterov": True},
            {"optimizer": "rmsprop", "momentum": 0.9},
        ),
        ({"schedule": "cosine", "gamma": 0.5}, {"schedule": "cosine"}),
        ({"schedule": "step", "gamma": 0.5}, {"schedule": "step", "gamma": 0.5}),
    ],
)
def test_settings_that_cannot_matter_are_dropped(settings: dict[str, Any], live: dict[str, Any]) -> None:
    assert without_dead_settings(settings) == live
