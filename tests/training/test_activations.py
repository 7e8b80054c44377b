import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gridsearch.errors import ModelError
from gridsearch.training.activations import activation_maps, choose_layers


class Residual(nn.Module):
    """Writes over what its layers put out, as ResNets do, and has a convolution that it never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.second = nn.Conv2d(2, 2, 3, padding=1, stride=2)
        self.unused = nn.Conv2d(2, 2, 1)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.9)
        self.last = nn.Linear(2, 3)

    def forward(self, images: Tensor) -> Tensor:
        a = self.relu(self.norm(self.first(images)))
        b = self.second(a)
        b += 100
        return self.last(self.drop(self.relu(b)).mean((2, 3)))


@pytest.fixture
def model() -> Residual:
    torch.manual_seed(0)
    made = Residual()
    assert isinstance(made.norm.running_mean, Tensor)
    made.norm.running_mean -= 0.1
    return made


def expected(sums: Tensor) -> Tensor:
    flat = sums.flatten(1)
    low, high = flat.min(1).values[:, None, None], flat.max(1).values[:, None, None]
    return (sums - low) / (high - low)


def test_maps_are_positive_parts_after_the_norm_summed_over_channels(model: Residual) -> None:
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    found = activation_maps(model, images, ["first", "second"])
    assert model.training
    model.eval()
    with torch.no_grad():
        normed = model.norm(model.first(images))
        inner = functional.relu(normed)
        outer = functional.relu(model.second(inner))
        logits = model(images)
    assert normed.min() < -0.1 and inner.sum(1).amax((1, 2)).min() > 0.1
    assert found.maps["first"] == pytest.approx(expected(inner.sum(1)).numpy(), abs=1e-6)
    assert found.maps["second"] == pytest.approx(expected(outer.sum(1)).numpy(), abs=1e-6)  # without what was added
    assert found.maps["second"].shape == (5, 4, 4) and found.maps["second"].dtype == np.float32
    assert found.predicted.tolist() == logits.argmax(1).tolist()
    assert not model.first._forward_hooks


def test_a_layer_that_is_never_active_has_an_empty_map() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(4, 2))
    nn.init.constant_(model[0].bias, -100.0)  # type: ignore[arg-type]
    assert activation_maps(model, torch.rand(2, 1, 2, 2), ["0"]).maps["0"].tolist() == np.zeros((2, 2, 2)).tolist()


@pytest.mark.parametrize(("count", "names"), [(1, ["0"]), (4, ["0", "1", "2", "3"]), (13, ["0", "4", "8", "12"])])
def test_up_to_four_layers_are_chosen_evenly(count: int, names: list[str]) -> None:
    assert choose_layers(nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(count)))) == tuple(names)


def test_what_cannot_be_drawn_is_one_line(model: Residual) -> None:
    assert choose_layers(model, ["second", "first", "second"]) == ("second", "first")
    with pytest.raises(ModelError, match="no convolution 'secnd' .did you mean 'second'"):
        choose_layers(model, ["secnd"])
    with pytest.raises(ModelError, match="has no convolution"):
        choose_layers(nn.Linear(2, 2))
    with pytest.raises(ModelError, match="does not use its convolution 'unused'"):
        activation_maps(model, torch.rand(1, 1, 8, 8), ["unused"])
