"""Launches on real Ray workers, killed and interrupted as the world does it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from gridsearch import paths
from gridsearch.engine.run.interruption import SIGNALS
from gridsearch.store.opening import open_store
from tests.cli import program
from tests.cli.paced import hurry, write_paced
from tests.cli.program import JOB, environment, run, run_program
from tests.engine.launching import assert_alike, table
from tests.warm.processes import Warm

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_paced(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[object, ...]]:
    """The table of a run that nothing interrupted, trained without Ray."""
    place = tmp_path_factory.mktemp("whole")
    write_paced(place, slow=False)
    ended = run(place, "launch", "small.yaml", "--inline", "--no-dashboard")
    assert ended.code == 0, ended.err
    return table(place / "results.db")


def start(folder: Path, *arguments: str) -> Warm:
    return program.start(folder, "launch", "small.yaml", "--no-dashboard", *arguments, start_new_session=True)


def epochs_recorded(folder: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{folder / 'results.db'}?mode=ro", uri=True, timeout=30)) as connection:
            return int(connection.execute("SELECT count(*) FROM epochs").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_for_epochs(folder: Path, count: int, process: Warm) -> None:
    deadline = time.monotonic() + 180
    while epochs_recorded(folder) < count and process.poll() is None:
        assert time.monotonic() < deadline, "no progress"
        time.sleep(0.05)


def session_of(process: Warm) -> list[psutil.Process]:
    found = []
    for other in psutil.process_iter():
        try:
            if os.getsid(other.pid) == process.pid and other.status() != psutil.STATUS_ZOMBIE:
                found.append(other)
        except (ProcessLookupError, psutil.Error):
            continue
    return found


def wait_until_none_is_left(process: Warm, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := session_of(process):
        assert time.monotonic() < deadline, [" ".join(p.cmdline())[:100] for p in left]
        time.sleep(0.2)


def session_folders(process: Warm) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"gs-*/ray/session_*_{process.pid}"))


def end(process: Warm) -> tuple[str, str]:
    return process.communicate(timeout=300)


def test_ray_gives_the_numbers_of_this_process_and_says_nothing_of_its_own(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    log = paths.scratch_dir(folder / "results.db") / "ray.log"
    log.parent.mkdir(parents=True)
    log.write_text("of the launch before")
    hurry(folder)
    process = start(folder, "--workers", "2")
    out, err = end(process)
    assert process.returncode == 0, err
    assert "of the launch before" not in log.read_text()
    assert not session_folders(process)
    assert out == ""
    lines = err.strip().splitlines()
    assert lines[0].startswith("small: 8 trials, +8 new; 120 epochs to train")
    assert all(line.startswith(("small: ", "trials ")) for line in lines), err
    assert_alike(table(folder / "results.db"), whole)
    with open_store(folder / "results.db", create=False) as store:
        assert dict(store.launches("small")[0].origin.versions)["ray"] == metadata.version("ray")
    wait_until_none_is_left(process, 20)


def send_to_all(process: Warm, number: signal.Signals) -> None:
    """Send a signal as a batch system does that knows the processes of a job: Ray's before the driver."""
    driver = psutil.Process(process.pid)
    for one in [*driver.children(recursive=True), driver]:
        one.send_signal(number)


@pytest.mark.parametrize(
    ("send", "number", "resumed"),
    [
        (Warm.send_signal, signal.SIGINT, ("--workers", "2")),
        (send_to_all, signal.SIGTERM, ("--inline",)),
    ],
)
def test_interrupted_it_ends_in_seconds_and_resumes(
    folder: Path,
    whole: dict[str, tuple[object, ...]],
    send: Callable[[Warm, signal.Signals], None],
    number: signal.Signals,
    resumed: tuple[str, ...],
) -> None:
    process = start(folder, "--workers", "1")
    wait_for_epochs(folder, 8, process)
    before = time.monotonic()
    send(process, number)
    _, err = end(process)
    hurry(folder)
    assert process.returncode == 130, err
    assert "continue with: gridsearch resume" in err
    assert "Traceback" not in err
    assert time.monotonic() - before < 20  # the goal is 5 s; a loaded machine is given more
    log = paths.scratch_dir(folder / "results.db") / "ray.log"
    assert "SIGTERM received" not in log.read_text(), "Ray's own handler, which aborts seconds later"
    wait_until_none_is_left(process, 20)
    ended = run(folder, "resume", "--no-dashboard", *resumed)
    assert ended.code == 0, ended.err
    assert_alike(table(folder / "results.db"), whole)


