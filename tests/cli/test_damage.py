"""A damaged store at the command line: one line and exit code 5. All damages: `tests.cli.damage`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import damage
from tests.cli.damage import changed, crash, examine, import_as_much, make, run, stale_journal

LAUNCH = ("launch", "job.yaml", "--inline")
READ = (("top", "small"), ("plan", "job.yaml"))
DAMAGES = {
    "sizes": changed("UPDATE lineages SET parameters = parameters + 256"),
    "configuration": changed("UPDATE trials SET config = x'ff80'"),
    "stale journal": stale_journal,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    store = make(folder)
    crash(store)
    assert run(folder, *LAUNCH).code == 0
    import_as_much(folder)
    return folder


@pytest.fixture(scope="module")
def sound(source: Path) -> dict[damage.Command, damage.Said]:
    return {command: run(source, *command) for command in (*READ, ("verify",), LAUNCH)}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_in_one_line(source: Path, sound: dict[damage.Command, damage.Said], name: str) -> None:
    found = examine(source, DAMAGES[name], sound)
    for command in READ:
        what, said = found[command]
        assert what == "refused, 5", (command, said)
        assert len(said.err.strip().splitlines()) == 1 and "gridsearch verify" in said.err
        assert said.out == ""
    assert found[("verify",)][1].code == 5
    assert found[LAUNCH][0] == "refused, 5"
