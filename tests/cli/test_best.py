"""The best trial in words."""

from __future__ import annotations

import pytest

from gridsearch.analysis.labels import Spread
from gridsearch.cli.render.best import Best


@pytest.mark.parametrize(
    ("best", "words"),
    [
        (Best("3f2a91c4" * 8, "val_loss", 0.5, "epochs 3"), "best val_loss 0.5000: epochs 3 (trial 3f2a91c4)"),
        (Best("3f2a91c4" * 8, "best val_accuracy", 0.5, ""), "best val_accuracy 0.5000 (trial 3f2a91c4)"),
        (
            Best("3f2a91c4" * 8, "val_loss", 0.5, "", Spread(0.1, 2, 2, 0)),
            "best val_loss 0.5000 ± 0.1000 (n=2) (first trial 3f2a91c4)",
        ),
    ],
)
def test_the_best_is_called_so_once(best: Best, words: str) -> None:
    assert str(best) == words
