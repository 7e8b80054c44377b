"""A real Chromium, driven over its debugging pipe: no driver, no port, no network."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
#: Figures are drawn after the page is seen; a page without any has nothing to draw.
DRAWN = (
    "document.readyState === 'complete' && location.protocol === 'file:' &&"
    " (document.documentElement.dataset.drawn === 'yes' || !document.getElementById('figures'))"
)


def executable() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


def needs_browser(what: str) -> pytest.MarkDecorator:
    """The mark of tests that need a browser; where one must be there, its absence is a failure."""
    absent = executable() is None and "GRIDSEARCH_REQUIRE_BROWSER" not in os.environ
    reason = f"NOT TESTED: {what}; none of {', '.join(NAMES)} is on PATH"
    return pytest.mark.skipif(absent, reason=reason)


def in_a_browser(what: str) -> list[pytest.MarkDecorator]:
    """The marks of all tests of a file, or of a class, that drive a browser."""
    return [pytest.mark.slow, needs_browser(what)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of a file."""
    program = executable()
    assert program, f"$GRIDSEARCH_REQUIRE_BROWSER is set, but none of {', '.join(NAMES)} is on PATH"
    with Browser(program) as running:
        yield running


class Browser:
    """One page of a headless browser; whatever it complains about or asks the network for is kept."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4; ours must not be in the way.
        high_in, high_out = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out))

        def wire() -> None:
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(3, 4),
            preexec_fn=wire,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for end in (theirs_in, theirs_out, high_in, high_out):
            os.close(end)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        try:
            self.send("Browser.close")
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired, AssertionError):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def open(self, page: Path, *, width: int = 1400, height: int = 1000) -> None:
        """Load a file in a window of this size and wait until it has finished drawing."""
        self.visit(page.absolute().as_uri(), width=width, height=height, drawn=True)

    def visit(self, url: str, *, width: int = 1400, height: int = 1000, drawn: bool = False) -> None:
        """Load an address likewise."""
        self.complaints.clear()
        self.requests.clear()
        self.resize(width, height)
        self.send("Page.navigate", url=url)
        arrived = f"document.readyState === 'complete' && location.protocol === '{url.partition('/')[0]}'"
        self.wait(DRAWN if drawn else arrived)

    def resize(self, width: int, height: int = 1000) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; promises are waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never became true: {condition}"
            time.sleep(0.02)

    def send(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], 60)
            assert ready, "the browser does not answer"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser has gone"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        what, particulars = event.get("method"), event.get("params", {})
        if what == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(particulars["exceptionDetails"]))
        elif what == "Runtime.consoleAPICalled" and particulars["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(particulars["args"]))
        elif what == "Log.entryAdded" and particulars["entry"]["level"] in ("error", "warning"):
            self.complaints.append(particulars["entry"]["text"])
        elif what == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {particulars['message']}")
        elif what == "Network.requestWillBeSent":
            self.requests.append(particulars["request"]["url"])


def open_at_all_widths(browser: Browser, page: Path) -> None:
    """Open a page and hold that at no width it sticks out, that nothing complains, and that nothing else is loaded."""
    browser.open(page)
    for width in (1400, 800, 420):
        browser.resize(width)
        browser.wait(f"innerWidth === {width}")
        browser.wait("document.body.scrollWidth <= window.innerWidth", seconds=5)
    assert browser.complaints == []
    assert [url[:5] for url in browser.requests if not url.startswith(("data:", "blob:"))] == ["file:"]
