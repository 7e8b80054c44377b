"""Whatever recipe is asked for, of whatever model: the store has what torch alone makes of it. Longer: `long.py`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.oracle.drawn import apart, jobs
from tests.oracle.long import LIMITS


# The same examples every time, as each is a launch or two: other ones are for the long form. None is shrunk, for that.
@settings(max_examples=6, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(job=jobs())
def test_any_recipe_has_the_numbers_of_torch_alone(
    job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    worst = apart(job, tmp_path_factory.mktemp("drawn"))
    assert all(much <= LIMITS.get(metric, 0.0) for metric, much in worst.items()), worst
