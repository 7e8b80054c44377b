"""What failed trials share: an axis alone, or the fewest values together, held against all subsets."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.analysis.shared_settings import MOST_TOGETHER, shared_settings, shared_words
from gridsearch.config.events import TrialState
from tests.analysis.grids import make_job, make_trial

AXES = {"learning_rate": [0.1, 1.0], "kind": ["a", "b"], "neurons": [1, 2], "batch_size": [4, 8]}
POINTS = [dict(zip(AXES, values, strict=True)) for values in itertools.product(*AXES.values())]
JOB = make_job(AXES)


def trial(point: dict[str, object], *, failed: bool):  # type: ignore[no-untyped-def]
    return make_trial(point, None if failed else 0.5, state=TrialState.FAILED if failed else TrialState.COMPLETED)


def test_a_pair_is_named_where_no_axis_explains_alone() -> None:
    def fails(point: dict[str, object]) -> bool:
        return point["learning_rate"] == 1.0 and point["kind"] == "b"

    failed = [trial(point, failed=True) for point in POINTS if fails(point)]
    sound = [trial(point, failed=False) for point in POINTS if not fails(point)]
    assert shared_settings(JOB, failed, sound) == {"learning_rate": [1.0], "kind": ["b"]}
    assert shared_words(JOB, failed, sound) == "learning_rate 1, kind b"
    # One axis that explains it alone is told alone; one failure is told nothing of.
    slow = [trial(point, failed=False) for point in POINTS if point["learning_rate"] == 0.1]
    assert shared_settings(JOB, failed, slow) == {"learning_rate": [1.0]}
    assert shared_settings(JOB, failed[:1], sound) == {}


@given(st.lists(st.booleans(), min_size=len(POINTS), max_size=len(POINTS)))
def test_what_is_named_holds_for_all_failures_and_no_sound_trial(fate: list[bool]) -> None:
    failed = [trial(point, failed=True) for point, lost in zip(POINTS, fate, strict=True) if lost]
    sound = [trial(point, failed=False) for point, lost in zip(POINTS, fate, strict=True) if not lost]
    found = shared_settings(JOB, failed, sound)
    lost = [point for point, one in zip(POINTS, fate, strict=True) if one]
    kept = [point for point, one in zip(POINTS, fate, strict=True) if not one]

    def separates(axes: tuple[str, ...]) -> bool:
        values = {axis: {point[axis] for point in lost} for axis in axes}
        if len(axes) > 1 and (len(lost) < 2 or any(len(own) > 1 for own in values.values())):
            return False
        return not any(all(point[axis] in values[axis] for axis in axes) for point in kept)

    if not (lost and kept):
        assert found == {}
        return
    subsets = [axes for size in range(1, MOST_TOGETHER + 1) for axes in itertools.combinations(AXES, size)]
    assert bool(found) == any(map(separates, subsets))
    alone = [axis for axis in AXES if separates((axis,))]
    assert list(found) == alone if alone else not found or separates(tuple(found))
