"""The executor that a launch was asked for: this process, or Ray, which is started before the job is ready for it."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gridsearch import paths
from gridsearch.cli.resources import Resources
from gridsearch.config.events import OPEN_STATES
from gridsearch.errors import EngineError, StorageError, StoreError, passed_over

if TYPE_CHECKING:
    from gridsearch.engine.executors.base import Executor, WorkerSettings
    from gridsearch.engine.executors.ray_session import RaySession
    from gridsearch.engine.prepare.prepared import Prepared

_log = logging.getLogger(__name__)


class Executors:
    """Makes the executor of a launch. While entered a Ray may be starting; at the end it is closed."""

    def __init__(self, chosen: Resources, store_path: Path) -> None:
        self.chosen, self.store_path = chosen, store_path
        self.session: RaySession | None = None
        self.made: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.session:
            self.session.close()
            if self.made and not self.store_path.exists():
                # A mistake in the job, found while Ray started: nothing of ours is left behind.
                self.session.log.unlink(missing_ok=True)
                for folder in self.made:
                    with contextlib.suppress(OSError):
                        folder.rmdir()

    def start_early(self, prepared: Prepared) -> None:
        """Begin to start Ray if the job seems to have something to train; a faulty store will speak for itself."""
        with passed_over(_log, "Ray is not started early", OSError, StorageError, StoreError):
            if self.chosen.inline or not self._has_work(prepared):
                return
            scratch = paths.scratch_dir(self.store_path)
            folders = (scratch, scratch.parent, scratch.parent.parent)
            self.made = [folder for folder in folders if not folder.exists()]
            self._ray().start()

    def make(self, settings: WorkerSettings) -> Executor:
        """Return the executor, its workers not yet started."""
        if self.chosen.inline:
            from gridsearch.engine.executors.inline import InlineExecutor

            return InlineExecutor(settings, paths.scratch_dir(self.store_path) / "inline.log")
        session = self._ray()
        from gridsearch.engine.executors.ray_tune import RayTuneExecutor

        return RayTuneExecutor(settings, session)

    def _ray(self) -> RaySession:
        if self.session is None or self.session.closed:
            from gridsearch.engine.executors.ray_environment import set_up_own

            if self.chosen.address is None:
                set_up_own()  # before Ray is imported
            try:
                from gridsearch.engine.executors.ray_session import RayOptions, RaySession
            except ImportError as error:
                raise EngineError(
                    f"Ray Tune cannot be imported ({error}); install ray[tune], or use --inline"
                ) from None
            chosen = self.chosen
            scratch = paths.scratch_dir(self.store_path)
            self.session = RaySession(
                RayOptions(chosen.workers, chosen.gpus_per_worker, scratch, chosen.address, chosen.cpus)
            )
        return self.session

    def _has_work(self, prepared: Prepared) -> bool:
        """Say what a look at the store, without a plan, shows: an edited grid of a finished job does not show there."""
        from gridsearch.store.opening import open_store
        from gridsearch.store.waiting import Patience

        if not self.store_path.exists():
            return self.store_path.absolute().parent.is_dir()
        # A store that is locked now is waited for by whoever needs it.
        at_once = Patience(limit=0.0, note=lambda text: None)
        with open_store(self.store_path, create=False, read_only=True, patience=at_once) as store:
            name = prepared.job.name
            known = name in {row.name for row in store.jobs()}
            return not known or bool(OPEN_STATES & set(store.counts(name)))
