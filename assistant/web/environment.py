"""The process around Gradio: settings it reads from the environment, before it is imported.

Gradio reads its environment at import (analytics, proxies) and at launch (share, server name),
so all of it is settled here first. Knows nothing of pages; called by `app`.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import ConfigError

__all__ = ["is_loopback", "prepare", "private_folder", "refuse_foreign_settings", "without_socks_proxies"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
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
            "GRADIO_ALLOWED_PATHS would serve files of this machine. Type: unset GRADIO_ALLOWED_PATHS"
        )


def private_folder(folder: Path) -> Path:
    """A folder only its owner can enter, made if need be; a fresh temporary one where it cannot be."""
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
