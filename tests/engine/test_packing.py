from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.engine.packing import cost, make_packs
from gridsearch.search.plan import LineagePlan
from gridsearch.spec.trial import TrialConfig


def lineage(number: int, steps: int) -> LineagePlan:
    config = TrialConfig(dataset="d", model="m", batch_size=1, epochs=1, learning_rate=0.1)
    return LineagePlan(str(number), config, -1, 1, steps)


@given(st.lists(st.integers(0, 10_000), max_size=200), st.integers(1, 8))
def test_packs_hold_every_lineage_once_and_none_is_too_long(steps: list[int], workers: int) -> None:
    lineages = [lineage(number, count) for number, count in enumerate(steps)]
    packs = make_packs(lineages, workers)
    assert sorted(int(line.lineage_id) for pack in packs for line in pack) == list(range(len(steps)))
    limit = sum(map(cost, lineages)) / (8 * workers)
    for pack in packs:
        assert pack
        assert len(pack) == 1 or sum(map(cost, pack)) <= limit
    firsts = [cost(pack[0]) for pack in packs]
    assert firsts == sorted(firsts, reverse=True)
