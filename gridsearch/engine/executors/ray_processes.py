"""The processes of a Ray of our own: those that write to files below its folder.

Names and environments of processes do not last (Ray changes both), and numbers are used again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from gridsearch.engine.executors import ray_guard

#: How long new processes are looked for.
_SECONDS = 10.0

#: The processes without which a Ray trains nothing more, as the system calls them.
_VITAL = ("raylet", "gcs_server")

#: How often they are looked at, and how long Ray's native code has to end this process itself once one is gone.
_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 5.0


class Guard:
    """A process that ends a Ray when this one is gone, also by `kill -9`; it is no child that signals would reach.

    It says so on our stderr then: Ray's native code, for one, ends this process without a word when its raylet dies.
    """

    def __init__(self, folder: Path) -> None:
        package = Path(ray_guard.__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-I", ray_guard.__file__, str(folder), str(package)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def keep_folder(self) -> None:
        """Have it leave the folder where it is."""
        assert self._process.stdin
        try:
            self._process.stdin.write("keep\n")
            self._process.stdin.flush()
        except OSError:
            return  # it has been killed, and removes nothing

    def dismiss(self) -> None:
        """End it: everything has ended in order."""
        self._process.kill()
        self._process.communicate()


class VitalWatch:
    """Ends this process when a vital process of its Ray has died: Ray's native code does that too, but not always.

    Where it does not, Tune waits for ever for workers that nobody starts. Nothing is lost by it: every epoch stands in
    the store before the next one, and the guard says what happened.
    """

    def __init__(self) -> None:
        self._vital = [one for one in psutil.Process().children() if one.name() in _VITAL]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vital", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more: Ray is about to be ended in order."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            if not all(_is_alive(one) for one in self._vital):
                if not self._over.wait(_GRACE_SECONDS):
                    os._exit(1)
                return


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_children(folder: Path) -> None:
    """Kill the processes of the Ray in a folder that this process has started, and those that they have."""
    _kill(folder, psutil.Process().children(recursive=True))


def end_for_good(folder: Path) -> None:
    """Kill every process of the Ray in a folder, until no new one appears."""
    deadline = time.monotonic() + _SECONDS
    while (killed := _kill(folder, psutil.process_iter())) and time.monotonic() < deadline:
        psutil.wait_procs(killed, timeout=_SECONDS)


def _kill(folder: Path, candidates: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Kill those of the Ray in a folder, and return them."""
    found = [process for process in candidates if _writes_below(process, f"{folder}/")]
    for process in found:
        try:
            process.kill()
        except psutil.Error:
            continue
    return found


def _writes_below(process: psutil.Process, prefix: str) -> bool:
    """Say whether a process writes there: who only reads (`tail -f`, say) is none of Ray's."""
    try:
        return any(f.path.startswith(prefix) and getattr(f, "mode", "w") != "r" for f in process.open_files())
    except (psutil.Error, OSError):
        return False
