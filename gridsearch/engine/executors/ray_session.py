"""A Ray to train on: started here, or a cluster's; `ray_tune` gives it work. Only these two modules import Ray."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import signal
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridsearch.engine.executors.ray_environment import PrivateFolder  # before Ray

# isort: split
import ray

from gridsearch.engine.executors.descriptors import descriptors_to
from gridsearch.engine.executors.ray_processes import Guard, VitalWatch, end_children
from gridsearch.engine.run.interruption import SIGNALS
from gridsearch.errors import EngineError, not_writable, one_line

#: How long a cluster's address may take to answer.
REACH_SECONDS = 10.0

#: How Ray's log calls what Ray itself reports as a failure to connect.
_REFUSED = "InvalidAuthToken"
_ABOUT_TOKENS = (
    "it requires a token, and this process has none or a different one: set RAY_AUTH_MODE=token and put the"
    " cluster's token"
    " into ~/.ray/auth_token, or into a file that RAY_AUTH_TOKEN_PATH names"
)


@dataclass(frozen=True)
class RayOptions:
    """How to use Ray: `address` of a cluster to join (None starts one here), workers, GPUs for each (may be a part).

    `cpus` is how many cores each worker needs on a machine of a cluster.
    """

    workers: int
    gpus_per_worker: float
    scratch: Path
    address: str | None = None
    cpus: int = 1


class RaySession:
    """Starts Ray in the background, so that a job is prepared meanwhile; both take seconds.

    Its thread lives as long as its Ray: Ray's processes end with the thread that started them.
    """

    def __init__(self, options: RayOptions) -> None:
        self.options = options
        self.log = options.scratch / "ray.log"
        self._folder: PrivateFolder | None = None
        self._guard: Guard | None = None
        self._watch: VitalWatch | None = None
        self._kept = False
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
            # Anew, and never through a link that somebody put there; another launch writes on to its own.
            self.log.unlink(missing_ok=True)
            self.log.open("x").close()
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
            why = _ABOUT_TOKENS if self._refused() else one_line(error)
            raise EngineError(f"{where} cannot be used: {why}; --inline trains without Ray") from error

    def close(self) -> None:
        """Stop Ray and its workers; of a Ray of our own nothing is left but its log."""
        if self._started:
            self._thread.submit(self._shutdown).result()
            self._started = None
        self._thread.shutdown()
        self.closed = True

    def cpus_per_worker(self) -> int:
        """Return a worker's share of Ray's processors, of which a local Ray has one for each worker.

        Raises:
            EngineError: No machine of the cluster has what a worker needs: Ray would wait for one for ever.
        """
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        share = max(1, int(resources.get("CPU", 1)) // self.options.workers)
        if self.options.address is None:
            return share
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        for name, what, needed in (
            ("CPU", "CPU cores", self.options.cpus),
            ("GPU", "GPUs", self.options.gpus_per_worker),
        ):
            most = max((node.get(name, 0.0) for node in nodes), default=0.0)
            if needed > most:
                raise EngineError(
                    f"a trial needs {needed:g} {what}, and no machine of the cluster at {self.options.address} has more"
                    f" than {most:g}"
                )
        return max(share, self.options.cpus)

    def keep_logs(self) -> None:
        """Leave Ray's own logs where they are: something in them is worth reading."""
        self._kept = True
        if self._guard:
            self._guard.keep_folder()

    def _refused(self) -> bool:
        """Say whether a cluster was reached that did not let us in."""
        with contextlib.suppress(OSError):
            return bool(self.options.address) and _REFUSED in self.log.read_text(errors="replace")
        return False

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
        # What is sent to all our processes (by a terminal, a batch system, systemd) is for the driver to hear: the
        # others inherit this thread's deafness.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._folder = PrivateFolder()
        self._guard = Guard(self._folder.path)
        gpus = self.options.gpus_per_worker * self.options.workers
        with descriptors_to(self.log), _signals_kept():
            ray.init(
                address="local",
                num_cpus=self.options.workers,
                num_gpus=math.ceil(gpus),
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(self._folder.ray),
                **shared,
            )
        self._watch = VitalWatch()

    def _shutdown(self) -> None:
        if self._watch:
            self._watch.end()
        with descriptors_to(self.log), _signals_kept():
            if self._folder:
                _end_at_once(self._folder.path)
            ray.shutdown()
        if self._guard:
            self._guard.dismiss()
        if self._folder and not self._kept:
            self._folder.remove()


def _end_at_once(folder: Path) -> None:
    """Have `ray.shutdown` kill Ray's processes: it would ask them to end, to which they are deaf, and wait for each."""
    with contextlib.suppress(AttributeError):  # another Ray than we know, or one that has not started: it waits then
        node: Any = ray._private.worker._global_node
        wait_for_each = node.kill_all_processes

        def kill_all_processes(*arguments: Any, **options: Any) -> None:
            end_children(folder)
            wait_for_each(*arguments, **options)

        node.kill_all_processes = kill_all_processes


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


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep our handlers: Ray's native code takes SIGTERM when it starts, and would abort where we stop and resume; when
    it ends, it leaves none.

    `signal.signal` is for the main thread only; the functions beneath it are not.
    """
    kept, put_back = ctypes.pythonapi.PyOS_getsig, ctypes.pythonapi.PyOS_setsig
    kept.argtypes, kept.restype = [ctypes.c_int], ctypes.c_void_p
    put_back.argtypes, put_back.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    handlers = {number: kept(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            put_back(number, handler)


def _check_reachable(address: str) -> None:
    """Raise `OSError` at once when nobody listens at host:port; Ray would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
