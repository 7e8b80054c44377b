"""What a page that follows a launch costs it, and how soon it shows a result.

Run `python benchmarks/serve.py [--repeats 5] [--epochs 40]`. The same job is launched alternately without and with
`gridsearch serve` and a headless Chromium that has its page open, on the same machine: the browser counts too. Then
results are recorded one by one, and the page is asked when it shows them.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gridsearch.config.events import EpochRecord, LineageFinished
from gridsearch.store.opening import open_store
from tests.cli.program import command, environment
from tests.serve.served import serving
from tests.store.grids import new_trial
from tests.visualization.browser import Browser, executable

JOB = """\
name: small
dataset: digits
split: {{test: 0.1}}
model: shallow
space:
  batch_size: [16, 32, 64, 128]
  epochs: [{half}, {epochs}]
  learning_rate: [0.3, 0.1, 0.03, 0.01]
  neurons: [10, 30]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--results", type=int, default=20, help="results of which the delay is measured")
    parser.add_argument("--launch", default="--inline --pack off", help="options of the launch")
    options = parser.parse_args()
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
    job, arguments = JOB.format(half=options.epochs // 2, epochs=options.epochs), options.launch.split()
    ratios = []
    for number in range(options.repeats):
        # The order changes: what is first on a machine that warms up is not always the same.
        order = (False, True) if number % 2 else (True, False)
        seconds = {watched: launched(job, arguments, watched=watched) for watched in order}
        ratios.append(seconds[True] / seconds[False])
        print(
            f"alone {seconds[False]:.2f} s, with a page open {seconds[True]:.2f} s, ratio {ratios[-1]:.3f}", flush=True
        )
    print(f"median ratio {statistics.median(ratios):.3f}")
    delays = measure_delays(options.results)
    print(f"from the record to the page: median {statistics.median(delays):.2f} s, longest {max(delays):.2f} s")


def launched(job: str, arguments: list[str], *, watched: bool) -> float:
    """Return the seconds that a launch takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small.yaml").write_text(job)
        with page(folder) if watched else nullcontext():
            begin = time.perf_counter()
            subprocess.run(
                command("launch", "small.yaml", "--keep", "none", *arguments),
                cwd=folder,
                env=environment(),
                check=True,
                capture_output=True,
            )
            return time.perf_counter() - begin


@contextmanager
def page(folder: Path) -> Iterator[Browser]:
    """Have the page of the job open in a browser, from before the job is there."""
    program = executable()
    assert program, "no Chromium is on PATH"
    with serving(folder) as server, Browser(program) as browser:
        browser.visit(server.page("small.html"))
        browser.wait("!!document.getElementById('live')", 90)
        yield browser


def measure_delays(count: int) -> list[float]:
    """Return the seconds from when a result is recorded until the page has it."""
    delays = []
    with tempfile.TemporaryDirectory() as name, open_store(Path(name) / "results.db") as store:
        trials = [new_trial(place / 1000, epochs=2) for place in range(1, count + 1)]
        store.put_job("small", {"dataset": "digits", "axes": []}, "", trials)
        launch = store.open_launch("small", "host", os.getpid(), 1.0, 1)
        claims = store.claim(launch, {trial.lineage_id: 2 for trial in trials})
        with page(Path(name)) as browser:
            browser.wait("(document.getElementById('live') || { dataset: {} }).dataset.ended === '0'", 90)
            for done, claim in enumerate(claims, start=1):
                epochs = [EpochRecord(claim.lineage_id, claim.attempt, n, 1, 0.1, 1, n / 9, 0.1, 1) for n in range(3)]
                store.record(launch, [*epochs, LineageFinished(claim.lineage_id, claim.attempt)], {})
                begin = time.perf_counter()
                browser.wait(f"document.getElementById('live').dataset.ended === '{done}'")
                delays.append(time.perf_counter() - begin)
                time.sleep(0.37)
    return delays


if __name__ == "__main__":
    main()
