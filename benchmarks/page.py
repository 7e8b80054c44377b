"""What a page costs: its size, the time to write it, and the times to its first paint and to its last figure.

    python benchmarks/page.py [--trials 384 12000 100000] [--repeat 3] [--json]

Jobs of so many trials over four axes, with scores and without epochs, as a store would give them; a page of one with
curves is larger by at most what `MOST_NUMBERS` and `MOST_CHOSEN_NUMBERS` of `visualization/page.py` allow. Or pages
that are there already: `--page FILE`. The browser is the Chromium on PATH, headless, 1400 by 1000 pixels; the first
paint is what it reports itself (`performance.getEntriesByType`), drawn is when the page's script has drawn its last
figure.
Sorting and filtering are timed on the page, from the click to the rows of the table, without the figures that follow.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from gridsearch.analysis.frames import JobData  # noqa: E402
from gridsearch.visualization.dashboards import write_page  # noqa: E402
from tests.analysis.grids import job_data, make_job, make_trial  # noqa: E402
from tests.visualization.browser import Browser, executable  # noqa: E402

TIMED = "(() => {{ const began = performance.now(); {}; return performance.now() - began }})()"
SORT = "document.querySelector('#trials [data-column=neurons]').click()"
FILTER = """const field = document.getElementById('filter'); field.value = 'score > 0.6 and neurons % 2 == 0';
  field.dispatchEvent(new Event('change'))"""


def job(count: int) -> JobData:
    """Return a finished job of about so many trials; their scores are all different."""
    axes: dict[str, list[Any]] = {
        "neurons": list(range(1, max(2, count // 96 + 1))),
        "learning_rate": [10.0**-n for n in range(1, 9)],
        "momentum": [0.0, 0.5, 0.9, 0.99],
        "batch_size": [16, 32, 64],
    }
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())][:count]
    rows = [make_trial(point, 0.5 + (n * 7919 % count) / count / 2) for n, point in enumerate(points)]
    return job_data(make_job(axes, name=f"{count} trials"), rows, ())


def shown(browser: Browser, page: Path) -> dict[str, float]:
    """Return the milliseconds to the first paint and to the last figure, and of sorting and filtering."""
    browser.open(page)
    paint = browser.run(
        "performance.getEntriesByType('paint').find(one => one.name === 'first-contentful-paint').startTime"
    )
    drawn = browser.run("performance.getEntriesByName('drawn')[0].startTime")
    return {
        "first paint": paint,
        "drawn": drawn,
        "sort": browser.run(TIMED.format(SORT))
        if browser.run("!!document.querySelector('[data-column=neurons]')")
        else 0,
        "filter": browser.run(TIMED.format(FILTER)),
    }


def main() -> None:
    """Measure and print a line for each page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="*", default=[384, 12_000])
    parser.add_argument("--page", type=Path, nargs="*", default=[])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    program = executable()
    if program is None:
        sys.exit("no Chromium on PATH")
    found = []
    with tempfile.TemporaryDirectory() as folder, Browser(program) as browser:
        pages: list[tuple[Path, float | None]] = [(page, None) for page in options.page]
        for count in options.trials if not options.page else ():
            data, began = job(count), time.perf_counter()
            pages.append((write_page(data, Path(folder) / f"{count}.html"), time.perf_counter() - began))
        for page, took in pages:
            times = [shown(browser, page) for _ in range(options.repeat)]
            row: dict[str, Any] = {"page": page.stem, "MB": round(page.stat().st_size / 1e6, 2), "written (s)": took}
            row |= {f"{name} (ms)": round(statistics.median(one[name] for one in times)) for name in times[0]}
            found.append(row)
            if not options.json:
                print(
                    "  ".join(
                        f"{name} {value if not isinstance(value, float) else round(value, 2)}"
                        for name, value in row.items()
                    )
                )
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
