"""Settings column by column are those that each trial tells by itself."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.analysis.settings import setting_values
from gridsearch.config.identity import canonical
from gridsearch.config.record import JobRecord
from tests.analysis.grids import make_config

RECIPES = st.fixed_dictionaries(
    {"learning_rate": st.sampled_from([0.1, 1.0])},
    optional={
        "optimizer": st.sampled_from(["sgd", "adam"]),
        "momentum": st.sampled_from([0.0, 0.9]),
        "nesterov": st.booleans(),
        "fold": st.integers(0, 1),
        "neurons": st.integers(1, 3),
        "dense": st.lists(st.integers(1, 3), max_size=2),
    },
)


@given(
    recipes=st.lists(st.tuples(RECIPES, st.sampled_from(["shallow", "nets:Net"])), max_size=6),
    several=st.booleans(),
    defaults=st.dictionaries(st.sampled_from(["dense", "bias"]), st.none() | st.booleans()),
)
def test_columns_are_the_rows_turned(
    recipes: list[tuple[dict[str, Any], str]], several: bool, defaults: dict[str, Any]
) -> None:
    configs = []
    for settings, model in recipes:
        of_folds = {"split": {"folds": 2}} if "fold" in settings else {}
        config = make_config(settings | of_folds).model_copy(update={"model": model if several else "shallow"})
        configs.append(canonical(config))
    models = ("shallow", "nets:Net") if several else ("shallow",)
    spec = {"model": list(models) if several else "shallow", "axes": [{"name": "neurons", "values": [1]}]}
    record = JobRecord.model_validate(spec | {"defaults": {"nets:Net": defaults} if several else defaults})
    rows = [record.settings_of(config) for config in configs]
    names = dict.fromkeys(["neurons", *(name for row in rows for name in row)])
    found = setting_values(record, configs)
    assert list(found) == list(names)
    assert {name: list(values) for name, values in found.items()} == {
        name: [row.get(name) for row in rows] for name in names
    }
