"""Processes that code of the user's is tried in, as they really start; elsewhere in tests they are copies of one."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from gridsearch.engine.prepare import trying_process

PROGRAM = """
import json, os, subprocess, sys
child = subprocess.Popen(["sleep", "86397"])
print(json.dumps([os.getsid(0) == os.getpid(), sys.path[0], sys.argv[1:], child.pid, sys.stdin.read()]), flush=True)
sys.stdin.close()
child.wait()
"""


@pytest.fixture
def real() -> ModuleType:
    """The module as it is, without what tests put in its place."""
    spec = importlib.util.spec_from_file_location("real_trying_process", str(trying_process.__file__))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_has_its_own_session_not_the_users_folder_and_ends_with_what_it_started(
    real: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the module of a user')")
    monkeypatch.chdir(tmp_path)
    said = tempfile.TemporaryFile()  # noqa: SIM115 - its end closes it
    process = real.start(PROGRAM, ["a", "b c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)
    process.stdin.write(b"asked")
    process.stdin.close()
    own, first, arguments, child, heard = json.loads(process.stdout.readline())
    assert (own, arguments, heard) == (True, ["a", "b c"], "asked")
    assert first not in ("", str(tmp_path))
    process.stdout.close()
    real.end(process, said)
    assert process.returncode == -9 and said.closed
    deadline = time.monotonic() + 15
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, os.getpid()
        time.sleep(0.05)
