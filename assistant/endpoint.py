"""A chat model behind an OpenAI-compatible endpoint: Ollama, vLLM, llama.cpp, a hosted one.

`Endpoint` says which one, `ChatModel` what is needed of it, `Remote` reaches it with the `openai`
client, imported only then, in a thread that can be left (`deadlines`). Every failure is a
`ModelError` of one line that never shows the key. Knows messages, not notes; called by
`generating`, `opinions` and `choosing`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from assistant.deadlines import Reading
from corpus.errors import ConfigError, MissingExtra, ModelError
from corpus.keys import discreet, shown_address

__all__ = [
    "DEFAULT_CONTEXT",
    "DEFAULT_TIMEOUT_S",
    "BrokeOff",
    "ChatModel",
    "CutShort",
    "Endpoint",
    "Message",
    "Remote",
    "is_loopback",
]

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 120.0
DEFAULT_CONTEXT = 4096  # what Ollama gives a model unless told otherwise; more is cut off silently
_CONNECT_S = 5.0
_RETRIES = 2  # by the client, with its exponential back-off, for refused connections, 429 and 5xx
_MAX_CHARS_PER_TOKEN = 8
_DROPPABLE = ("response_format", "temperature", "max_tokens")


@dataclass(frozen=True, slots=True)
class Message:
    """A part of what a chat model is given; `role` is "system" or "user"."""

    role: Literal["system", "user"]
    content: str


class CutShort(ModelError):
    """The model wrote on until it was stopped; what it wrote before was yielded."""


class BrokeOff(ModelError):
    """The reply ended in the middle; what came before was yielded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a chat model answers, and what it is asked with.

    Attributes:
        base_url: as the openai client takes it, `/v1` included.
        model: its name there.
        api_key: never shown; None for a local server.
        timeout_s: seconds an answer may take from request to last word.
        context: tokens of the model's window; prompt and answer must fit into it.
    """

    base_url: str
    model: str
    api_key: str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    context: int = DEFAULT_CONTEXT

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                "The base URL must look like http://127.0.0.1:11434/v1, "
                f"got {self.base_url.rpartition('@')[2]!r}"
            )
        if not self.model.strip():
            raise ConfigError("The chat model has no name: set YOUJU_LLM_MODEL or --model")
        if not self.timeout_s > 0:
            raise ConfigError(f"timeout must be a number of seconds above 0, got {self.timeout_s}")
        if self.context < 1024:
            raise ConfigError(f"context must be at least 1024 tokens, got {self.context}")

    def __repr__(self) -> str:
        """Without the key."""
        return f"Endpoint({self.model!r} at {self.shown!r})"

    @property
    def shown(self) -> str:
        """Its address without what opens it."""
        return shown_address(self.base_url)


def is_loopback(base_url: str) -> bool:
    """Whether a URL names this machine, by number or as `localhost`."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ChatModel(Protocol):
    """What is needed of a chat model."""

    name: str
    context: int

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        """Pieces of the reply as they come.

        Raises:
            CutShort: the reply did not end by itself.
            ModelError: there is no reply, or it broke off.
        """

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        timeout_s: float | None = None,
        schema: dict[str, Any] | None = None,
    ) -> str:
        """A whole reply; `schema` asks for JSON of that form where the server knows how.

        Raises:
            ModelError: there is no reply.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What a model is asked for; `schema` is that of a reply in JSON."""

    messages: Sequence[Message]
    max_tokens: int
    stream: bool = False
    schema: dict[str, Any] | None = None

    def parameters(self) -> dict[str, Any]:
        """The request as the client takes it."""
        said = [{"role": message.role, "content": message.content} for message in self.messages]
        found = {
            "temperature": 0,
            "messages": said,
            "max_tokens": self.max_tokens,
            "stream": self.stream,
        }
        if self.schema is not None:
            shape = {"name": "reply", "strict": True, "schema": self.schema}
            found["response_format"] = {"type": "json_schema", "json_schema": shape}
        return found


