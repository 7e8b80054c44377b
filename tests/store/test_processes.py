"""Several processes on one store, and processes that are killed: nothing twice, nothing lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from gridsearch.config.events import TrialState
from gridsearch.store.opening import open_store
from tests.store.grids import JOB, claim_all, make_store, new_trial

#: Claims a few lineages at a time, reports each to its end, and prints what it obtained.
CLAIMER = """
import json, os, random, sys
from pathlib import Path
from gridsearch.config.events import LineageFinished
from gridsearch.store.opening import open_store
from tests.store.grids import JOB, epochs
path, size, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
obtained = []
with open_store(path) as store:
    launch = store.open_launch(JOB, "host", os.getpid(), 1.0, 1)
    names = list(dict.fromkeys(row.lineage_id for row in store.trials(JOB)))
    random.Random(seed).shuffle(names)
    for start in range(0, len(names), size):
        claims = store.claim(launch, dict.fromkeys(names[start : start + size], 9))
        obtained += [claim.lineage_id for claim in claims]
        reports = [e for c in claims for e in (*epochs(c, 1), LineageFinished(c.lineage_id, c.attempt))]
        if reports:
            assert store.record(launch, reports, {}).refused == 0
    store.close_launch(launch, "complete")
print(json.dumps(obtained))
"""

#: Trains lineage after lineage, epoch by epoch, and says what has been acknowledged.
RECORDER = """
import os, sys
from pathlib import Path
from gridsearch.config.events import LineageFinished
from gridsearch.store.opening import open_store
from tests.store.grids import JOB, epoch
with open_store(Path(sys.argv[1])) as store:
    launch = store.open_launch(JOB, "host", os.getpid(), 1.0, 1)
    print("ready", flush=True)
    for trial in store.trials(JOB):
        for claim in store.claim(launch, {trial.lineage_id: trial.epochs}):
            for number in range(claim.recorded_epoch + 1, claim.target_epochs + 1):
                store.record(launch, [epoch(claim, number)], {})
                print(claim.lineage_id, number, flush=True)
            store.record(launch, [LineageFinished(claim.lineage_id, claim.attempt)], {})
    store.close_launch(launch, "complete")
    print("done", flush=True)
"""


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outputs(processes: list[subprocess.Popen[str]]) -> list[str]:
    results = [process.communicate(timeout=500) for process in processes]
    for process, (_, errors) in zip(processes, results, strict=True):
        assert process.returncode == 0, errors
    return [printed for printed, _ in results]


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "lineages", "size"), [(16, 3000, 50), (4, 60, 1)])
def test_each_lineage_is_claimed_once(path: Path, processes: int, lineages: int, size: int) -> None:
    trials = [new_trial(rate / 10_000, epochs=1) for rate in range(1, lineages + 1)]
    make_store(path, trials).close()
    printed = outputs([python(CLAIMER, path, size, seed) for seed in range(processes)])
    obtained = Counter(name for text in printed for name in json.loads(text))
    assert obtained == Counter(trial.lineage_id for trial in trials)
    with open_store(path) as store:
        assert store.counts(JOB) == {TrialState.COMPLETED: lineages}
        assert store.open_launches() == []
        assert store.verify() == []


@pytest.mark.slow
def test_processes_that_make_the_same_store_at_once_agree(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.store.grids import grid, make_store\n"
        "make_store(Path(sys.argv[1]), grid()).close()\n"
    )
    outputs([python(code, path) for _ in range(6)])
    with open_store(path) as store:
        assert len(store.trials(JOB)) == 4 and store.job(JOB).revision == 1
        assert store.verify() == []


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_acknowledged(path: Path) -> None:
    trials = [new_trial(rate / 100, epochs=4) for rate in range(1, 41)]
    make_store(path, trials).close()
    generator = random.Random(0)
    acknowledged: set[tuple[str, int]] = set()
    kills = 0
    while True:
        process = python(RECORDER, path)
        assert process.stdout and process.stderr
        first = process.stdout.readline()
        assert first == "ready\n", process.stderr.read()
        # However quick the disk, each life comes to something new, and ends in the middle of what follows.
        lines = [process.stdout.readline().rstrip("\n") for _ in range(generator.randint(1, 40))]
        time.sleep(generator.uniform(0.0, 0.005))
        process.send_signal(signal.SIGKILL)
        printed, _ = process.communicate(timeout=60)
        lines += printed.splitlines()
        acknowledged |= {
            (name, int(n)) for name, _, n in (line.partition(" ") for line in lines if line not in ("", "done"))
        }
        with open_store(path) as store:
            assert store.verify() == []
            recorded = {(row.lineage_id, row.epoch) for row in store.job_epochs(JOB)}
            assert acknowledged <= recorded
            for launch in store.open_launches():
                store.close_launch(launch.launch_id, "lost")
            assert store.verify() == []
            if store.counts(JOB) == {TrialState.COMPLETED: len(trials)}:
                break
        kills += 1
        assert kills < 200
    assert kills >= 3
    assert len(recorded) == len(trials) * 5


def test_a_second_store_sees_a_claim_at_once(path: Path) -> None:
    trials = [new_trial()]
    with make_store(path, trials) as one, open_store(path) as two:
        first = one.open_launch(JOB, "host", 1, 1.0, 1)
        second = two.open_launch(JOB, "host", 2, 1.0, 1)
        assert len(claim_all(one, first, trials)) == 1
        assert claim_all(two, second, trials) == []
        one.release(first)
        assert [claim.attempt for claim in claim_all(two, second, trials)] == [2]
