"""Weights from files, real ones of our own making; of the network only the address is another."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision.models
from torch import Tensor, nn

from gridsearch.errors import ModelError
from gridsearch.models.pretrained import WITH_IMAGENET, LoadedWeights, file_digest, load_pretrained, weights_file
from gridsearch.models.registry import build_model, find_model
from tests.served import Served


def small(classes: int = 10, channels: int = 1) -> nn.Module:
    return build_model(find_model("lightnn"), {}, image_shape=(channels, 8, 8), num_classes=classes)


def load(model: nn.Module, source: str, *folders: Path, name: str = "lightnn", data: Path = Path()) -> LoadedWeights:
    return load_pretrained(model, name, source, folders=folders, data_dir=data)


def save(model: nn.Module, file: Path) -> None:
    if file.suffix == ".safetensors":
        safetensors.torch.save_file(model.state_dict(), file)
    else:
        torch.save(model.state_dict(), file)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.safetensors"])
def test_a_file_of_all_weights(tmp_path: Path, name: str) -> None:
    donor, model = small(), small()
    (tmp_path / "job").mkdir()
    save(donor, tmp_path / "job" / name)
    found = load(model, name, tmp_path / "elsewhere", tmp_path / "job")
    assert (found.file, found.fresh) == (tmp_path / "job" / name, ())
    assert found.loaded == tuple(model.state_dict())
    assert all(torch.equal(donor.state_dict()[key], value) for key, value in model.state_dict().items())
    assert load(model, str(tmp_path / "job" / name), Path("elsewhere")) == found
    assert file_digest(found.file) == hashlib.sha256(found.file.read_bytes()).hexdigest()


def test_what_does_not_fit_keeps_its_fresh_weights_and_is_named(tmp_path: Path) -> None:
    donor, model = small(classes=7, channels=3), small()
    save(donor, tmp_path / "w.pt")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = load(model, "w.pt", tmp_path)
    assert found.fresh == ("features.conv1.weight", "classifier.output.weight", "classifier.output.bias")
    for name, tensor in model.state_dict().items():
        expected = before[name] if name in found.fresh else donor.state_dict()[name]
        assert torch.equal(tensor, expected), name
    assert all(parameter.requires_grad for parameter in model.parameters())


class Executes:
    def __reduce__(self) -> Any:
        return print, ("a file of weights has run code",)


@pytest.mark.parametrize(
    ("name", "content", "fragment"),
    [
        ("w.pt", {"features.conv9.weight": torch.zeros(2)}, "by name and shape (the file has features.conv9.weight (2"),
        ("w.pt", {"features.conv1.weight": torch.zeros(2)}, "the model features.conv1.weight (16, 1, 3, 3))"),
        ("w.pt", {"state_dict": {"features.conv1.weight": torch.zeros(2)}}, "holds no state dict; write one with"),
        ("w.pt", {}, "holds no state dict"),
        ("w.pt", torch.zeros(3), "holds no state dict"),
        ("w.pt", Executes(), "is not a file of tensors (it holds Python objects, which are never"),
        ("w.pt", b"no weights", "is not a file of tensors"),
        ("w.safetensors", b"no weights", "is not a file of tensors (SafetensorError: "),
        ("missing.pt", None, "'missing.pt' is neither 'imagenet' nor a file (looked for "),
    ],
)
def test_files_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: object, fragment: str
) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / name)
    model = small()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(ModelError) as caught:
        load(model, name, tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


@pytest.fixture
def imagenet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, served: Served) -> dict[str, Tensor]:
    """Serve a state dict of torchvision's ResNet-18 where torchvision's weights are said to be; return it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    state: dict[str, Tensor] = torchvision.models.resnet18().state_dict()
    torch.save(state, served.folder / "made")
    name = f"resnet18-{file_digest(served.folder / 'made')[:8]}.pth"
    (served.folder / "made").rename(served.folder / name)
    weights = SimpleNamespace(IMAGENET1K_V1=SimpleNamespace(url=served.address + name))
    monkeypatch.setattr(torchvision.models, "get_model_weights", {"resnet18": weights}.__getitem__)
    return state


def test_torchvisions_weights_are_fetched_once(tmp_path: Path, served: Served, imagenet: dict[str, Tensor]) -> None:
    model = build_model(find_model("resnet18"), {}, image_shape=(1, 28, 28), num_classes=10)
    found = load(model, "imagenet", name="resnet18", data=tmp_path / "data")
    (name,) = [path.name for path in served.folder.iterdir()]
    assert found.file == tmp_path / "data" / "weights" / name
    assert found.fresh == ("conv1.weight", "fc.weight", "fc.bias")
    assert torch.equal(model.state_dict()["layer4.1.conv2.weight"], imagenet["layer4.1.conv2.weight"])
    requests = len(served.requests)
    assert load(model, "imagenet", name="resnet18", data=tmp_path / "data") == found
    assert len(served.requests) == requests
    in_hub = tmp_path / "hub" / "hub" / "checkpoints" / name
    in_hub.parent.mkdir(parents=True)
    found.file.rename(in_hub)
    assert weights_file("resnet18", "imagenet", folders=[], data_dir=tmp_path / "data") == in_hub
    assert len(served.requests) == requests


def test_damaged_and_unreachable_weights(tmp_path: Path, served: Served, imagenet: dict[str, Tensor]) -> None:
    (file,) = served.folder.iterdir()
    target = tmp_path / "data" / "weights" / file.name

    def refused() -> str:
        with pytest.raises(ModelError) as caught:
            weights_file("resnet18", "imagenet", folders=[], data_dir=tmp_path / "data")
        assert str(target) in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    content = file.read_bytes()
    file.write_bytes(content[:-1])
    assert "cannot be downloaded (RuntimeError: invalid hash value" in refused()
    assert list(target.parent.iterdir()) == []
    target.write_bytes(content[:-1])
    assert f"is damaged: its SHA-256 does not begin with {file.stem[-8:]}; delete it" in refused()
    target.unlink()
    file.unlink()
    target.parent.rmdir()
    assert f"{target} is missing and {served.address}{file.name} cannot be downloaded (OSError: " in refused()
    assert not target.parent.exists()
    assert "or put the file there" in refused()


def test_models_without_imagenet_weights() -> None:
    with pytest.raises(
        ModelError, match=r"no 'imagenet' weights of model 'lightnn'; they exist for mobilenet_v3_small,"
    ):
        load(small(), "imagenet")


@pytest.mark.parametrize("name", WITH_IMAGENET)
def test_our_names_and_shapes_are_torchvisions(name: str) -> None:
    """Only the stem of another number of channels and the last layer of other classes would stay fresh."""
    assert torchvision.models.get_model_weights(name).IMAGENET1K_V1.url.endswith(".pth")
    with torch.device("meta"):
        ours = build_model(find_model(name), {}, image_shape=(3, 32, 32), num_classes=1000).state_dict()
        theirs = torchvision.models.get_model(name).state_dict()
    assert {key: t.shape for key, t in ours.items()} == {key: t.shape for key, t in theirs.items()}
