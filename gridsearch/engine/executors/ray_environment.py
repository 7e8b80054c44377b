"""What Ray reads from the environment as it is imported and as it starts: import this before Ray."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

# No copy of the working folder and no rebuilt environment under `uv run`, no usage report, no files of Tune's own, and
# Ctrl-C is ours.
os.environ |= {
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_WARN_THRESHOLD_S": "3600",
}
#: A Ray of our own is no cluster, so that it listens on the loopback interface only (the variable is heeded on Linux
#: too; an address given to `ray.init` is not), and answers nobody who does not know its token. Workers are started for
#: actors only: those that Ray would start at once, and wait for, none of our actors is given.
_OF_OUR_OWN = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_prestart_worker_first_driver": "0",
}

#: Ray's names of sockets take 64 characters of the about 100 that a socket's path may have.
_LONGEST_BASE = 24
_TOKEN = secrets.token_hex(32)


def set_up_own() -> None:
    """Prepare for a Ray of our own; a cluster that is joined is the user's, and so are its settings."""
    os.environ.update(_OF_OUR_OWN)


class PrivateFolder:
    """A new folder for a Ray of our own that nobody else may look into: its sockets, its logs, its token.

    Ray makes its own folders open to everyone, so they lie in it.
    """

    def __init__(self) -> None:
        base = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())
        if len(str(base)) > _LONGEST_BASE and sys.platform != "win32":
            base = Path("/tmp")
        self.path = Path(tempfile.mkdtemp(prefix="gs-", dir=base))
        self.ray = self.path / "ray"
        token = self.path / "token"
        token.touch(0o600, exist_ok=False)
        token.write_text(_TOKEN)
        os.environ.pop("RAY_AUTH_TOKEN", None)
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
