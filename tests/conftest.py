"""What holds for every test: no network, no trace of the person who runs it, no real home.

Fixtures that live longer than a test (an index of the samples, a page that is served) start inside
the same walls, so the environment is cleaned once for the session and `YOUJU_HOME` is renewed for
each test.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.faults import World

REPO = Path(__file__).resolve().parent.parent

# Before any test module imports a hub client, which reads them once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

# Prefixes of what a person may have set for the product, or for the libraries below it.
_PERSONAL = (
    "YOUJU_", "OPENAI_", "OLLAMA_", "GRADIO_", "HF_", "HUGGING", "XDG_", "MILVUS_", "TRANSFORMERS_",
)  # fmt: skip

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


class NetworkReached(AssertionError):
    """A test, or what it runs in a thread, wanted to leave this machine."""


def stays_here(host: object) -> bool:
    """Whether a host, by name or number, is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in {None, "", "localhost", "localhost.localdomain", socket.gethostname()}:
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


class SocketGuard:
    """Refuses to leave this machine; remembers who tried, since callers may hide the error."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self.lifted = False

    def refuse(self, what: str) -> None:
        """Raise unless the guard is lifted; `what` is shown to the reader of the failure."""
        if not self.lifted:
            self.attempts.append(what)
            raise NetworkReached(f"a test reached for the network: {what}")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Stand between Python's sockets and the machine's."""
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, self._guarded(name))
        real_lookup = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            if not stays_here(host):
                self.refuse(f"look-up of {host!r}")
            return real_lookup(host, *args, **kwargs)

        patch.setattr(socket, "getaddrinfo", getaddrinfo)

    def _guarded(self, name: str) -> Any:
        real = getattr(socket.socket, name)

        def call(sock: socket.socket, *args: Any) -> Any:
            address = args[-1]
            if sock.family in {socket.AF_INET, socket.AF_INET6} and not stays_here(address[0]):
                self.refuse(f"{name} to {address!r}")
            return real(sock, *args)

        return call


@pytest.fixture(scope="session", autouse=True)
def _session_walls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketGuard]:
    """Clean the environment and guard the sockets for as long as the tests run."""
    guard = SocketGuard()
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_PERSONAL) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
            patch.setenv(name, str(home))
        patch.setenv("YOUJU_HOME", str(home / "youju"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TRANSFORMERS_OFFLINE", "1")
        patch.setenv("PYTHONUTF8", "1")
        guard.install(patch)
        yield guard


@pytest.fixture(autouse=True)
def socket_guard(
    request: pytest.FixtureRequest, _session_walls: SocketGuard
) -> Iterator[SocketGuard]:
    """Fail a test that reaches beyond this machine, even if the code under test hides it."""
    guard = _session_walls
    guard.attempts.clear()
    guard.lifted = request.node.get_closest_marker("network") is not None
    yield guard
    guard.lifted = False
    if guard.attempts:
        pytest.fail("reached for the network: " + "; ".join(guard.attempts), pytrace=False)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """New folders: `mktemp` looks at all of its folders for each, seconds for thousands."""
    base = tmp_path_factory.mktemp("homes")
    return (base / str(n) for n in itertools.count())


@pytest.fixture(autouse=True)
def youju_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own `YOUJU_HOME`, beside `tmp_path` and not inside it."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("YOUJU_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def repo() -> Path:
    """Root of the checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder of public material beside the checkout, or skip where there is none."""
    folder = REPO.parent / "shared"
    if not (folder / "notes-feed.txt").is_file():
        pytest.skip("../shared is absent: it holds the feed and the public data sets")
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium that Playwright can drive (`executable_path`), or skip."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A vault and an index that the tests of faults break."""
    from tests.faults import World  # loads the index, which most tests need nothing of

    return World(tmp_path)
