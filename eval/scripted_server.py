"""An OpenAI-compatible server on loopback that answers as it is told, faults included.

A real HTTP server with streaming, for tests and for `eval.scripted`: what it gets is kept, what it
sends is decided by a function of the request. Knows the protocol, nothing of notes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["Reply", "ScriptedServer"]

_PIECE = 7  # characters of a streamed piece: keys and words are cut apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server does with one request.

    Attributes:
        text: what the model says.
        status: HTTP status; other than 200 sends `text` as the message of an error.
        finish: the last piece's finish reason, None for none.
        done: whether `[DONE]` ends a stream; without it and `finish` the reply is broken off.
        raw: sent as it is instead of a completion.
        wait_s: before the first byte.
        pace_s: between two pieces.
        endless: the text is sent again and again.
    """

    text: str = ""
    status: int = 200
    finish: str | None = "stop"
    done: bool = True
    raw: bytes | None = None
    content_type: str = "text/event-stream"
    wait_s: float = 0.0
    pace_s: float = 0.0
    endless: bool = False


@dataclass
class ScriptedServer:
    """Serves `/v1/chat/completions` while entered.

    Args:
        respond: the reply to a request, which is its JSON as a dict.
    """

    respond: Callable[[dict[str, Any]], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._stopped = threading.Event()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        """As the openai client takes it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def is_stopped(self) -> bool:
        """Whether handlers should end."""
        return self._stopped.is_set()


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each small piece waits for the last one's receipt

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The list of models, as Ollama has it."""
        self._whole(200, json.dumps({"models": [{"name": "scripted"}]}).encode())

    def do_POST(self) -> None:
        """One chat completion."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.script.requests.append(request)
        reply = self.script.respond(request)
        time.sleep(reply.wait_s)
        try:
            self._answer(request, reply)
        except OSError:
            self.close_connection = True  # the client has left

    def _answer(self, request: dict[str, Any], reply: Reply) -> None:
        if reply.raw is not None:
            self._whole(reply.status, reply.raw, reply.content_type)
        elif reply.status != 200:
            error = {"error": {"message": reply.text, "type": "scripted"}}
            self._whole(reply.status, json.dumps(error).encode())
        elif request.get("stream"):
            self._stream(reply)
        else:
            message = {"role": "assistant", "content": reply.text}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish}
            self._whole(
                200, json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
            )

    def _whole(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while True:
            for at in range(0, len(reply.text), _PIECE):
                self._event({"content": reply.text[at : at + _PIECE]}, None)
                time.sleep(reply.pace_s)
                if self.script.is_stopped:
                    return
            if not reply.endless:
                break
        if reply.finish:
            self._event({}, reply.finish)
        if reply.done:
            self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, delta: dict[str, str], finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        event = {"object": "chat.completion.chunk", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()
