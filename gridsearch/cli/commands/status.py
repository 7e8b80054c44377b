"""`gridsearch status`: how each job stands, and what the store takes of the disk."""

from __future__ import annotations

import json
import sys

from gridsearch.cli import jobs
from gridsearch.cli.options import (
    DEFAULT_STORE,
    AsJson,
    OptionalJobName,
    StoreOption,
)
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.streams import columns, data, say


def status(job: OptionalJobName = None, store: StoreOption = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Print the status of each job (counts, launches, failures) and the disk space that the store uses."""
    from gridsearch.cli.render.disk import use_text
    from gridsearch.cli.render.status import job_status, status_text
    from gridsearch.engine.disk.disk_use import disk_use

    with open_to_read(store, job) as opened:
        names = [jobs.stored_name(opened, job)] if job else [row.name for row in opened.jobs()]
        found = [job_status(opened, name) for name in names]
    used = disk_use(store)
    if as_json:
        data(json.dumps([one | {"disk": used.json()} for one in found], indent=2))
    elif found:
        width = columns(sys.stdout)
        data("\n\n".join([*(status_text(one, width=width) for one in found), use_text(used, width=width)]))
    else:
        say(f"{store}: no job has been launched yet")
