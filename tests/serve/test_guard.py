"""Who may read what `gridsearch serve` shows: by requests as they come over the wire."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from tests.cli.program import refused, run
from tests.serve.served import Server, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


def asked(server: Server, path: str, *headers: str, method: str = "GET", host: str | None = None) -> tuple[int, str]:
    """Return the status and all of the answer to a request; `host` None is the right one, empty is none."""
    said = [
        f"{method} {path} HTTP/1.1",
        f"Host: {server.host if host is None else host}",
        "Connection: close",
        *headers,
    ]
    if host == "":
        del said[1]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*said, "", ""]).encode())
        found = b""
        while part := connection.recv(65536):
            found += part
    return int(found.split()[1]), found.decode()


def cookie(server: Server) -> str:
    status, answer = asked(server, f"/?token={server.token}")
    assert status == 200
    (header,) = re.findall(r"set-cookie: (.*)\r\n", answer)
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in header.split(";")}
    assert server.token not in answer.partition("\r\n")[2]
    return f"Cookie: {header.partition(';')[0]}"


def test_the_token_is_exchanged_for_a_cookie_and_nothing_is_read_without(server: Server) -> None:
    own = cookie(server)
    assert asked(server, "/index.html", own)[0] == 200
    for path in ("/", "/index.html", "/small.html", "/events/index.html", "/nothing"):
        status, answer = asked(server, path)
        assert (status, "with its token" in answer) == (403, True)
    for wrong in ("/?token=", "/?token=x", f"/?token={server.token[:-1]}", f"/index.html?token={server.token}x"):
        assert asked(server, wrong)[0] == 403
    assert asked(server, "/index.html", own[:-1])[0] == 403
    assert asked(server, "/index.html", 'Cookie: ";;=\x01')[0] in (400, 403)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_a_name_that_was_made_to_lead_here_is_refused_even_with_the_token(server: Server, host: str) -> None:
    own, named = cookie(server), host.format(port=server.port)
    assert asked(server, "/index.html", own, host=named)[0] in (400, 421)
    assert asked(server, f"/?token={server.token}", host=named)[0] in (400, 421)
    assert asked(server, "/index.html", own, f"Host: {server.host}", host="evil.example")[0] in (400, 421)


def test_other_pages_of_the_browser_are_refused(server: Server) -> None:
    own = cookie(server)
    assert asked(server, "/index.html", own, f"Origin: http://{server.host}", "Sec-Fetch-Site: same-origin")[0] == 200
    for origin in ("null", "http://evil.example", f"https://{server.host}", "http://127.0.0.1:1"):
        assert asked(server, "/events/index.html", own, f"Origin: {origin}")[0] == 403
    # Other ports of this machine are the same site for a browser.
    for site in ("cross-site", "same-site"):
        assert asked(server, "/index.html", own, f"Sec-Fetch-Site: {site}")[0] == 403
    answer = asked(server, "/index.html", own)[1].lower()
    assert "access-control-allow" not in answer
    for header in ("x-frame-options: deny", "cross-origin-resource-policy: same-origin", "cache-control: no-store"):
        assert header in answer
    assert "connect-src 'self'" in unescape(answer) and "unsafe-eval" not in answer


def test_it_only_answers_reading(server: Server) -> None:
    own = cookie(server)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert asked(server, "/index.html", own, "Content-Length: 0", method=method)[0] == 405
    status, answer = asked(server, "/no-such-job.html", own)
    assert status in (200, 404) and "there is no store results.db yet" in answer
    for path in ("/../results.db", "/results.db", "/%2e%2e/results.db", "/events/%3Cscript%3E"):
        assert asked(server, path, own)[0] == 404


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{server.port}")] == [
        server.host
    ]


def test_a_port_in_use_is_one_line_and_ctrl_c_ends_at_once(server: Server, tmp_path: Path) -> None:
    refused(
        run(tmp_path, "serve", "--port", str(server.port)), f"port {server.port} of 127.0.0.1 is in use", "--port 0"
    )
    refused(run(tmp_path, "serve", "small"), "there is no store")
    with serving(tmp_path) as other:
        own = cookie(other)
        with socket.create_connection(("127.0.0.1", other.port), timeout=30) as listener:
            listener.sendall(f"GET /events/index.html HTTP/1.1\r\nHost: {other.host}\r\n{own}\r\n\r\n".encode())
            heard = b""
            while b"trouble" not in heard:
                heard += listener.recv(4096)
            assert json.dumps("there is no store results.db yet: gridsearch launch makes one").encode() in heard
            other.process.send_signal(signal.SIGINT)
            _, err = other.process.communicate(timeout=10)
    assert other.process.returncode == 130
    assert err.splitlines()[-1] == "stopped" and "Traceback" not in err
