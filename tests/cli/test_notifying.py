"""Who asked to be told learns how a launch ended, and nobody learns the address."""

from __future__ import annotations

import platform
import signal
import socket
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from gridsearch.cli.render.notification import Ending, addressed
from gridsearch.config.job import job_from_text
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Origin
from gridsearch.version import __version__
from tests.cli.program import JOB, command, environment, refused, run
from tests.cli.test_signals import LONG, wait_for_epochs
from tests.hooks import hook
from tests.visualization.stores import filled_store

SLACK, DISCORD = "https://hooks.slack.com/services/T/B/x", "https://discord.com/api/webhooks/1/x"


def ending(folder: Path, state: str, name: str = "small", error: str = "", *, failing: bool = False) -> Ending:
    filled_store(folder / "results.db", name, failing=failing).close()
    spec = job_from_text(JOB.replace("name: small", f"name: '{name}'"), base=folder, source="job")
    told = Ending(spec, folder / "results.db", state, error, 185.0)
    told.read_store(1.0)
    return told


def test_the_message_says_what_the_table_says(tmp_path: Path) -> None:
    told = addressed("http://localhost/x", ending(tmp_path, "complete"))
    assert (told["job"], told["state"], told["counts"]) == ("small", "complete", {"completed": 12})
    assert told["best"]["metric"] == "val_accuracy" and told["best"]["score"] == pytest.approx(0.65)
    assert told["best"]["settings"].keys() == {"epochs", "learning_rate", "neurons"}
    assert (told["seconds"], told["host"], told["command"]) == (185.0, socket.gethostname(), None)
    first, best = told["text"].splitlines()
    assert first == f"small: complete in 3m 05s on {socket.gethostname()} (12 completed)"
    assert best.startswith("best val_accuracy 0.6500: epochs 2")


def test_how_to_go_on_is_part_of_it(tmp_path: Path) -> None:
    told = addressed("http://localhost/x", ending(tmp_path, "some_failed", failing=True))
    assert told["counts"]["failed"] == 2
    assert told["command"] == f"gridsearch resume small --store {tmp_path / 'results.db'} --retry-failed"
    assert told["text"].endswith(f"continue with: {told['command']}")


def test_slack_and_discord_get_their_forms_and_names_are_no_markup(tmp_path: Path) -> None:
    told = ending(tmp_path, "failed", "<!channel> & @everyone", "no space left")
    slack, discord = addressed(SLACK, told), addressed(DISCORD, told)
    assert slack.keys() == {"text", "mrkdwn"} and slack["text"].startswith("&lt;!channel&gt; &amp; @everyone: failed")
    assert "no space left" in slack["text"]
    assert discord["content"].startswith("<!channel> & @everyone: failed")
    assert discord["allowed_mentions"] == {"parse": []}


def test_a_bad_address_is_refused_before_anything_else_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    ended = run(tmp_path, "launch", "small.yaml", "--notify", "hooks.slack.com/services/secret")
    refused(ended, "--notify", "must begin with https://")
    assert "secret" not in ended.err and not (tmp_path / "results.db").exists()
    ended = run(tmp_path, "launch", "small.yaml", GRIDSEARCH_NOTIFY="ftp://host/secret")
    refused(ended, "GRIDSEARCH_NOTIFY", "must begin with https://")
    assert "secret" not in ended.err


@pytest.mark.slow
def test_a_launch_tells_its_end_its_failure_and_its_interruption(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    with hook(status=500) as there:
        # Of an address that is given twice only the last is used, and neither is kept.
        arguments = ("--inline", "--no-dashboard", "--log-file", "all.log", "--notify", f"{there.address}-first")
        arguments += ("--notify", there.address)
        ended = run(tmp_path, "launch", "small.yaml", *arguments, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert ended.code == 0
    assert [(content["state"], content["counts"]) for _, content in there.posted] == [("complete", {"completed": 8})]
    assert [line for line in ended.err.splitlines() if "notification" in line] == [
        f"small: the notification was not sent to {there.address.removesuffix('hooks/secret')}...: the server answered"
        f" 500 Internal Server Error"
    ]
    shown = f"{there.address.removesuffix('hooks/secret')}..."
    with open_store(tmp_path / "results.db", read_only=True) as store:
        (launch,) = store.launches("small")
    words = ["gridsearch", "launch", "small.yaml", *arguments[:-4], "--notify", shown, "--notify", shown]
    known = (("torch", metadata.version("torch")), ("numpy", metadata.version("numpy")))
    versions = (("gridsearch", __version__), ("Python", platform.python_version()), *known)
    assert launch.origin == Origin(" ".join(words), versions=versions)
    (tmp_path / "broken.yaml").write_text(JOB.replace("dataset: digits", "dataset: ./nothing.npz"))
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / "small.yaml").write_text(LONG)
    with hook() as there:
        failed = run(tmp_path, "launch", "broken.yaml", "--inline", GRIDSEARCH_NOTIFY=there.address)
        refused(failed, "nothing.npz")
        assert there.posted[-1][1]["state"] == "failed" and "nothing.npz" in there.posted[-1][1]["error"]
        process = subprocess.Popen(
            command("launch", "small.yaml", "--inline", "--no-dashboard"),
            cwd=folder,
            env=environment(GRIDSEARCH_NOTIFY=there.address),
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_epochs(folder, 5)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 130, said
        assert "notification" not in said
    assert there.posted[-1][1]["state"] == "interrupted"
    assert there.posted[-1][1]["command"] == "gridsearch resume small"
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and not any(b"/hooks/secret" in content for content in kept)