class Remote:
    """The chat model of an endpoint. Threads may share it; nothing is sent before the first call.

    Args:
        endpoint: where it answers.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.name = endpoint.model
        self.context = endpoint.context

    @cached_property
    def _client(self) -> Any:
        if find_spec("openai") is None:
            raise MissingExtra("llm", "openai")
        import httpx2
        import openai

        at = self.endpoint
        # a proxy of the environment must not carry what is meant for this machine; a connection
        # is not kept, so that there is none to close
        http = openai.DefaultHttpxClient(
            trust_env=not is_loopback(at.base_url),
            limits=httpx2.Limits(max_keepalive_connections=0),
        )
        client = openai.OpenAI(
            base_url=at.base_url,
            api_key=at.api_key or "none",
            timeout=openai.Timeout(at.timeout_s, connect=_CONNECT_S),
            max_retries=_RETRIES,
            http_client=http,
        )
        # what the environment holds for another service is not this endpoint's business
        client.organization = client.project = client.admin_api_key = None
        return client

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        """See `ChatModel.stream`."""
        request = _Request(messages=messages, max_tokens=max_tokens, stream=True)
        n_chars, finish = 0, ""
        for event in self._events(request, self.endpoint.timeout_s):
            piece, ended = _piece(event)
            finish = ended or finish
            if piece:
                n_chars += len(piece)
                yield piece
            if n_chars > max_tokens * _MAX_CHARS_PER_TOKEN:
                raise CutShort(f"{self.name} did not stop writing and was stopped")
        if finish == "length":
            raise CutShort(f"{self.name} wrote more than {max_tokens} tokens and was cut off")
        if n_chars and not finish:
            raise BrokeOff(f"The reply of {self.name} broke off half-way")

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        timeout_s: float | None = None,
        schema: dict[str, Any] | None = None,
    ) -> str:
        """See `ChatModel.complete`."""
        request = _Request(messages=messages, max_tokens=max_tokens, schema=schema)
        limit = min(timeout_s or self.endpoint.timeout_s, self.endpoint.timeout_s)
        return "".join(_piece(event)[0] for event in self._events(request, limit))

    def _events(self, request: _Request, limit_s: float) -> Iterator[Any]:
        """What the server sends, parsed; failures told in one line."""
        client = self._client
        import httpx2
        import openai

        where = self.endpoint.shown
        with Reading(lambda reading: self._sent(client, request, reading)) as reading:
            try:
                for event in reading.until(time.monotonic() + limit_s):
                    if isinstance(event, dict) and event.get("error"):
                        raise ModelError(f"The endpoint failed: {self._told_in(event, request)}")
                    yield event
            except TimeoutError:
                raise ModelError(f"{self.name} took longer than {limit_s:g} s: stopped") from None
            except openai.APIError as error:
                raise ModelError(self._told(error, request)) from None
            except httpx2.TimeoutException:
                raise ModelError(f"{self.name} at {where} did not answer in time") from None
            except (httpx2.HTTPError, httpx2.StreamError):
                raise BrokeOff(f"The reply of {self.name} broke off half-way") from None
            except (ValueError, TypeError, LookupError, RuntimeError) as error:
                logger.debug("a reply that cannot be read", exc_info=True)
                raise ModelError(
                    f"{where} sent a reply that cannot be read ({type(error).__name__}): "
                    "is it an OpenAI-compatible endpoint?"
                ) from None

    def _sent(self, client: Any, request: _Request, reading: Reading) -> Iterator[Any]:
        """Send a request; what comes back, one JSON value after the other. Runs in a thread."""
        with contextlib.closing(self._opened(client, request)) as response:
            reading.holds(response.http_response)
            if "json" in response.headers.get("content-type", ""):  # not streamed, or cannot be
                yield json.loads(response.read())
                return
            for line in response.iter_lines():
                name, _, value = line.partition(":")
                if name != "data" or not value.strip():
                    continue
                yield _DONE if value.strip() == "[DONE]" else json.loads(value)

    def _opened(self, client: Any, request: _Request) -> Any:
        """The open response, asked without the parameters that the server does not know."""
        import openai

        wanted = request.parameters()
        send = client.chat.completions.with_streaming_response.create
        while True:
            try:  # entered by hand: what is open is closed by the caller
                return send(model=self.endpoint.model, **wanted).__enter__()
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                said = str(error)
                blamed = next((name for name in _DROPPABLE if name in wanted and name in said), "")
                if not blamed:
                    raise
                value = wanted.pop(blamed)
                if "max_completion_tokens" in said:
                    wanted["max_completion_tokens"] = value

    def _told_in(self, event: dict[str, Any], request: _Request) -> str:
        """What a server said of its failure in the middle of a reply."""
        said = event["error"]
        said = said.get("message", "") if isinstance(said, dict) else said
        return self._hidden(str(said), request)

    def _told(self, error: Any, request: _Request) -> str:
        """A failure of the client in one line, without the key."""
        import openai

        where, model = self.endpoint.shown, self.name
        if isinstance(error, openai.APITimeoutError):
            return f"{model} at {where} did not answer in time"
        if isinstance(error, openai.APIConnectionError):
            cause = f" ({self._hidden(str(error.__cause__), request)})" if error.__cause__ else ""
            return f"Cannot reach {model} at {where}{cause}: is the server running?"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return f"{where} refused the key: set YOUJU_LLM_API_KEY"
        if isinstance(error, openai.NotFoundError):
            return f"{where} knows no model {model!r}: check --model and --base-url (ending in /v1)"
        if isinstance(error, openai.RateLimitError):
            return f"{where} takes no more requests for now (429)"
        status = getattr(error, "status_code", None)
        said = self._hidden(str(error.message), request)
        return f"{model} at {where} failed{f' ({status})' if status else ''}: {said}"

    def _hidden(self, said: str, request: _Request) -> str:
        """Words of a server in one line, without the key and without what it was sent."""
        logger.debug("the endpoint said: %s", said.replace(self.endpoint.api_key or "\0", "***"))
        sent = [message.content for message in request.messages]
        said = discreet(" ".join(said[:4000].split()), key=self.endpoint.api_key, sent=sent)
        return said[:160]


_DONE = object()


def _piece(event: Any) -> tuple[str, str]:
    """Text and finish reason of what a server sent; either may be missing.

    Raises:
        TypeError, LookupError: it is no chat completion, whole or in part.
        ModelError: it is none.
    """
    if event is _DONE:
        return "", "done"
    if not isinstance(event, dict):
        raise ModelError("The endpoint sent something that is no chat completion")
    choices = event.get("choices")
    if not isinstance(choices, list):
        raise ModelError("The endpoint sent something that is no chat completion")
    if not choices or not isinstance(choices[0], dict):
        return "", ""
    said = choices[0].get("delta") or choices[0].get("message") or {}
    content = said.get("content") if isinstance(said, dict) else None
    ended = choices[0].get("finish_reason")
    return (content if isinstance(content, str) else ""), (str(ended) if ended else "")
