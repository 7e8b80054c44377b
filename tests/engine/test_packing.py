"""Packs hold every lineage once, keep their limits, and leave no worker idle for long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.events import ModelSize
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.run.packing import LineageCost, PlannedPack, bundles, make_packs
from gridsearch.search.plan import LineagePlan
from gridsearch.training.stacking.profile import Profile

#: A kind, steps, and millions of operations for an image: what packing looks at.
Case = tuple[int, int, int]
CASES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10_000), st.integers(0, 100)), max_size=60)
TINY, LARGE = 1, 100


def plan(cases: list[Case], workers: int, **limits: int) -> list[PlannedPack]:
    config = TrialConfig(dataset="d", model="m", batch_size=8, epochs=1, learning_rate=0.1)
    lineages = [LineagePlan(str(number), config, -1, 1, case[1]) for number, case in enumerate(cases)]

    def traits(lineage: LineagePlan) -> LineageCost:
        kind, _, millions = cases[int(lineage.lineage_id)]
        return LineageCost(kind, Profile(ModelSize(1000, millions * 500_000), 1000, 100.0))

    return make_packs(lineages, traits, workers=workers, **limits)


def numbers(packs: list[PlannedPack]) -> list[list[int]]:
    return [[int(lineage.lineage_id) for lineage in pack.lineages] for pack in packs]


@given(CASES, st.integers(1, 8), st.integers(1, 20), st.integers(20_000, 200_000))
def test_packs_hold_every_lineage_once_and_keep_their_limits(
    cases: list[Case], workers: int, largest: int, memory: int
) -> None:
    packs = plan(cases, workers, largest=largest, memory=memory)
    assert sorted(number for pack in numbers(packs) for number in pack) == list(range(len(cases)))
    for pack, members in zip(packs, numbers(packs), strict=True):
        assert {cases[number][0] for number in members} == {pack.stack_group}
        assert len(members) <= largest
        assert pack.bytes <= memory or len(members) == 1
    assert [pack.seconds for pack in packs] == sorted((pack.seconds for pack in packs), reverse=True)


def test_memory_is_that_of_whatever_takes_most() -> None:
    def expected(models: int, batch: int, profile: Profile) -> int:
        config = TrialConfig(dataset="d", model="m", batch_size=batch, epochs=1, learning_rate=0.1)
        lineages = [LineagePlan(str(number), config, -1, 1, 1) for number in range(models)]
        (pack,) = make_packs(lineages, lambda lineage: LineageCost(0, profile), workers=1)
        return pack.bytes

    weighty, wide = Profile(None, 1000, 0.0), Profile(None, 0, 100.0, 50.0 * 512, 50.0 * 2048)
    assert expected(1, 8, weighty) == 16 * 1000
    assert expected(3, 8, weighty) == 2 * 3 * 16 * 1000  # the proof, in float64
    assert expected(1, 8, wide) == 4 * 50 * 512  # evaluation
    assert expected(3, 8, wide) == 4 * 50 * 512 * 3
    assert expected(9, 8, wide) == 4 * 50 * 2048  # no more images at once
    assert expected(9, 1024, wide) == 9 * 2 * 100 * 1024  # training


def test_tiny_models_of_one_kind_are_one_pack_however_many_workers_there_are() -> None:
    assert [len(pack.lineages) for pack in plan([(0, 1000, 0)] * 16, workers=4)] == [16]


def test_models_that_compute_much_are_shared_among_the_workers() -> None:
    sizes = [len(pack.lineages) for pack in plan([(0, 1000, LARGE)] * 16, workers=4)]
    assert sum(sizes) == 16
    assert len(sizes) >= 4
    assert max(sizes) <= 5


def test_packs_that_keep_all_workers_busy_are_not_cut() -> None:
    cases = [(kind, 1000, LARGE) for kind in (0, 1) for _ in range(8)]
    assert [len(pack.lineages) for pack in plan(cases, workers=2)] == [8, 8]


@given(CASES, st.integers(1, 8))
def test_bundles_hold_every_pack_whole_and_none_of_several_is_long(cases: list[Case], workers: int) -> None:
    packs = plan(cases, workers, largest=3)
    bundled = bundles(packs, workers)
    assert [group for bundle in bundled for group in bundle] == [pack.lineages for pack in packs]
    seconds = iter([pack.seconds for pack in packs])
    limit = sum(pack.seconds for pack in packs) / (8 * workers)
    for bundle in bundled:
        taken = sum(next(seconds) for _ in bundle)
        assert len(bundle) == 1 or taken <= 1.001 * limit
