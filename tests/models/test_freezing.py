from __future__ import annotations

import pytest
from torch import nn

from gridsearch.errors import ModelError
from gridsearch.models.freezing import freeze
from gridsearch.models.registry import build_model, find_model


@pytest.fixture
def model() -> nn.Module:
    return build_model(find_model("lightnn"), {}, image_shape=(1, 8, 8), num_classes=10)


@pytest.mark.parametrize(
    ("patterns", "trained"),
    [
        ("", "conv1.weight conv1.bias conv2.weight conv2.bias dense1.weight dense1.bias output.weight output.bias"),
        ("* !classifier.*", "dense1.weight dense1.bias output.weight output.bias"),
        ("features.*", "dense1.weight dense1.bias output.weight output.bias"),
        ("* !*.bias !classifier.output.*", "conv1.bias conv2.bias dense1.bias output.weight output.bias"),
        ("!classifier.* *.weight", "conv1.bias conv2.bias dense1.bias output.bias"),
        ("features.conv[12].weight", "conv1.bias conv2.bias dense1.weight dense1.bias output.weight output.bias"),
    ],
)
def test_the_last_pattern_that_matches_counts(model: nn.Module, patterns: str, trained: str) -> None:
    frozen = freeze(model, patterns)
    named = dict(model.named_parameters())
    assert [name.partition(".")[2] for name, p in named.items() if p.requires_grad] == trained.split()
    assert frozen == sum(p.numel() for p in named.values() if not p.requires_grad)


@pytest.mark.parametrize(
    ("patterns", "fragment"),
    [
        ("features", "freeze: 'features' matches no parameter (did you mean 'features.*'?)"),
        ("* !clasifier.*", "freeze: 'clasifier.*' matches no parameter (did you mean 'classifier.*'?)"),
        ("*", "freeze: '*' leaves nothing to train; thaw a part, as in '* !NAME.*'"),
    ],
)
def test_mistakes(model: nn.Module, patterns: str, fragment: str) -> None:
    with pytest.raises(ModelError) as caught:
        freeze(model, patterns)
    assert str(caught.value) == fragment
