"""What is said of a Ray that cannot be used, and where a Ray of our own lives; no Ray is started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gridsearch.engine.executors.ray_environment import PrivateFolder
from gridsearch.engine.executors.ray_session import RayOptions, RaySession
from gridsearch.errors import EngineError

#: What Ray 2.60 writes when a cluster's token is missing or wrong; its error says only that it cannot connect.
REFUSED = (
    "[2026-11-25 23:33:13,627 W 14349 14592] gcs_client.cc:210: Failed to get cluster ID from GCS server:"
    " Unauthenticated: RPC error: InvalidAuthToken: Authentication token is missing or incorrect\n"
)


@pytest.mark.parametrize(("logged", "said"), [(REFUSED, "RAY_AUTH_MODE=token"), ("", "ConnectionError: no")])
def test_a_cluster_that_asks_for_a_token_is_told_from_one_that_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: str, said: str
) -> None:
    def fail(session: RaySession) -> None:
        session.log.write_text(logged)
        raise ConnectionError("no")

    monkeypatch.setattr(RaySession, "_init", fail)
    monkeypatch.setattr(RaySession, "_shutdown", lambda session: None)
    session = RaySession(RayOptions(1, 0.0, tmp_path, "127.0.0.1:6379"))
    try:
        with pytest.raises(EngineError, match=r"the cluster at 127\.0\.0\.1:6379 cannot be used") as caught:
            session.wait()
    finally:
        session.close()
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_ray_of_our_own_has_a_folder_and_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "the user's")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("long" * 20)))  # its sockets' names would be too long there
    folder = PrivateFolder()
    try:
        token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
        assert "RAY_AUTH_TOKEN" not in os.environ
        assert (folder.path.stat().st_mode & 0o777, token.stat().st_mode & 0o777) == (0o700, 0o600)
        assert len(token.read_text()) == 64
        assert len(str(folder.ray)) < 40
    finally:
        folder.remove()
    assert not folder.path.exists()
