"""The guard in front of the page: who may speak to it, and what a browser may load from it.

Pure ASGI. Refuses foreign host names (DNS rebinding) and foreign origins (other pages in the
same browser), and adds a content security policy under which nothing can be sent elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from assistant.web.environment import is_loopback

__all__ = ["CSP", "EarlyScript", "Guard", "allowed_host"]

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
    """ASGI middleware: host and origin checks, security headers.

    Args:
        app: the application behind it.
        bound: host the server was told to listen on.
    """

    def __init__(self, app: App, bound: str = "127.0.0.1") -> None:
        self.app = app
        self.bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 or 403, or pass on with the headers added."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not allowed_host(host, self.bound):
            await _refuse(scope, send, 400, b"Unknown host")
            return
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            await _refuse(scope, send, 403, b"Foreign origin")
            return
        if headers.get(b"sec-fetch-site") == "cross-site" and scope.get("method") != "GET":
            await _refuse(scope, send, 403, b"Foreign origin")
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in _HEADERS}
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in own]
                message["headers"] = [*kept, *_HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def _refuse(scope: Scope, send: Send, status: int, reason: bytes) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason})


class EarlyScript:
    """ASGI middleware: a script of ours at the head of the page, before Gradio's.

    Gradio adds what `head=` holds only after it has read the browser's language and theme; the
    switches of the page must have spoken before.

    Args:
        app: the application behind it.
        script: JavaScript without the characters `</`.
    """

    def __init__(self, app: App, script: str) -> None:
        self.app = app
        self._tag = b"<head><script>" + script.encode() + b"</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; the body of the page itself gets the script."""
        if scope["type"] != "http" or scope.get("path") != "/" or scope.get("method") != "GET":
            await self.app(scope, receive, send)
            return
        plain = [pair for pair in scope["headers"] if pair[0].lower() != b"accept-encoding"]
        start: Message | None = None
        body = b""

        async def gather(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body") or start is None:
                return
            page = body.replace(b"<head>", self._tag, 1)
            length = (b"content-length", str(len(page)).encode())
            kept = [p for p in start.get("headers", []) if p[0].lower() != b"content-length"]
            await send({**start, "headers": [*kept, length]})
            await send({"type": "http.response.body", "body": page})

        await self.app({**scope, "headers": plain}, receive, gather)
