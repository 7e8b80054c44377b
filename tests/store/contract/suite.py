"""The whole contract of a store."""

from __future__ import annotations

from tests.store.contract.answers import AnswerContract
from tests.store.contract.claims import ClaimContract
from tests.store.contract.evaluations import EvaluationContract
from tests.store.contract.jobs import PutJobContract
from tests.store.contract.launches import LaunchContract
from tests.store.contract.measurements import MeasurementContract
from tests.store.contract.metrics import MetricContract
from tests.store.contract.reading import ReadingContract
from tests.store.contract.recording import RecordContract
from tests.store.contract.reopening import ReopenContract
from tests.store.contract.trainings import TrainingContract


class StoreContract(
    PutJobContract,
    LaunchContract,
    ClaimContract,
    RecordContract,
    ReopenContract,
    ReadingContract,
    MeasurementContract,
    MetricContract,
    EvaluationContract,
    TrainingContract,
    AnswerContract,
):
    """All of it."""
