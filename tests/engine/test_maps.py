from pathlib import Path

import numpy as np
import pytest
import torch

from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.engine.trained.maps import validation_maps
from gridsearch.errors import ModelError
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared

JOB = """\
name: small
dataset: digits
model: cnn
normalization: image
space:
  batch_size: [64]
  epochs: [1]
  learning_rate: [0.1]
  filters: [[4, 6]]
"""


def test_a_trial_is_shown_its_images_as_it_was_in_training(tmp_path: Path) -> None:
    launch(prepared(tmp_path, text=JOB), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False, read_only=True) as store:
        (row,) = store.trials("small")
        found = trained(ModelSource(store, tmp_path / "r.db", tmp_path, "cpu"), "small", row.trial_id)
    places = np.arange(len(found.split.validation_labels))
    active = validation_maps(found, places)
    # What the store says of all validation images: with other inputs it would not come out.
    assert (active.predicted == found.split.validation_labels).mean() == pytest.approx(row.val_accuracy)
    assert [maps.shape for maps in active.maps.values()] == [(len(places), 8, 8), (len(places), 4, 4)]
    last = list(active.maps)[-1]
    few = validation_maps(found, np.array([5, 2]), [last])
    assert list(few.maps) == [last]
    assert few.maps[last] == pytest.approx(active.maps[last][[5, 2]], abs=1e-5)
    with pytest.raises(ModelError, match="no convolution 'convolution'"):
        validation_maps(found, places[:1], ["convolution"])
    assert not torch.is_grad_enabled() or all(not module._forward_hooks for module in found.model.modules())
