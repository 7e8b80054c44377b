"""Portable dropout against torch's: the same modules to whoever looks, the same units dropped together."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from gridsearch.training.recipe.dropout import make_portable

KINDS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
SHAPES = {
    nn.Dropout: [(6,), (6, 5), (6, 5, 4, 3)],
    nn.Dropout1d: [(40, 5), (6, 40, 3)],
    nn.Dropout2d: [(6, 40, 3), (6, 40, 3, 2)],
    nn.Dropout3d: [(40, 3, 2, 2), (6, 40, 3, 2, 2)],
}


def together(dropped: Tensor) -> tuple[bool, ...]:
    """Tell for each dimension whether all along it are dropped or kept as one."""
    gone = dropped == 0
    return tuple(bool((gone == gone.select(axis, 0).unsqueeze(axis)).all()) for axis in range(gone.dim()))


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(("kind", "shape"), [(kind, shape) for kind, shapes in SHAPES.items() for shape in shapes])
def test_the_units_that_torch_drops_together_are_dropped_together(
    kind: type[nn.Dropout], shape: tuple[int, ...], inplace: bool
) -> None:
    ours, theirs = make_portable(kind(0.5, inplace)), kind(0.5, inplace)
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = theirs(torch.ones(shape))
    given = torch.ones(shape)
    found = ours(given)
    assert set(found.unique().tolist()) <= {0.0, 2.0}
    assert together(found) == together(wanted)
    assert (given.data_ptr() == found.data_ptr()) is inplace
    assert torch.equal(given, found) is inplace


@pytest.mark.parametrize("kind", KINDS)
def test_a_dropout_module_is_still_one_to_whoever_looks(kind: type[nn.Dropout]) -> None:
    plain = nn.Sequential(kind(0.3, inplace=True), nn.ReLU())
    printed = repr(plain)
    model = make_portable(plain)
    assert repr(model) == printed
    assert isinstance(model[0], kind)
    assert model[0].p == 0.3
    model[0].p = 0.25
    assert model[0].p == 0.25
    assert model.state_dict() == {}
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        copied[0].p = 0.75
        assert (model[0].p, copied[0].p) == (0.25, 0.75)
    assert torch.equal(model.eval()(torch.ones(3, 4, 5)), torch.ones(3, 4, 5))


def test_dropping_out_while_evaluating_as_monte_carlo_dropout_does() -> None:
    model = make_portable(nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5)))
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    assert 5 < (model(torch.ones(1, 4)) == 0).sum() < 45


def test_a_subclass_of_a_users_stays_what_it_is() -> None:
    class Doubled(nn.Dropout):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * input

    model = make_portable(nn.Sequential(Doubled(0.5)))
    assert torch.equal(model(torch.ones(3)), torch.full((3,), 2.0))


def test_dropout1d_refuses_what_torch_refuses() -> None:
    with pytest.raises(RuntimeError, match="Expected 2D or 3D input"):
        make_portable(nn.Dropout1d(0.5))(torch.ones(2, 3, 4, 5))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_small_probability_is_what_it_says_in_any_precision(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    count = 4_000_000
    dropped = float((make_portable(nn.Dropout(0.01))(torch.ones(count, dtype=dtype)) == 0).float().mean())
    assert abs(dropped - 0.01) < 5 * (0.01 * 0.99 / count) ** 0.5


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_nothing_or_everything_may_be_dropped(p: float) -> None:
    assert torch.equal(make_portable(nn.Dropout(p))(torch.ones(9)), torch.full((9,), 1.0 - p))


@pytest.mark.parametrize("inplace", [False, True])
def test_each_of_a_stack_drops_by_its_own_probability_what_it_drops_alone(inplace: bool) -> None:
    models = [make_portable(nn.Sequential(nn.Linear(5, 40), nn.Dropout(p, inplace))) for p in (0.1, 0.5, 0.9)]
    parameters, buffers = stack_module_state(models)
    forward = vmap(lambda own, x: functional_call(models[0], own, (x,)), in_dims=(0, None), randomness="same")
    torch.manual_seed(0)
    stacked = forward(parameters | buffers, torch.ones(7, 5))
    for row, model in zip(stacked, models, strict=True):
        torch.manual_seed(0)
        torch.testing.assert_close(row, model(torch.ones(7, 5)))
