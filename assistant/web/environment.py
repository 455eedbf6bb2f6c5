"""The process around Gradio: settings it reads from the environment, before it is imported.

Gradio reads its environment at import (analytics, proxies) and at launch (share, server name),
so all of it is settled here first. Knows nothing of pages; called by `app`.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import ConfigError

__all__ = [
    "free_port",
    "is_loopback",
    "open_file",
    "prepare",
    "private_folder",
    "refuse_foreign_settings",
    "without_socks_proxies",
]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FIRST_PORT, _N_PORTS = 7860, 100
_TAKEN = (errno.EADDRINUSE, errno.EACCES)  # Windows says the latter for a port in use
_OFF = ("", "0", "false", "no", "off")


def is_loopback(host: str) -> bool:
    """Whether a host name or address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_foreign_settings() -> None:
    """Refuse Gradio's own environment variables that would open the page to others.

    Raises:
        ConfigError: one of them is set; the message names it and the way out.
    """
    for name in ("GRADIO_SHARE", "GRADIO_MCP_SERVER"):
        if os.environ.get(name, "").strip().lower() not in _OFF:
            raise ConfigError(
                f"{name}={os.environ[name]} would open your notes to others. Type: unset {name}"
            )
    server = os.environ.get("GRADIO_SERVER_NAME", "").strip()
    if server and not is_loopback(server):
        raise ConfigError(
            f"GRADIO_SERVER_NAME={server} would open your notes to the network. "
            f"Type: unset GRADIO_SERVER_NAME (and use --host {server} if you mean it)"
        )
    if os.environ.get("GRADIO_ALLOWED_PATHS", "").strip():
        raise ConfigError(
            "GRADIO_ALLOWED_PATHS would serve files of this machine. "
            "Type: unset GRADIO_ALLOWED_PATHS"
        )


def private_folder(folder: Path) -> Path:
    """A folder only its owner can enter, made if need be; a temporary one where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass  # a read-only place: chats then live as long as the temporary folder
    return Path(tempfile.mkdtemp(prefix="youju-"))


def prepare(data_dir: Path) -> None:
    """Settle what Gradio reads from the environment: no analytics, no proxy to ourselves.

    Args:
        data_dir: private folder of the page; Gradio's temporary files go below it.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # only this exact text is safe to rely on
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(private_folder(data_dir / "gradio_tmp"))
    for name in ("no_proxy", "NO_PROXY"):
        known = [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
        os.environ[name] = ",".join([*known, *(host for host in _LOOPBACK if host not in known)])


@contextmanager
def without_socks_proxies() -> Iterator[None]:
    """Hide `ALL_PROXY` while Gradio is imported or launched, and put it back for the chat model.

    httpx refuses to build any client, even one for loopback, when the variable names a SOCKS
    proxy and `socksio` is not installed.
    """
    held = {name: os.environ.pop(name) for name in ("ALL_PROXY", "all_proxy") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(held)


def free_port(host: str, port: int | None) -> int:
    """The port asked for, or the first free one.

    Raises:
        ConfigError: it is taken, or the host is not of this machine.
    """
    tried = range(_FIRST_PORT, _FIRST_PORT + _N_PORTS) if port is None else [port]
    for candidate in tried:
        try:
            # Gradio tries this one, too, whatever host it is given
            for address in dict.fromkeys((host.strip("[]"), "127.0.0.1")):
                family = socket.getaddrinfo(address, candidate, type=socket.SOCK_STREAM)[0][0]
                with socket.socket(family, socket.SOCK_STREAM) as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.bind((address, candidate))
            return candidate
        except (socket.gaierror, OverflowError) as fault:
            raise ConfigError(f"Cannot listen on {host}:{candidate}: {fault}.") from None
        except OSError as fault:
            if fault.errno not in _TAKEN:
                raise ConfigError(
                    f"Cannot listen on {host}:{candidate}: {fault.strerror}."
                ) from None
    if port is None:
        raise ConfigError(f"No free port from {_FIRST_PORT} on. Name one: youju chat --port N")
    raise ConfigError(
        f"Port {port} is in use. Close what uses it, or type: youju chat --port {port + 1}"
    )


def open_file(file: Path) -> bool:
    """Open a file with the program this machine has for it; whether one was started."""
    if sys.platform == "win32":
        os.startfile(file)
        return True
    if sys.platform != "darwin" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False  # a server without a screen
    command = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        subprocess.Popen([command, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return True
