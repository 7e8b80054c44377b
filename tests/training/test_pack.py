from __future__ import annotations

from pathlib import Path

from gridsearch.spec.outcomes import EpochRecord, LineageDiverged, LineageFailed, LineageFinished
from gridsearch.training.pack import train_pack
from gridsearch.training.task import Pack
from tests.training.conftest import MakePlace, own, task


def test_one_lineages_misfortune_touches_no_other(make_place: MakePlace, own_models: Path) -> None:
    place = make_place()
    raising = own("Raises", own_models, name="b" * 64)
    pack = Pack(((task(name="a" * 64, learning_rate=1e30), raising, task(name="c" * 64)),))
    events = list(train_pack(pack, lambda data_seed: place))
    ends = {e.lineage_id[0]: e for e in events if not isinstance(e, EpochRecord)}
    assert isinstance(ends["a"], LineageDiverged)
    assert ends["a"].epoch == max(e.epoch for e in events if isinstance(e, EpochRecord) and e.lineage_id[0] == "a")
    assert isinstance(ends["b"], LineageFailed)
    assert ends["b"].error == "RuntimeError: the model is unwell"
    assert "in forward" in ends["b"].traceback
    assert ends["c"] == LineageFinished("c" * 64, 1)


def test_a_stop_ends_the_pack_without_a_verdict(make_place: MakePlace) -> None:
    place = make_place(stop=lambda: True)
    assert list(train_pack(Pack(((task(),),)), lambda data_seed: place)) == []
