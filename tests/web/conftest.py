"""A served page, shared by the tests that only read it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO


class Served:
    """A page served by a process of its own.

    Args:
        folder: holds its notes, its index and its chats.
        port: where to listen; the first free one if None.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        command = [sys.executable, "-X", "utf8", "-m", "tests.web.server", str(folder)]
        self._process = subprocess.Popen(
            [*command, *([str(port)] if port else [])],
            cwd=REPO,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPO)},
        )
        self.said: list[str] = []
        self._ended: tuple[int, str] | None = None
        self._at = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._at.wait(110)
        found = [match[1] for line in self.said if (match := re.match(r"at (http://\S+)", line))]
        if not found:
            self.stop(signal.SIGKILL)
            raise RuntimeError("the page did not start: " + "".join(self.said))
        self.url = found[0]

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)
            if line.startswith("at http"):
                self._at.set()
        self._at.set()

    def stop(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End the process; returns its exit status and what it wrote to standard output."""
        if self._ended is not None:
            return self._ended
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(20)
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
