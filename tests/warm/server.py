"""A process that has imported what the command line imports, and that becomes a copy which runs one command.

`processes.py` starts it as a script and asks it. It runs nothing itself: no thread of torch's is ever started here, so
that a copy is as sound as a new process, but for the seconds that its imports would take.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import sys
import tempfile
import threading
import types
import warnings
from pathlib import Path
from typing import Any, NoReturn, TextIO

#: What our modules import only when they need it; Ray, which starts threads of its own, is left to who does.
LIBRARIES = ("plotly.io", "rich.console", "rich.progress", "sklearn.metrics", "torch._dynamo")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
#: A number of a process, or what it ended with.
ANSWER = struct.Struct("q")
#: What comes with a question: the question itself, the three streams of the command, and where to say how it ended.
DESCRIPTORS = 5


def load() -> None:
    """Import all that commands may import."""
    import gridsearch

    for library in LIBRARIES:
        importlib.import_module(library)
    for module in pkgutil.walk_packages(gridsearch.__path__, "gridsearch."):
        if not any(part in module.name for part in (".ray_", ".onnx", ".migrations", ".__main__")):
            with contextlib.suppress(ImportError):  # the command that needs it says so
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # a copy's collections would write to, and so copy, all of it


def serve(listening: socket.socket) -> dict[str, Any]:
    """Return what is asked for, in a copy of this process that is to do it."""
    while True:
        asked, _ = listening.accept()
        with asked:
            _, received, _, _ = socket.recv_fds(asked, 1, DESCRIPTORS)
        if len(received) < DESCRIPTORS:
            continue
        watching = os.fork()
        if not watching:
            listening.close()
            return _watched(*received)
        for descriptor in received:
            os.close(descriptor)
        _forget_ended()


def _forget_ended() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _watched(question: int, stdin: int, stdout: int, stderr: int, answers: int) -> dict[str, Any]:
    """Return what is asked for in a copy of this copy, which waits for it and tells its number and its end."""
    with open(question) as file:
        wanted: dict[str, Any] = json.load(file)
    command = os.fork()
    if command:
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)  # whoever reads what the command writes is to see when it stops
        os.write(answers, ANSWER.pack(command))
        _, status = os.waitpid(command, 0)
        os.write(answers, ANSWER.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    os.close(answers)
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    return wanted


def become(wanted: dict[str, Any]) -> None:
    """Be what a new interpreter would be that was started with these arguments."""
    if wanted["session"]:
        os.setsid()
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    tempfile.tempdir = None
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    sys.stdout = sys.__stdout__ = _written(1)
    sys.stderr = sys.__stderr__ = _written(2, errors="backslashreplace", line_buffering=True)
    warnings.resetwarnings()
    warnings.simplefilter("default")
    how, what, *arguments = wanted["arguments"]
    safe = how == "-P"
    if safe:
        how, what, *arguments = what, *arguments
    sys.argv = [what if how == "-m" else how, *arguments]
    if how == "-m":
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        if not safe:
            sys.path.insert(0, "")
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)


def _written(descriptor: int, **options: Any) -> TextIO:
    """Return a stream as Python makes those of a new process."""
    raw, unbuffered = io.FileIO(descriptor, "w", closefd=False), bool(os.environ.get("PYTHONUNBUFFERED"))
    return io.TextIOWrapper(raw if unbuffered else io.BufferedWriter(raw), write_through=unbuffered, **options)


def end(error: BaseException | None) -> NoReturn:
    """End as an interpreter does, but for the modules: taking them apart one by one would copy all that is shared."""
    code: object = None
    if isinstance(error, SystemExit):
        code = error.code
    elif error:
        trace = _without_ours(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        code = 1
    if not (code is None or isinstance(code, int)):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    os._exit(int(code or 0) & 0xFF)


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def end_with_parent() -> None:
    """Have this process killed when the one that started it ends, whatever ends that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    end_with_parent()
    sys.path[0] = str(Path(__file__).parents[2])
    from tests.warm.processes import ask_at, trying_processes

    sys.path.pop(0)
    warnings.simplefilter("ignore")
    load()
    listener = socket.socket(fileno=int(sys.argv[1]))
    ask_at(listener.getsockname())
    trying_processes()
    asked_for = serve(listener)
    try:
        become(asked_for)
    except BaseException as raised:
        end(raised)
    end(None)
