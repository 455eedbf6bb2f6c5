"""The guard in front of the page: who may speak to it, how much, and what a browser may load.

Pure ASGI. Refuses foreign host names (DNS rebinding), foreign origins (other pages in the same
browser, other ports of this machine), bodies without end and the routes of Gradio that the page
does not use, and adds a content security policy under which nothing can be sent elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect

from assistant.web.environment import is_loopback

__all__ = [
    "CSP",
    "MAX_BODY",
    "MAX_UPLOAD",
    "App",
    "Guard",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "allowed_host",
]

# ASGI's own contract: scopes and messages are mappings with string keys.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Gradio needs 'unsafe-inline' and 'unsafe-eval' for itself: this policy stops leaks, not scripts.
CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'none'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
MAX_BODY, MAX_UPLOAD = 8 << 20, 300 << 20  # bytes of a request: words, files
# Gradio's routes for what the page does not offer; `proxy=` would fetch from elsewhere.
_UNUSED = re.compile(
    r"/gradio_api/(?:proxy=|stream/|run-history|deep_link|custom_component/|process_recording"
    r"|(?:undo-)?vibe-|openapi\.json)|/(?:monitoring|login|logout|pwa_icon)(?:/|$)"
)


def _host_name(header: str) -> str:
    """The host of a `Host` header without its port; empty when it is not a host at all."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def allowed_host(header: str, bound: str) -> bool:
    """Whether a `Host` header names this server.

    Args:
        header: value of the header.
        bound: host the server was told to listen on.

    Returns:
        True for loopback and for `bound`; on a network address also for any literal address and
        this machine's name, since a rebinding attack needs a domain name of the attacker.
    """
    name = _host_name(header).lower()
    if not name:
        return False
    if is_loopback(name) or name == bound.lower():
        return True
    if is_loopback(bound):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == socket.gethostname().lower()
    return True


class Guard:
    """ASGI middleware: host and origin checks, limits, security headers.

    Args:
        app: the application behind it.
        bound: host the server was told to listen on.
        max_body: bytes that a request may have.
        max_upload: bytes that an upload may have, all its files together.
    """

    def __init__(
        self,
        app: App,
        bound: str = "127.0.0.1",
        max_body: int = MAX_BODY,
        max_upload: int = MAX_UPLOAD,
    ) -> None:
        self.app = app
        self.bound = bound
        self.max_body, self.max_upload = max_body, max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, 403, 404 or 413, or pass on with the headers added."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = str(scope.get("path", "/"))
        limit = self.max_upload if path.rstrip("/").endswith("/upload") else self.max_body
        refusal = self._refusal(scope, headers, path, limit)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        answer, body = _Answer(send), _Counted(receive, limit)
        try:
            await self.app(scope, body.receive, answer.send)
        except _TooLarge:
            if not answer.started:
                answer.started = True
                await _refuse(scope, send, 413, b"Too large")
        except ClientDisconnect:  # gone in the middle of an upload: nobody to answer
            answer.started = True
        finally:
            if not answer.started:  # a fault behind, which goes on to the log
                await _refuse(scope, send, 500, b"Failed")

    def _refusal(
        self, scope: Scope, headers: dict[bytes, str], path: str, limit: int
    ) -> tuple[int, bytes] | None:
        """Status and reason of a request that is not passed on."""
        host = headers.get(b"host", "")
        origins = [v.decode("latin-1") for n, v in scope["headers"] if n.lower() == b"origin"]
        if not allowed_host(host, self.bound):
            return 400, b"Unknown host"
        if any(urlsplit(origin).netloc.lower() != host.lower() for origin in origins):
            return 403, b"Foreign origin"
        if headers.get(b"sec-fetch-site") in ("cross-site", "same-site") and not _is_link(
            scope, headers
        ):
            return 403, b"Foreign origin"
        if _UNUSED.match(path):
            return 404, b"Not found"
        return (413, b"Too large") if _length(headers) > limit else None


class _Answer:
    """What is sent to a client, with the headers added."""

    def __init__(self, send: Send) -> None:
        self._send, self.started = send, False

    async def send(self, message: Message) -> None:
        """Send a message."""
        self.started = True
        if message["type"] == "http.response.start":
            own = {name for name, _ in _HEADERS}
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in own]
            message["headers"] = [*kept, *_HEADERS]
        await self._send(message)


class _TooLarge(Exception):
    """A body without a length turned out to be too long."""


class _Counted:
    """What a client sends, up to a limit."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left = receive, limit

    async def receive(self) -> Message:
        """The next message.

        Raises:
            _TooLarge: the limit is passed.
        """
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLarge
        return message


def _is_link(scope: Scope, headers: dict[bytes, str]) -> bool:
    """Whether a request of another site is a person who follows a link, not that site itself."""
    mode = headers.get(b"sec-fetch-mode", "navigate")
    return scope.get("method") == "GET" and mode == "navigate"


def _length(headers: dict[bytes, str]) -> int:
    said = headers.get(b"content-length", "0")
    return int(said) if said.isdecimal() else 0


async def _refuse(scope: Scope, send: Send, status: int, reason: bytes) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason})
