"""A served page, shared by the tests that only read it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPO
from tests.web.browsing import Window
from tests.web.measured import Measured


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record FILE`, where the tests of this folder are run by name."""
    parser.addoption("--record", help="write what was measured of the page to this file")


_FIGURES = pytest.StashKey[Measured]()


def pytest_configure(config: pytest.Config) -> None:
    """The figures of the run."""
    config.stash[_FIGURES] = Measured()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tell the figures which tests failed."""
    report = yield
    if report.failed:
        item.config.stash[_FIGURES].fail(report.nodeid)
    return report


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """Takes the figures of a run; written where the run was told to."""
    figures = request.config.stash[_FIGURES]
    yield figures
    if file := request.config.getoption("--record", None):
        figures.write(Path(file))


def _free_port() -> int:
    """A port that nothing listens on, far from those that `youju chat` takes by itself."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Served:
    """A page served by a process of its own.

    Args:
        folder: holds its notes, its index and its chats.
        port: where to listen; a free one if None.
        real: whether the product itself is served over its sample notes, as `youju chat` does;
            otherwise the scripted assistant over the notes below `folder`.
        before: a command that runs it, such as a tracer.
        env: additions to the environment.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        real: bool = False,
        before: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        where = str(port or _free_port())
        command = ["tests.web.server", str(folder), where]
        if real:
            command = ["assistant", "chat", "--port", where]
        self._process = subprocess.Popen(
            [*before, sys.executable, "-X", "utf8", "-m", *command],
            cwd=REPO,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(REPO),
                "YOUJU_HOME": str(folder),
                **(env or {}),
            },
        )
        self.said: list[str] = []
        self._ended: tuple[int, str] | None = None
        self._at = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._at.wait(300)
        found = [
            match[1] for line in self.said if (match := re.match(r"(?:at )?(http://\S+)", line))
        ]
        if not found:
            self.stop(signal.SIGKILL)
            raise RuntimeError("the page did not start: " + "".join(self.said))
        self.url = found[0]

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)
            if line.startswith(("at http", "http")):
                self._at.set()
        self._at.set()

    def tell(self, kind: signal.Signals) -> None:
        """Send a signal, and go on."""
        self._process.send_signal(kind)

    def stop(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End the process; returns its exit status and what it wrote to standard output."""
        if self._ended is not None:
            return self._ended
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(5)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with self._process.stdout as out, self._process.stderr:
            self._ended = self._process.returncode, out.read()
        return self._ended


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page over the notes of `tests.web.fakes`."""
    page = Served(tmp_path_factory.mktemp("served"))
    yield page
    status, out = page.stop()
    assert status == 0, "the page reached beyond this machine, or failed: " + "".join(page.said)
    assert out == ""


@pytest.fixture
def restarted() -> Iterator[list[Served]]:
    """Pages that a test starts by itself; none outlives it."""
    pages: list[Served] = []
    yield pages
    for page in pages:
        page.stop(signal.SIGKILL)


# A module's: while Playwright runs, no other event loop can be run in this thread.
@pytest.fixture(scope="module")
def chromium(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless browser, which windows are opened in."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            env={**os.environ, "HOME": str(tmp_path_factory.mktemp("browser"))},
        )
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Any, served: Served, request: pytest.FixtureRequest) -> Iterator[Window]:
    """A window on the served page; a parameter holds options of the browser's context."""
    opened = Window(chromium, served.url, **getattr(request, "param", {}))
    yield opened
    opened.close()
