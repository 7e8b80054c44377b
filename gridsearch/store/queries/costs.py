"""What the training of a job took: epochs and seconds, each epoch once, summed up where the rows are."""

from __future__ import annotations

import math

from sqlalchemy import Connection, and_, case, func, select

from gridsearch.config.events import RESULT_STATES
from gridsearch.store.checked_tables import EPOCHS, JOBS
from gridsearch.store.queries.checked_epochs import checked_epochs
from gridsearch.store.queries.grids import check_grid, lineages_of_job
from gridsearch.store.rows import TrainingCost
from gridsearch.store.schema.tables import trials
from gridsearch.store.write.jobs import stored_job

_JOB_ID = JOBS.names.index("id")
_EPOCH, _SECONDS = EPOCHS.names.index("epoch"), EPOCHS.names.index("seconds")


def training_cost(connection: Connection, job: str) -> TrainingCost:
    """See `Store.training_cost`.

    A lineage's longest trial of the job tells, once it has its result; of all others the epochs are counted.
    """
    row = stored_job(connection, job)
    check_grid(connection, row)
    longest = lineages_of_job(row[_JOB_ID], func.max(trials.c.epochs).label("epochs"))
    its_trial = and_(trials.c.lineage == longest.c.lineage, trials.c.epochs == longest.c.epochs)
    done = trials.c.state.in_(sorted(RESULT_STATES))
    last = func.coalesce(trials.c.diverged_epoch, trials.c.stopped_epoch, trials.c.epochs)
    told = (func.sum(case((done, last))), func.sum(case((done, trials.c.seconds))), func.count(case((~done, 1))))
    epochs, seconds, open_count = connection.execute(select(*told).join_from(longest, trials, its_trial)).one()
    open_ones = select(longest.c.lineage, longest.c.epochs).join_from(longest, trials, its_trial).where(~done)
    limits = {lineage: limit for lineage, limit in connection.execute(open_ones)} if open_count else {}
    curves = checked_epochs(connection, limits) if limits else {}
    begun = [epoch for key, curve in curves.items() for epoch in curve if epoch[_EPOCH] <= limits[key]]
    return TrainingCost(
        epochs=(epochs or 0) + sum(epoch[_EPOCH] >= 1 for epoch in begun),
        seconds=math.fsum([seconds or 0.0, *(epoch[_SECONDS] for epoch in begun)]),
    )
