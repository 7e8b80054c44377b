"""The executor that a launch was asked for: this process, or Ray, which is started before the job is ready for it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gridsearch import paths
from gridsearch.cli.resources import Resources
from gridsearch.errors import EngineError, StorageError
from gridsearch.spec.outcomes import OPEN_STATES

if TYPE_CHECKING:
    from gridsearch.engine.executor import Executor, WorkerSettings
    from gridsearch.engine.preparation import PreparedJob
    from gridsearch.engine.ray_session import RaySession


class Executors:
    """Makes the executor of a launch. While entered a Ray may be starting; at the end it is closed."""

    def __init__(self, chosen: Resources, store_path: Path) -> None:
        self.chosen, self.store_path = chosen, store_path
        self.session: RaySession | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.session:
            self.session.close()
        if not self.store_path.exists():  # a mistake in the job, found while Ray started: nothing is left behind
            scratch = paths.scratch_dir(self.store_path)
            shutil.rmtree(scratch, ignore_errors=True)
            for folder in (scratch.parent, scratch.parent.parent):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def start_early(self, prepared: PreparedJob) -> None:
        """Begin to start Ray if the job surely has something to train."""
        if self.chosen.inline or not self._has_work(prepared):
            return
        with contextlib.suppress(StorageError):  # the store will say it better
            self._ray().start()

    def make(self, settings: WorkerSettings) -> Executor:
        """Return the executor, its workers not yet started."""
        if self.chosen.inline:
            from gridsearch.engine.inline import InlineExecutor

            return InlineExecutor(settings)
        session = self._ray()
        from gridsearch.engine.ray_tune import RayTuneExecutor

        return RayTuneExecutor(settings, session)

    def _ray(self) -> RaySession:
        if self.session is None:
            try:
                from gridsearch.engine.ray_session import RayOptions, RaySession
            except ImportError as error:
                raise EngineError(
                    f"Ray Tune cannot be imported ({error}); install ray[tune], or use --inline"
                ) from None
            chosen = self.chosen
            self.session = RaySession(
                RayOptions(chosen.workers, chosen.gpus_per_worker, paths.scratch_dir(self.store_path), chosen.address)
            )
        return self.session

    def _has_work(self, prepared: PreparedJob) -> bool:
        """Say whether a look at the store, without a plan, shows work: an edited grid of a finished job does not."""
        from gridsearch.store.opening import open_store

        if not self.store_path.exists():
            return True
        with open_store(self.store_path, create=False, read_only=True) as store:
            name = prepared.job.name
            known = name in {row.name for row in store.jobs()}
            return not known or bool(OPEN_STATES & set(store.counts(name)))
