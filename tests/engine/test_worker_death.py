"""Ray 2.60's own accounts of deaths, shortened, and what is made of them."""

from __future__ import annotations

import pytest

from gridsearch.engine.run.worker_death import cause_of_death

DIED = """\
Failure # 1 (occurred at 2026-01-02_03-04-05)
\x1b[36mray::PackTrainable\x1b[39m
ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.
\tclass_name: PackTrainable
\tactor_id: {id}
\tpid: {pid}
\tip: 127.0.0.1
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: {detail}
"""
GONE = (
    "Worker unexpectedly exits with a connection error code 2. End of file. Some common causes include: (1) the process"
    " was killed by the OOM killer due to high memory usage, (2) ray stop --force was called, or (3) ... SIGSEGV"
)
RAISED = """\
Failure # 1 (occurred at 2026-01-02_03-04-05)
The actor died because of an error raised in its creation task, \x1b[36mray::PackTrainable.__init__()\x1b[39m (pid={pid}, ip=127.0.0.1, actor_id={id}, repr=<Pack object at 0x7f{pid}>)
  File "x.py", line 3, in setup
gridsearch.errors.EngineError: --device cuda: torch sees no GPU at 0x7f{pid} of {id}
"""  # noqa: E501


@pytest.mark.parametrize(
    ("account", "cause"),
    [
        (DIED.replace("{detail}", GONE), "it was killed (by the system for want of memory, or by hand), crashed in"),
        (DIED.replace("{detail}", "Worker exits with an exit code 3."), "it ended itself with exit code 3"),
        (DIED.replace("{detail}", "... an exit code 1. The process receives a SIGTERM."), "it was ended by SIGTERM"),
        (
            DIED.replace("{detail}", "Task was killed due to the node running low on memory."),
            "Ray killed it because the machine ran out of memory",
        ),
        (RAISED, "gridsearch.errors.EngineError: --device cuda: torch sees no GPU at of"),
        ("\x1b[36mray::Pack\x1b[39m (pid={pid}) is gone", "ray::Pack is gone"),
        ("", "no reason given"),
    ],
)
def test_deaths_of_one_cause_have_one_line(account: str, cause: str) -> None:
    one, two = (
        cause_of_death(account.replace("{id}", key * 32).replace("{pid}", pid))
        for key, pid in (("a", "17"), ("b", "4"))
    )
    assert one == two
    assert one.startswith(cause)
    assert "\n" not in one
