"""The watch over the processes that a Ray cannot do without; programs with their names stand in for Ray's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

#: Starts a raylet and a GCS server that only sleep, kills one or none, and ends in order after a while if it can.
DRIVER = """
import subprocess, sys, time
from gridsearch.engine.executors import ray_processes

ray_processes._LOOK_SECONDS = ray_processes._GRACE_SECONDS = 0.1
vital = {name: subprocess.Popen([f"./{name}", "9"], stdout=-3, stderr=-3) for name in ("raylet", "gcs_server", "agent")}
watch = ray_processes.VitalWatch()
if sys.argv[1] in vital:
    vital[sys.argv[1]].kill()
time.sleep(2)
watch.end()
for one in vital.values():
    one.kill()
print("in order")
"""


@pytest.mark.parametrize(
    ("dies", "code", "said"),
    [("raylet", 1, ""), ("gcs_server", 1, ""), ("agent", 0, "in order\n"), ("none", 0, "in order\n")],
)
def test_a_driver_ends_soon_after_a_process_that_its_ray_cannot_do_without(
    tmp_path: Path, dies: str, code: int, said: str
) -> None:
    sleep = shutil.which("sleep")
    assert sleep
    for name in ("raylet", "gcs_server", "agent"):
        shutil.copy(sleep, tmp_path / name)
    ended = subprocess.run([sys.executable, "-c", DRIVER, dies], cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (code, said), ended.stderr
