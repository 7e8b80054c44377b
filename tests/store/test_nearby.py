"""A store that is not where it is looked for: the nearest in other folders is named, and none is used by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.cli.jobs import require_store
from gridsearch.errors import StoreError
from gridsearch.store.nearby import nearby_stores, nearby_text
from gridsearch.store.opening import open_store


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder below one with a store, beside one with a job file and a store of its own."""
    folder = tmp_path / "project" / "deep" / "deeper"
    folder.mkdir(parents=True)
    (tmp_path / "project" / "other").mkdir()
    (tmp_path / "project" / "other" / "mine.yaml").write_text("name: mine\n")
    for place in (tmp_path / "project", tmp_path / "project" / "other"):
        open_store(place / "results.db").close()
    monkeypatch.chdir(folder)
    return folder


def test_the_nearest_above_is_named_and_none_is_made(below: Path) -> None:
    with pytest.raises(StoreError) as refused:
        open_store(Path("results.db"), create=False, read_only=True)
    assert str(refused.value) == (
        "there is no store results.db; another is ../../results.db: to use it, add --store ../../results.db"
    )
    (below.parent / "results.db").write_text("no database")
    assert nearby_stores(Path("results.db")) == [Path("../../results.db")]
    open_store(Path("../runs.db")).close()
    assert nearby_stores(Path("runs.db")) == [Path("../runs.db")]
    assert nearby_text(Path("none.db")) == ""
    assert list(below.iterdir()) == []


def test_the_one_beside_the_job_file_is_named_too(below: Path) -> None:
    with pytest.raises(StoreError) as refused:
        require_store(Path("results.db"), "../../other/mine.yaml")
    assert str(refused.value).endswith(
        "others are ../../results.db and ../../other/results.db: to use one, add --store ../../results.db"
    )
    with pytest.raises(StoreError, match="another is ../../results.db: to use it"):
        require_store(Path("results.db"), "mine")
    open_store(Path("results.db")).close()
    require_store(Path("results.db"), "../../other/mine.yaml")