STOPPED = """
import os, signal, sys

def stop():
    os.kill(os.getpid(), signal.SIGINT)

class StopAtImport:
    def find_spec(self, name, path=None, target=None):
        if name == "{moment}":
            sys.meta_path.remove(self)
            stop()

def stopped_before(real):
    def run(*arguments, **options):
        stop()
        return real(*arguments, **options)
    return run

if "{moment}" in ("init", "fit"):
    from gridsearch.engine.executors.ray_environment import set_up_own
    set_up_own()
    from gridsearch.engine.executors import ray_session, ray_tune
    owner = ray_session.ray if "{moment}" == "init" else ray_tune.tune.Tuner
    setattr(owner, "{moment}", stopped_before(getattr(owner, "{moment}")))
else:
    sys.meta_path.insert(0, StopAtImport())
from gridsearch.engine.run import interruption
interruption.PATIENCE_SECONDS = 200.0  # a busy machine starts Ray slowly
from gridsearch.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        ("torch", "run the same command again"),
        ("gridsearch.data.digits", "run the same command again"),
        ("ray", "run the same command again"),
        ("init", "run the same command again"),
        ("fit", "continue with: gridsearch resume small"),
    ],
)
def test_interrupted_before_anything_trains_it_ends_in_order(folder: Path, moment: str, last: str) -> None:
    (folder / "small.yaml").write_text(JOB)
    ended = subprocess.run(
        [sys.executable, "-c", STOPPED.replace("{moment}", moment), "launch", "small.yaml", "--workers", "1"],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 130, ended.stderr
    assert all(line.startswith("dashboards/") for line in ended.stdout.splitlines()), ended.stdout
    assert "stopping; press Ctrl-C again" in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith(last), ended.stderr
    assert "Traceback" not in ended.stderr
    assert epochs_recorded(folder) == 0


def test_a_mistake_found_while_ray_starts_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB.replace("neurons: [10]", "neurons: [10, -5]"))
    process = start(tmp_path, "--workers", "1")
    out, err = end(process)
    assert (process.returncode, out) == (2, "")
    assert len(err.splitlines()) == 1, err
    assert "neurons: model 'shallow' cannot be built with neurons=-5" in err
    wait_until_none_is_left(process, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.yaml"]


def test_a_store_of_an_older_version_is_upgraded_and_trained_on(folder: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "store" / "assets" / "m002.db", folder / "results.db")
    (folder / "small.yaml").write_text(JOB.replace("small", "new", 1))
    _, err = end(start(folder, "--workers", "1"))
    assert "new: 8 completed" in err


def test_killed_at_random_moments_it_ends_with_the_same_table(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    rng = random.Random(0)
    done = 0
    for _ in range(3):
        process = start(folder, "--inline")
        wait_for_epochs(folder, done + rng.randint(1, 8), process)
        time.sleep(rng.random() * 0.3)
        process.kill()
        end(process)
        done = epochs_recorded(folder)
        assert run(folder, "verify").code == 0
    hurry(folder)
    ended = run(folder, "resume", "--inline", "--no-dashboard")
    assert ended.code == 0, ended.err
    assert_alike(table(folder / "results.db"), whole)


def test_a_ray_of_our_own_is_for_nobody_else_and_ends_with_its_launch(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    process = start(folder, "--workers", "1")
    wait_for_epochs(folder, 4, process)
    rays = [one for one in session_of(process) if one.pid != process.pid]
    listening = [
        socket.laddr
        for one in [psutil.Process(process.pid), *rays]
        for socket in one.net_connections("inet")
        if socket.status == psutil.CONN_LISTEN
    ]
    assert "ray::IDLE" not in [one.cmdline()[0] for one in rays if one.cmdline()]  # no worker without an actor
    assert len(listening) >= 5  # the driver, the GCS server, the raylet, a worker
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    private = session_folders(process)[0].parents[1]
    assert [path.stat().st_mode & 0o077 for path in (private, private / "token")] == [0, 0]
    gcs = next(one for one in rays if "gcs_server" in one.name())
    port = next(s.laddr.port for s in gcs.net_connections("inet") if s.status == psutil.CONN_LISTEN)
    assert ask(folder, port, RAY_AUTH_MODE="disabled") == "InvalidAuthToken"
    assert ask(folder, port, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="wrong") == "InvalidAuthToken"
    assert ask(folder, port, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=(private / "token").read_text()) == "answered"
    if sys.platform == "linux":
        deaf = {one.name(): blocked(one) for one in rays}
        assert all(set(SIGNALS) <= numbers for numbers in deaf.values()), deaf

    process.kill()
    assert "gridsearch: the launch was ended from outside" in end(process)[1]
    hurry(folder)
    wait_until_none_is_left(process, 15)
    deadline = time.monotonic() + 15
    while session_folders(process):  # the guard, in a session of its own, removes it last
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert run(folder, "verify").code == 0
    ended = run(folder, "resume", "--inline", "--no-dashboard")
    assert ended.code == 0, ended.err
    assert_alike(table(folder / "results.db"), whole)


def blocked(process: psutil.Process) -> set[int]:
    """Return the signals that do not reach a process, as Linux tells them."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigBlk"))
    return {number for number in range(1, 65) if mask >> number - 1 & 1}


