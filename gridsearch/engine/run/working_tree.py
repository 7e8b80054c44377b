"""What git says of a folder: the commit that is checked out, and whether its files are unchanged.

Asked of the program `git`; what it cannot tell within a moment is unknown, and nothing is said of that.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

#: How long git is waited for in all: a launch is not to wait for a large repository, or for a slow disk.
PATIENCE_S = 2.0
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: Nothing that a repository's settings name is to be run for a look at it, and no index is to be written.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks")
#: What a hook of git's sets, for a repository that need not be the folder's.
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")


def commit_of(folder: Path, patience_s: float = PATIENCE_S) -> tuple[str | None, bool | None]:
    """Return the commit of the repository, or submodule, that a folder lies in, and whether all was as committed.

    Files that git does not track do not count: a launch writes some itself.

    Args:
        folder: The folder.
        patience_s: How many seconds both answers may take.

    Returns:
        The commit's name, None where there is none or git does not tell (no repository, no commit in it yet, a
        repository of somebody else's, no git); and whether it is clean, None where that is not known.
    """
    until = time.monotonic() + patience_s
    commit = (_asked(folder, until, "rev-parse", "--verify", "HEAD") or "").strip()
    if not _COMMIT.fullmatch(commit):
        return None, None
    changed = _asked(folder, until, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changed is None else not changed.strip()


def _asked(folder: Path, until: float, *arguments: str) -> str | None:
    """Return what git prints; None where it fails, is not there or takes too long."""
    given = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    try:
        process = subprocess.Popen(
            [*_GIT, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=given | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    with process:
        try:
            said = process.communicate(timeout=max(0.0, until - time.monotonic()))[0]
        except subprocess.TimeoutExpired:
            # What git has started holds its pipe, too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            return None
    return said.decode(errors="replace") if process.returncode == 0 else None
