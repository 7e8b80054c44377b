"""A job's page beside optuna-dashboard's of the same trials: bytes, first paint, first figure, last figure.

    python benchmarks/peers_dashboard.py results.db quickstart [--repeat 3]

The trials of the job become a study in an SQLite file, as Optuna's users have it: parameters, score, and the score's
metric of every epoch. `optuna-dashboard` (in this environment: `pip install optuna-dashboard`) serves it on loopback;
our page is written by `dashboard` and opened as the file that it is. Both in turn in the same headless Chromium, 1400
by 1000 pixels, with nothing cached. The browser itself reports the first paint and the bytes; a figure is counted when
plotly has put it into the page, and the last is the one after which none came for `QUIET` seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import gridsearch  # noqa: E402
from tests.visualization.browser import Browser, executable  # noqa: E402

#: Seconds without a new figure after which a page is finished.
QUIET = 4.0
#: Put into each page before its own scripts: notes when figures come in.
WATCH = """
  window.figures = [];
  new MutationObserver(() => {
    const count = document.querySelectorAll('.js-plotly-plot .main-svg').length;
    if (count !== (window.figures.at(-1) || [0])[0]) window.figures.push([count, performance.now()]);
  }).observe(document, { childList: true, subtree: true });
"""
PAINT = "performance.getEntriesByType('paint').find(one => one.name === 'first-contentful-paint').startTime"
BYTES = """performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""


def study(job: gridsearch.Job, storage: str) -> None:
    """Copy the trials of a job into a study of Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials, epochs, objective, best = job.trials(), job.epochs(), job.summary.objective, job.summary.best
    axes = {name: sorted(set(trials[name])) for name, _ in best.settings} if best else {}
    distributions = {name: optuna.distributions.CategoricalDistribution(values) for name, values in axes.items()}
    curves = {key: curve.set_index("epoch")[objective.metric] for key, curve in epochs.groupby("trial")}
    found = optuna.create_study(
        study_name=job.name, storage=storage, direction="maximize" if objective.mode == "max" else "minimize"
    )
    found.add_trials(
        [
            optuna.trial.create_trial(
                params={name: row[name] for name in axes},
                distributions=distributions,
                value=row["score"],
                intermediate_values={int(n): float(value) for n, value in curves[row["trial"]].items()},
            )
            for row in trials[trials["score"].notna()].to_dict("records")
        ]
    )


@contextlib.contextmanager
def optuna_dashboard(storage: str) -> Iterator[str]:
    """Serve a study, and give the address of its page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    beside = Path(sys.executable).with_name("optuna-dashboard")
    program = str(beside) if beside.exists() else shutil.which("optuna-dashboard")
    if program is None:
        sys.exit("optuna-dashboard is not here: pip install optuna-dashboard")
    server = subprocess.Popen(
        [program, storage, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if time.monotonic() > end or server.poll() is not None:
                sys.exit("optuna-dashboard does not answer")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/dashboard/studies/1"
    finally:
        server.terminate()
        server.wait(10)


def shown(browser: Browser, url: str) -> dict[str, float]:
    """Return what a visit of a page costs, times in milliseconds."""
    browser.send("Network.clearBrowserCache")
    browser.visit(url)
    browser.wait("window.figures.length > 0", 120)
    browser.wait(f"performance.now() - window.figures.at(-1)[1] > {1000 * QUIET}", 120)
    size = Path(url.removeprefix("file://")).stat().st_size if url.startswith("file:") else browser.run(BYTES)
    return {
        "MB": size / 1e6,
        "first paint (ms)": browser.run(PAINT),
        "first figure (ms)": browser.run("window.figures[0][1]"),
        "last figure (ms)": browser.run("window.figures.at(-1)[1]"),
        "figures": browser.run("document.querySelectorAll('.js-plotly-plot').length"),
    }


def main() -> None:
    """Measure both, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("job")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    program = executable()
    if program is None:
        sys.exit("no Chromium on PATH")
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name, gridsearch.open(options.store) as results:
        job, storage = results.job(options.job), f"sqlite:///{name}/study.db"
        study(job, storage)
        page = job.dashboard(Path(name) / "page.html")
        with optuna_dashboard(storage) as theirs, Browser(program) as browser:
            browser.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
            pages = {"gridsearch": page.absolute().as_uri(), "optuna-dashboard": theirs}
            visits = pd.DataFrame(
                [{"page": who, **shown(browser, url)} for _ in range(options.repeat) for who, url in pages.items()]
            )
    for who, times in visits.groupby("page"):
        figures = {name: statistics.median(times[name]) for name in times if name != "page"}
        print(f"{who:<18}", "  ".join(f"{name} {value:.4g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
