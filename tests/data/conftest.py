from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.data.catalog import load_dataset
from gridsearch.data.dataset import ImageDataset
from tests.real_data import require_real_data


@pytest.fixture(scope="session")
def digits() -> ImageDataset:
    return load_dataset("digits", folder=Path(), base=Path())


@pytest.fixture(scope="session")
def mnist() -> ImageDataset:
    return load_dataset("mnist", folder=require_real_data("mnist"), base=Path())


@pytest.fixture(scope="session")
def cifar10() -> ImageDataset:
    return load_dataset("cifar10", folder=require_real_data("cifar10"), base=Path())
