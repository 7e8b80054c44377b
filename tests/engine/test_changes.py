"""A plan says why trials are new: which file, data or setting is another than at the last launch."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.engine.prepare.changes import changes
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, prepared

NET = """
from torch import nn
from parts_of_it import last

class Net(nn.Module):
    def __init__(self, in_features, num_classes, neurons=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(in_features, neurons), last(neurons, num_classes))

    def training_step(self, batch):
        pass

    def forward(self, x):
        return self.layers(x){softmax}
"""
PARTS = "from torch import nn\ndef last(a, b):\n    return nn.Linear(a, b)\n"


def since(folder: Path, before: PreparedJob, after: PreparedJob) -> list[str]:
    with open_store(folder / "results.db") as store:
        assert changes(before, store) == []
        store.put_job("small", before.record().as_json(), "", before.new_trials())
        assert changes(before, store) == []
        return changes(after, store)


def test_settings(tmp_path: Path) -> None:
    before = prepared(tmp_path)
    after = prepared(tmp_path, "neurons=[10,20]", "learning_rate=[0.1,0.5]", "optimizer=adam", "split.validation=0.3")
    found = since(tmp_path, before, after)
    assert found == ["split", "learning_rate 0.5", "neurons 20", "optimizer adam"]


def test_an_edited_module_and_what_is_odd_about_a_model(tmp_path: Path) -> None:
    text = JOB.replace("model: shallow", "model: changing_net:Net").replace("epochs: [1, 3]", "epochs: 1")
    (tmp_path / "parts_of_it.py").write_text(PARTS)
    (tmp_path / "changing_net.py").write_text(NET.format(softmax=""))
    before = prepared(tmp_path, text=text)
    (tmp_path / "parts_of_it.py").write_text(PARTS + "# edited")
    after = prepared(tmp_path, text=text)
    assert since(tmp_path, before, after) == ["edited: parts_of_it"]
    (hooks,) = before.remarks
    assert "has training_step, which is never called" in hooks


@pytest.mark.parametrize(("softmax", "odd"), [(".softmax(1)", True), (".log_softmax(1)", False), (".sigmoid()", False)])
def test_probabilities(tmp_path: Path, softmax: str, odd: bool) -> None:
    from gridsearch.engine.prepare.model_questions import Seen
    from gridsearch.engine.prepare.probing import TriedHere
    from gridsearch.models.registry import find_model

    name = f"net_{softmax.strip('.()1')}"
    (tmp_path / "parts_of_it.py").write_text(PARTS)
    (tmp_path / f"{name}.py").write_text(NET.format(softmax=softmax))
    notes = TriedHere(find_model(f"{name}:Net", [tmp_path]), Seen((1, 8, 8), 10)).notes({})
    assert any("gives probabilities (each row sums to 1)" in note for note in notes) is odd