@pytest.mark.parametrize("dies", ["DashboardAgent", "gcs_server"])
def test_a_launch_that_ray_ends_says_so_and_resumes(
    folder: Path, whole: dict[str, tuple[object, ...]], dies: str
) -> None:
    process = start(folder, "--workers", "1")
    wait_for_epochs(folder, 4, process)
    assert {"raylet", "gcs_server"} <= {one.name() for one in psutil.Process(process.pid).children()}
    killed = next(one for one in session_of(process) if dies in one.name() + "".join(one.cmdline()[:2]))
    killed.kill()  # Ray's raylet dies with an agent, and Ray's native code ends the driver then, or our watch does
    _, err = end(process)
    hurry(folder)
    assert process.returncode == 1
    assert "a process of Ray's was; nothing recorded is lost, continue with the same command" in err.splitlines()[-1]
    ended = run(folder, "launch", "small.yaml", "--inline", "--no-dashboard")
    assert ended.code == 0, ended.err
    assert_alike(table(folder / "results.db"), whole)


#: Asks the GCS server as any program could that speaks its protocol.
STRANGER = """
import sys
from ray._raylet import GcsClient

GcsClient(address=f"127.0.0.1:{sys.argv[1]}").get_all_node_info()
print("answered")
"""


def ask(folder: Path, port: int, **own: str) -> str:
    """Return what a stranger hears, which without the right token tries on and on."""
    asking = subprocess.Popen(
        [sys.executable, "-c", STRANGER, str(port)],
        cwd=folder, env=environment(**own), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert asking.stdout
    try:
        return next((word for line in asking.stdout for word in ("answered", "InvalidAuthToken") if word in line), "")
    finally:
        asking.kill()
        asking.communicate()


def test_a_killed_worker_is_replaced(folder: Path, whole: dict[str, tuple[object, ...]]) -> None:
    process = start(folder, "--workers", "2")
    wait_for_epochs(folder, 8, process)
    workers = [p for p in session_of(process) if "Trainable" in "".join(p.cmdline())]
    workers[0].kill()
    hurry(folder)
    _, err = end(process)
    assert process.returncode == 0, err
    assert "a worker died" in err
    assert "Traceback" not in err
    assert_alike(table(folder / "results.db"), whole)


def test_checkpoints_that_cannot_be_written_end_a_ray_launch(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    process = start(folder, "--workers", "1")
    wait_for_epochs(folder, 8, process)
    checkpoints = paths.checkpoint_dir(folder / "results.db")
    moved = checkpoints.rename(checkpoints.with_name("moved"))
    checkpoints.write_text("")
    hurry(folder)
    _, err = end(process)
    assert process.returncode == 2, err
    assert "a worker died" not in err
    lines = [line for line in err.splitlines() if not line.startswith(("small: ", "trials "))]
    assert len(lines) == 1, err
    assert lines[0].startswith(f"gridsearch: checkpoints in {checkpoints} cannot be written: ")
    checkpoints.unlink()
    moved.rename(checkpoints)
    assert run(folder, "verify").code == 0
    ended = run(folder, "resume", "--inline", "--no-dashboard")
    assert ended.code == 0, ended.err
    assert_alike(table(folder / "results.db"), whole)


def test_a_store_that_breaks_under_ray_ends_the_launch_with_one_line(folder: Path) -> None:
    process = start(folder, "--workers", "1")
    wait_for_epochs(folder, 8, process)
    with closing(sqlite3.connect(folder / "results.db", timeout=30)) as connection:
        connection.execute("DROP TABLE epochs")
    hurry(folder)
    _, err = end(process)
    assert process.returncode == 5, err
    lines = [line for line in err.splitlines() if not line.startswith(("small: ", "trials "))]
    assert len(lines) == 1, err
    assert lines[0].startswith("gridsearch: the store ")
    assert "no such table" in lines[0]
    wait_until_none_is_left(process, 20)


CRASHING = """
import os
from torch import nn

class Net(nn.Module):
    def __init__(self, in_features, num_classes, kind):
        super().__init__()
        self.layer, self.kind = nn.Linear(in_features, num_classes), kind

    def forward(self, x):
        if self.kind == "deadly" and self.training:
            os._exit(7)
        return self.layer(x.flatten(1))
"""


def test_a_model_that_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    text = JOB.replace("model: shallow", "model: crashing:Net").replace("neurons: [10]", "kind: [good, deadly, fine]")
    text = text.replace("batch_size: [64, 128]", "batch_size: [64]").replace("[0.1, 0.01]", "[0.1]")
    (tmp_path / "small.yaml").write_text(text)
    ended = run(tmp_path, "launch", "small.yaml", "--workers", "2", "--no-dashboard")
    assert ended.code == 1, ended.err
    assert "4 completed" in ended.err
    assert "2 failed" in ended.err
    assert "its worker died 3 times: it was killed (by the system for want of memory, or by hand)" in ended.err
    assert "Traceback" not in ended.err
    assert run(tmp_path, "verify").code == 0


HANGING = CRASHING.replace("import os", "import time").replace("os._exit(7)", "time.sleep(600)")


def test_a_model_that_hangs_costs_its_own_trials_alone(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    text = JOB.replace("model: shallow", "model: hanging:Net").replace("neurons: [10]", "kind: [good, deadly, fine]")
    text = text.replace("batch_size: [64, 128]", "batch_size: [64]").replace("[0.1, 0.01]", "[0.1]")
    (tmp_path / "small.yaml").write_text(text + "trial_timeout: 12s\n")
    # It hangs when it is tried before the launch, too, where a minute is the limit.
    ended = run(tmp_path, "launch", "small.yaml", "--workers", "1", "--no-dashboard", "--model-timeout", "15s")
    assert ended.code == 1, ended.err
    assert "4 completed, 2 failed" in ended.err
    assert "2 trials failed: no epoch within 12s (--trial-timeout) (those with kind 'deadly')" in ended.err
    assert "Traceback" not in ended.err
    (log,) = paths.failure_log(tmp_path / "results.db", "x", 1).parent.iterdir()
    assert "hanging.py" in log.read_text()
    assert run(tmp_path, "verify").code == 0


def test_two_launches_share_a_store(folder: Path, whole: dict[str, tuple[object, ...]]) -> None:
    first, second = start(folder, "--inline"), start(folder, "--inline")
    for process in (first, second):
        wait_for_epochs(folder, 4, process)
    hurry(folder)
    errors = [end(process)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], errors
    assert_alike(table(folder / "results.db"), whole)
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        claims = connection.execute("SELECT max(attempt) FROM lineages").fetchone()[0]
    assert claims == 1


NO_RAY = "import sys; sys.modules['ray'] = None; from gridsearch.cli.main import main; main()"


def test_without_ray_inline_trains_and_anything_else_says_so(folder: Path) -> None:
    hurry(folder)

    launched = ("launch", "small.yaml", "--no-dashboard", "--set", "epochs=[1]")
    ended = run_program(folder, NO_RAY, *launched)
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith("gridsearch: Ray Tune cannot be imported")
    assert "Traceback" not in ended.err
    assert run_program(folder, NO_RAY, *launched, "--inline").code == 0


def test_a_cluster_that_is_not_there_is_one_line(folder: Path) -> None:
    ended = run(folder, "launch", "small.yaml", "--address", "127.0.0.1:1", "--no-dashboard")
    assert ended.code == 2
    assert "the cluster at 127.0.0.1:1 cannot be used" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
