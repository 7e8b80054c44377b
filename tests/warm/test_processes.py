"""The copies that most tests run commands in are as new processes: how they begin, what they say, how they end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.program import environment
from tests.warm.processes import Warm

PROGRAMS = [
    "import os, sys; print(__name__, sys.argv, sys.path[0], os.getcwd(), sys.stdout.isatty(), sys.stdin.read())",
    "import os; print(sorted(os.environ.items()))",
    "import sys; sys.exit(3)",
    "raise SystemExit('why')",
    "raise ValueError('no traceback of ours')",
    "import atexit; atexit.register(print, 'bye')",
    "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
    "import os; print('not written'); os._exit(7)",
    "import os; os.kill(os.getpid(), 9)",
    "import os; print(len(os.listdir('/dev/fd')), os.getsid(0) == os.getpid())",
    "import os, sys; print(os.fsencode(sys.argv[1]))",
    "import signal; print([signal.getsignal(number) for number in (2, 15, 17)])",
    "import warnings; warnings.warn('heard')",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_copy_is_as_a_new_process(tmp_path: Path, program: str) -> None:
    arguments = ["-c", program, "caf\udce9"]
    new = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=environment(ODD="1"), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, start_new_session=True, check=False,
    )  # fmt: skip
    copy = Warm(arguments, cwd=tmp_path, env=environment(ODD="1"), start_new_session=True)
    assert (*copy.communicate(60), copy.returncode) == (new.stdout, new.stderr, new.returncode)


def test_a_copy_can_be_watched_and_ended(tmp_path: Path) -> None:
    copy = Warm(["-c", "import time; print(1, flush=True); time.sleep(600)"], cwd=tmp_path, env=environment())
    assert copy.stdout and copy.stdout.readline() == "1\n"
    assert copy.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        copy.wait(0.1)
    began = time.monotonic()
    copy.kill()
    assert copy.communicate() == ("", "") and copy.poll() == -signal.SIGKILL
    assert time.monotonic() - began < 60
