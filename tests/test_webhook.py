"""Messages arrive whole, or it is said in a few words why not, and soon."""

from __future__ import annotations

import time

import pytest

from gridsearch.webhook import post, problem_of, shown
from tests.hooks import hook


def test_a_message_arrives() -> None:
    with hook() as there:
        assert post(there.address, {"text": "é < 1"}) == ""
    assert there.posted == [("/hooks/secret", {"text": "é < 1"})]


@pytest.mark.parametrize(("status", "said"), [(500, "500 Internal Server Error"), (404, "404 Not Found")])
def test_what_a_server_refuses_is_said(status: int, said: str) -> None:
    with hook(status=status) as there:
        assert post(there.address, {}) == f"the server answered {said}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with hook() as elsewhere, hook(status=status, location=elsewhere.address) as there:
        assert "redirects are not followed" in post(there.address, {"text": "private"})
    assert elsewhere.posted == []


def test_a_server_that_hangs_costs_no_more_than_the_patience() -> None:
    with hook(hanging=True) as there:
        began = time.monotonic()
        assert post(there.address, {}, patience_s=0.5) == "no answer within 0.5 s"
        assert time.monotonic() - began < 5


def test_nobody_there() -> None:
    with hook() as there:
        pass
    assert post(there.address, {}) == "Connection refused"


@pytest.mark.parametrize(
    "url",
    [
        "hooks.slack.com/services/x",
        "ftp://host/x",
        "file:///etc/passwd",
        "https://",
        "http:///x",
        "https://host:99999/x",
        "https://host/a b",
        "https://host/a\nb",
        "https://höst/a",
        "https://me:password@host/x",
        "https://[::1/x",
        "",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    assert problem_of(url)
    assert not url or url not in problem_of(url)


def test_what_is_an_address() -> None:
    for url in ("https://hooks.slack.com/services/T/B/x", "http://localhost:8080/", "http://[::1]:80/x?y=z"):
        assert problem_of(url) == ""
        assert shown(url).endswith("/...") and "/x" not in shown(url) and "y=" not in shown(url)
