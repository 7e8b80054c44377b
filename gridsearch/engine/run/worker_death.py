"""Why a worker died, in plain words that are the same for the same cause, from Ray's account of it."""

from __future__ import annotations

import re

#: What Ray says -> what it means; the first that occurs is used.
_MEANINGS = (
    (r"running low on memory|OutOfMemoryError", "Ray killed it because the machine ran out of memory"),
    (r"receives a (SIG[A-Z]+)", r"it was ended by {}"),
    (r"exits with an exit code (\d+)", r"it ended itself with exit code {}"),
    (
        r"connection error code 2",
        "it was killed (by the system for want of memory, or by hand), crashed in native code, or was ended by the"
        " model (os._exit)",
    ),
)
#: What differs between two deaths of one cause: colours, Ray's brackets about a process, its ids, addresses.
_PARTICULAR = re.compile(
    r"\x1b\[[0-9;]*[A-Za-z]|\s*\([^()]*\bpid=[^()]*\)|\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b|\b\d+(\.\d+){3}(:\d+)?\b"
)
_ERROR = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\w*(\(\w+\))?: ")


def cause_of_death(account: str) -> str:
    """Return the cause in one line, without anything that tells one death from another."""
    for pattern, meaning in _MEANINGS:
        if found := re.search(pattern, account):
            return meaning.format(*found.groups())
    lines = [line for raw in account.splitlines() if (line := " ".join(_PARTICULAR.sub("", raw).split()))]
    errors = [line for line in lines if _ERROR.match(line)]
    # The last error of a traceback is the one that was raised where it happened.
    return (errors or lines or ["no reason given"])[-1 if errors else 0]
