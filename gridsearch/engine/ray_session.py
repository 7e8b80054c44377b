"""A Ray to train on: started here, or a cluster's; `ray_tune` gives it work. Only these two modules import Ray."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

# Before Ray is imported: no copy of the working folder and no rebuilt environment under `uv run`, no usage report, no
# files of Tune's own, and Ctrl-C is ours.
os.environ.update(
    RAY_ENABLE_UV_RUN_RUNTIME_ENV="0",
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
    RAY_AIR_NEW_OUTPUT="0",
    RAY_CHDIR_TO_TRIAL_DIR="0",
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_DISABLE_SIGINT_HANDLER="1",
    TUNE_DISABLE_STRICT_METRIC_CHECKING="1",
    TUNE_GLOBAL_CHECKPOINT_S="3600",
    TUNE_WARN_THRESHOLD_S="3600",
)

import ray

from gridsearch.errors import EngineError, not_writable, one_line

#: How long a cluster's address may take to answer.
REACH_SECONDS = 10.0


@dataclass(frozen=True)
class RayOptions:
    """How to use Ray: `address` of a cluster to join (None starts one here), workers, GPUs for each (may be a part)."""

    workers: int
    gpus_per_worker: float
    scratch: Path
    address: str | None = None


class RaySession:
    """Starts Ray in the background, so that a job is prepared meanwhile; both take seconds.

    Its thread lives as long as its Ray: Ray's processes end with the thread that started them.
    """

    def __init__(self, options: RayOptions) -> None:
        self.options = options
        self.log = options.scratch / "ray.log"
        self.folder: Path | None = None
        self._thread = ThreadPoolExecutor(1, "ray")
        self._started: Future[None] | None = None
        #: Whether it has been closed; it does not start again.
        self.closed = False

    def start(self) -> None:
        """Begin to start Ray; `StorageError` where its log cannot be written."""
        if self._started:
            return
        try:
            self.options.scratch.mkdir(parents=True, exist_ok=True)
            self.log.write_text("")
        except OSError as error:
            raise not_writable("Ray's log", self.options.scratch, error) from error
        for name in ("ray", "ray.tune", "ray.train", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._started = self._thread.submit(self._init)

    def wait(self) -> None:
        """Wait until Ray has started; `EngineError` when it cannot."""
        self.start()
        assert self._started
        try:
            self._started.result()
        except Exception as error:
            where = f"the cluster at {self.options.address}" if self.options.address else "Ray"
            raise EngineError(f"{where} cannot be used: {one_line(error)}; --inline trains without Ray") from error

    def close(self) -> None:
        """Stop Ray and its workers; of a Ray of our own nothing is left but its log."""
        if self._started:
            self._thread.submit(self._shutdown).result()
            self._started = None
        self._thread.shutdown()
        self.closed = True

    def cpus_per_worker(self) -> int:
        """Return a worker's share of Ray's processors, of which a local Ray has one for each worker."""
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(resources.get("CPU", 1)) // self.options.workers)

    def keep_logs(self) -> None:
        """Leave Ray's own logs where they are: something in them is worth reading."""
        self.folder = None

    def _init(self) -> None:
        shared: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.CRITICAL,
            "configure_logging": False,
            "job_config": _without_folders(),
        }
        if self.options.address:
            _check_reachable(self.options.address)
            with descriptors_to(self.log), _signals_kept():
                ray.init(address=self.options.address, **shared)
            return
        # When this process is killed, Ray's agents try so long to reach what is gone with it before they go too.
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
        gpus = self.options.gpus_per_worker * self.options.workers
        with descriptors_to(self.log), _signals_kept():
            ray.init(
                address="local",
                num_cpus=self.options.workers,
                num_gpus=math.ceil(gpus),
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                **shared,
            )
        self.folder = session_folder()

    def _shutdown(self) -> None:
        with descriptors_to(self.log), _signals_kept():
            ray.shutdown()
        if self.folder:
            _remove_session(self.folder)


class _OwnHome(list[str]):
    """The folders that Ray puts first on the path of workers: none but that of this package.

    Ray would add the folder that the driver runs in, where a statistics.py of the user's would be taken for Python's.
    A worker that needs the user's folders puts them last.
    """

    def extend(self, folders: Iterable[str]) -> None:
        """Take what is no folder of the user's."""
        home = Path(__file__).parents[2]
        super().extend(folder for folder in folders if Path(folder).resolve() == home)


def _without_folders() -> ray.job_config.JobConfig:
    config = ray.job_config.JobConfig()
    config._py_driver_sys_path = _OwnHome()
    return config


def session_folder() -> Path | None:
    """Return the folder of the Ray this process has joined, which holds its sockets and logs."""
    folder = Path(ray.nodes()[0]["ObjectStoreSocketName"]).parent.parent  # type: ignore[no-untyped-call]
    return folder if folder.name.startswith("session_") else None


def open_log(log: Path) -> TextIO:
    """Return Ray's log to write on at its end; nothing that is kept where its folder has gone."""
    try:
        return log.open("a")
    except OSError:
        return Path(os.devnull).open("a")


@contextlib.contextmanager
def descriptors_to(log: Path) -> Iterator[None]:
    """Let the descriptors of stdout and stderr, where there are any, lead to a file: native code writes there too.

    The terminal is ours: the command line writes to descriptors of its own.
    """
    kept: dict[int, int] = {}
    _flush()
    with open_log(log) as file:
        for number in (1, 2):
            with contextlib.suppress(OSError):
                kept[number] = os.dup(number)
                os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        _flush()
        for number, saved in kept.items():
            os.dup2(saved, number)
            os.close(saved)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep our handlers: Ray's native code takes SIGTERM when it starts, and would abort where we stop and resume; when
    it ends, it leaves none.

    `signal.signal` is for the main thread only; the functions beneath it are not.
    """
    kept, put_back = ctypes.pythonapi.PyOS_getsig, ctypes.pythonapi.PyOS_setsig
    kept.argtypes, kept.restype = [ctypes.c_int], ctypes.c_void_p
    put_back.argtypes, put_back.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    handlers = {number: kept(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            put_back(number, handler)


def _remove_session(folder: Path) -> None:
    """Remove what a Ray of our own leaves behind, and the link to it if no other Ray has taken it since."""
    shutil.rmtree(folder, ignore_errors=True)
    latest = folder.with_name("session_latest")
    with contextlib.suppress(OSError):
        if latest.readlink().name == folder.name:
            latest.unlink()


def _check_reachable(address: str) -> None:
    """Raise `OSError` at once when nobody listens at host:port; Ray would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def _flush() -> None:
    """Write out what Python still holds for its streams, so that it goes where it was meant to."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
