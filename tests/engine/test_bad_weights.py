"""Files of weights that cannot be what they should: refused before a launch, or the training made again."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gridsearch import paths
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.errors import GridsearchError
from gridsearch.models.registry import build_model, find_model
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared


class Executes:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("ran"),))


def states() -> dict[str, torch.Tensor]:
    model = build_model(find_model("shallow", ()), {"neurons": 10}, image_shape=(1, 8, 8), num_classes=10)
    return dict(model.state_dict())


def with_nan() -> object:
    return {name: tensor * float("nan") for name, tensor in states().items()}


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (lambda: {"hidden.weight": torch.zeros(3, 3)}, "by name and shape"),
        (lambda: {"elsewhere": torch.zeros(3, 3)}, "by name and shape"),
        (lambda: {name: t.to(torch.complex64) for name, t in states().items()}, "by name and shape"),
        (lambda: {name: t.to_sparse() for name, t in states().items()}, "by name and shape"),
        (with_nan, "NaN or infinite"),
        (Executes, "never loaded"),
        (lambda: [1, 2], "no state dict"),
        (None, "is not a file of tensors"),
    ],
)
def test_weights_to_start_from_are_refused_before_the_launch(
    in_tmp: Path, content: Callable[[], object] | None, fragment: str
) -> None:
    (in_tmp / "w.pt").touch()
    if content:
        torch.save(content(), in_tmp / "w.pt")
    with pytest.raises(GridsearchError, match=r"^--set pretrained=w\.pt: pretrained: ") as caught:
        prepared(in_tmp, "pretrained=w.pt")
    assert fragment in str(caught.value) and "\n" not in str(caught.value)
    assert not (in_tmp / "ran").exists()


def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "unreadable.pt").symlink_to("/proc/self/mem")
    for name, fragment in (("pipe.pt", "nor a file"), ("unreadable.pt", "cannot be read")):
        with pytest.raises(GridsearchError, match=fragment):
            prepared(tmp_path, f"pretrained={name}")


def test_kept_weights_that_do_not_fit_are_made_again(in_tmp: Path) -> None:
    launch(prepared(in_tmp), in_tmp / "r.db")
    (file,) = (in_tmp / "weights").glob("*.pt")
    sound = torch.load(file, weights_only=True)
    sidecar = file.with_suffix(".json")
    said = json.loads(sidecar.read_text())
    notes: list[str] = []

    def contents(value: object) -> bytes:
        buffer = io.BytesIO()
        torch.save(value, buffer)
        return buffer.getvalue()

    def put(content: bytes) -> None:
        file.write_bytes(content)
        sidecar.write_text(json.dumps(said | {"sha256": hashlib.sha256(content).hexdigest()}))

    for forged in ({"w": torch.zeros(2)}, {name: tensor[:1] for name, tensor in sound.items()}, Executes(), [1]):
        put(contents(forged))
        with open_store(in_tmp / "r.db", create=False) as store:
            source = ModelSource(store, in_tmp / "r.db", in_tmp / "data", "cpu", note=notes.append)
            found = trained(source, "small", said["trial"])
        assert not (in_tmp / "ran").exists()
        assert all(torch.equal(sound[name], tensor) for name, tensor in found.model.state_dict().items())
        assert torch.load(file, weights_only=True).keys() == sound.keys()
    sidecar.unlink()
    os.mkfifo(sidecar)
    with open_store(in_tmp / "r.db", create=False) as store:
        trained(ModelSource(store, in_tmp / "r.db", in_tmp / "data", "cpu"), "small", said["trial"])
    assert json.loads(sidecar.read_text())["trial"] == said["trial"]
    assert paths.weights_file(in_tmp / "r.db", said["trial"]) == file
