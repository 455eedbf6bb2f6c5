"""How the page travels: its script at the head, packed, and its parts kept by the browser.

Pure ASGI. Gradio packs its scripts and style sheets but not the page itself, and says of none of
them how long a browser may keep it.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache

from assistant.web.security import App, Message, Receive, Scope, Send

__all__ = ["Delivery"]

# The names below it hold a checksum of what is in the file.
_NAMED_BY_CONTENT = "/assets/"
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")


@lru_cache(maxsize=4)
def _packed(page: bytes) -> bytes:
    """The page in the form of gzip; it is the same until the notes change."""
    return gzip.compress(page, 9, mtime=0)


class Delivery:
    """ASGI middleware: sends the page with a script of ours at its head, before Gradio's, packed.

    Gradio adds what `head=` holds only after it has read the browser's language and theme; the
    switches of the page must have spoken before. Files whose names change with what they hold
    may be kept for ever, so that a second visit asks for none of them.

    Args:
        app: the application behind it.
        script: JavaScript without the characters `</`.
    """

    def __init__(self, app: App, script: str) -> None:
        self.app = app
        self._tag = b"<head><script>" + script.encode() + b"</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; what is answered to a request for the page or a part of it is changed."""
        path = str(scope.get("path", "")) if scope["type"] == "http" else ""
        if path == "/" and scope.get("method") == "GET":
            await self._page(scope, receive, send)
        elif path.startswith(_NAMED_BY_CONTENT):
            await self.app(scope, receive, _kept(send))
        else:
            await self.app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = [v for n, v in scope["headers"] if n.lower() == b"accept-encoding"]
        packs = any(_takes_gzip(value.decode("latin-1")) for value in named)
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
            headers = [p for p in start.get("headers", []) if p[0].lower() != b"content-length"]
            headers.append((b"vary", b"accept-encoding"))
            if packs:
                page = _packed(page)
                headers.append((b"content-encoding", b"gzip"))
            headers.append((b"content-length", str(len(page)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": page})

        await self.app({**scope, "headers": plain}, receive, gather)


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` header admits gzip (RFC 9110, 12.5.3)."""
    for part in accepted.lower().split(","):
        name, *weights = (piece.strip() for piece in part.split(";"))
        if name == "gzip":
            return not any(re.fullmatch(r"q\s*=\s*0(?:\.0*)?", weight) for weight in weights)
    return False


def _kept(send: Send) -> Send:
    """`send`, by which a browser is told that it may keep a file that was found."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            message["headers"] = [*message.get("headers", []), _FOR_EVER]
        await send(message)

    return told
