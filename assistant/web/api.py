"""Ask, find and check over HTTP: three named endpoints of the page, behind its guard.

The results are the JSON of the contract. Gradio makes the routes; `app` adds them to the page,
and `Named` before them, which tells in a line what Gradio would answer with 500.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

from assistant.tools import TOOLS, call
from assistant.web.desk import Assistant
from assistant.web.security import App, Message, Receive, Scope, Send
from corpus.errors import YoujuError

__all__ = ["Named", "offer"]

logger = logging.getLogger(__name__)

_CALL = re.compile(r"/gradio_api/(?P<way>call/v2|call|run|api)/(?P<name>[^/]+)/?")


def offer(assistant: Callable[[], Assistant]) -> None:
    """Add the endpoints to the `gradio.Blocks` that is being built.

    Args:
        assistant: gives what answers, its notes looked at for changes.
    """
    import gradio as gr

    def called(tool: str, **arguments: Any) -> dict[str, Any]:
        try:
            return call(assistant, tool, arguments)
        except YoujuError as fault:  # what a caller reads; everything else stays in the log
            raise gr.Error(" ".join(str(fault).split()), print_exception=False) from fault

    # What is required has a default all the same: `called` tells what is missing in a line, Gradio
    # answers 500 with a traceback.
    def ask(question: str | None = None) -> dict[str, Any]:
        return called("ask", question=question)

    def find(
        query: str | None = None,
        k: int = 10,
        folder: str | None = None,
        tag: str | None = None,
        since: str | None = None,
        until: str | None = None,
        title: str | None = None,
    ) -> dict[str, Any]:
        return called(
            "find", query=query, k=k, folder=folder, tag=tag, since=since, until=until, title=title
        )

    def check(text: str | None = None) -> dict[str, Any]:
        return called("check", text=text)

    for function in (ask, find, check):
        name = function.__name__
        gr.api(function, api_name=name, api_description=TOOLS[name].description)


class Named:
    """ASGI middleware: a call of an endpoint that is none, or by names it has not, is told so.

    Args:
        app: the application behind it; the guard stands before and bounds what is read here.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 or 400 with one line, or pass on."""
        posted = scope["type"] == "http" and scope.get("method") == "POST"
        called = _CALL.fullmatch(str(scope.get("path", ""))) if posted else None
        if called is None:
            await self.app(scope, receive, send)
        elif called["name"] not in TOOLS:
            line = f"there is no endpoint {called['name'][:40]!r}; there are {', '.join(TOOLS)}"
            await _tell(send, 404, line)
        elif called["way"] != "call/v2":  # by position
            await self.app(scope, receive, send)
        else:
            body = await _read(receive)
            line = _unfit(called["name"], body)
            if line:
                await _tell(send, 400, line)
            else:
                await self.app(scope, _again(body, receive), send)


def _unfit(tool: str, body: bytes) -> str:
    """What is wrong with the arguments of a call, as far as their names go; empty if nothing."""
    known = TOOLS[tool].arguments
    try:
        given = json.loads(body)
    except ValueError:  # UnicodeDecodeError is one
        given = None
    if not isinstance(given, dict):
        return f"{tool} is called with a JSON object of {', '.join(known)}"
    strange = [name for name in given if name not in known]
    if not strange:
        return ""
    named = ", ".join(repr(name[:40]) for name in strange[:5])
    return f"{tool} takes {', '.join(known)}; not {named}"


async def _read(receive: Receive) -> bytes:
    """The whole body of a request; what has come of it when the client is gone."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once more, and then what the server tells."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


async def _tell(send: Send, status: int, line: str) -> None:
    """Answer with an error of one line."""
    body = json.dumps({"error": line}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
