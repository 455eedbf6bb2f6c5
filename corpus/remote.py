"""Encoders and rerankers behind an HTTP endpoint: OpenAI-compatible, or text-embeddings-inference.

Texts go in batches; what a busy or failing server refuses is tried again after growing pauses;
nothing waits longer than its timeout. Nothing is sent unless a person names the endpoint. Knows
texts and vectors; called by `corpus.encoder` and by who reranks.

Sources: OpenAI API reference, "Create embeddings"; text-embeddings-inference, /embed and /rerank.
"""

from __future__ import annotations

import http.client
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ConfigError, ModelError
from corpus.keys import discreet, kept_key, shown_address

__all__ = ["RemoteEncoder", "RemoteReranker"]

logger = logging.getLogger(__name__)

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRIES = 5
_PAUSE_S = 0.5  # before the second try; doubled for each one after
_LONGEST_PAUSE_S = 20.0
_QUERY_S = 8.0  # longest wait for the vector of a query
_SILENT_S = 30.0  # how long an endpoint that did not answer is not asked while a person waits
_MAX_BYTES = 256 << 20  # of a response


class _Endpoint:
    """One server, asked with JSON.

    Args:
        url: base address; a path is kept, what follows `#` is the model.
        timeout_s: longest wait for a response, all tries of a request together.
        key: sent as a bearer token; `$YOUJU_MODEL_KEY`, or the keyring's, if None.
        sleep: how to pause.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 60.0,
        key: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r} is no endpoint: write http://HOST:PORT/v1#MODEL")
        self.model = parts.fragment
        self.shown = shown_address(url)
        self._parts = parts
        self._timeout_s = timeout_s
        self._key = kept_key(self.shown, "YOUJU_MODEL_KEY") if key is None else key
        self._sleep = sleep
        self._silent_until = 0.0

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """A person waits for what is asked in the block.

        Raises:
            ModelError: it did not answer a moment ago, so it is not asked.
        """
        if time.monotonic() < self._silent_until:
            raise ModelError(f"the model at {self.shown} did not answer a moment ago")
        try:
            yield
        except ModelError:
            self._silent_until = time.monotonic() + _SILENT_S
            raise

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float | None = None) -> Any:
        """The JSON that the server answers.

        Raises:
            ModelError: it cannot be reached, refuses, or answers no JSON, after all tries.
        """
        ends = time.monotonic() + (timeout_s or self._timeout_s)
        reason = "no answer"
        for number in range(_TRIES):
            left = ends - time.monotonic()
            if left <= 0:
                break
            try:
                status, after, content = self._ask(path, body, left)
            except (OSError, http.client.HTTPException) as fault:
                reason, after = str(fault) or type(fault).__name__, None
            else:
                if status == 200:
                    return self._parsed(content)
                said = content[:4000].decode("utf-8", "replace")
                said = discreet(said, key=self._key, sent=_texts_in(body))
                reason = f"{status} {said[:200]}".strip()
                if status not in _AGAIN:
                    break
            pause = min(_PAUSE_S * 2**number, _LONGEST_PAUSE_S)
            if after is not None:
                pause = min(max(pause, after), _LONGEST_PAUSE_S)
            if number + 1 == _TRIES or time.monotonic() + pause >= ends:
                break
            logger.info("%s: %s; trying again in %.1f s", self.shown, reason, pause)
            self._sleep(pause)
        raise ModelError(
            f"the model at {self.shown} does not answer ({reason}): start it, or name another one"
        )

    def _ask(
        self, path: str, body: Mapping[str, Any], timeout_s: float
    ) -> tuple[int, float | None, bytes]:
        """Status, seconds to wait as the server says, and content."""
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=timeout_s)
        ends = time.monotonic() + timeout_s
        headers = {"content-type": "application/json"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        try:
            connection.request(
                "POST", self._parts.path.rstrip("/") + path, json.dumps(body).encode(), headers
            )
            answer = connection.getresponse()
            content = b""
            while part := answer.read1(1 << 16):
                content += part
                # the socket's own timeout is for one read: a trickle would never end
                if time.monotonic() > ends:
                    raise TimeoutError("timed out")
                if len(content) > _MAX_BYTES:
                    raise ModelError(f"the model at {self.shown} answers without end")
            after = answer.getheader("retry-after", "")
            return answer.status, float(after) if after.isdecimal() else None, content
        finally:
            connection.close()

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError:
            raise self.unfit("no JSON") from None

    def unfit(self, what: str) -> ModelError:
        """The error for an answer of another form than expected."""
        return ModelError(f"the model at {self.shown} gave {what}: is it an endpoint of this kind?")


def _texts_in(body: Mapping[str, Any]) -> Iterator[str]:
    """The texts that a request sends."""
    for value in body.values():
        several = value if isinstance(value, list) else [value]
        yield from (one for one in several if isinstance(one, str))


class RemoteEncoder:
    """Vectors from an endpoint, by `/embeddings` (OpenAI-compatible) or `/embed` (model `tei`).

    Args:
        url: `http://HOST:PORT/v1#MODEL`, or `http://HOST:PORT#tei`.
        batch_size: texts sent together.
        timeout_s: longest wait for one batch, all its tries together.
        key: as `$YOUJU_MODEL_KEY`.
        sleep: how to pause between tries.

    Raises:
        ConfigError: the address is none, or names no model.
    """

    def __init__(
        self,
        url: str,
        *,
        batch_size: int = 64,
        timeout_s: float = 60.0,
        key: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = _Endpoint(url, timeout_s=timeout_s, key=key, sleep=sleep)
        if not self._endpoint.model:
            raise ConfigError(f"name the model behind {url}: {url}#MODEL, or {url}#tei")
        self._batch_size = batch_size
        self._query_timeout_s = min(_QUERY_S, timeout_s)
        self._dim: int | None = None
        self.name = f"{self._endpoint.shown}#{self._endpoint.model}"
        # by name, so that an index opens while its model is down
        self.fingerprint = sha256(self.name.encode()).hexdigest()

    @property
    def dim(self) -> int:
        """Length of a vector; asks the endpoint if no text was encoded yet."""
        if self._dim is None:
            self._vectors(["有据 youju"])
        return self._dim or 0

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_queries`; a person waits, so a silent endpoint is given up soon.

        Raises:
            ModelError: it does not answer, or did not a moment ago.
        """
        with self._endpoint.awaited():
            return self._encoded(texts, self._query_timeout_s)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_passages`.

        Raises:
            ModelError: the endpoint does not answer, after all tries.
        """
        return self._encoded(texts, None)

    def _encoded(self, texts: Sequence[str], timeout_s: float | None) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        parts = [
            self._vectors(texts[at : at + self._batch_size], timeout_s)
            for at in range(0, len(texts), self._batch_size)
        ]
        return np.concatenate(parts)

    def _vectors(self, texts: Sequence[str], timeout_s: float | None = None) -> NDArray[np.float32]:
        if self._endpoint.model == "tei":
            body = {"inputs": list(texts), "truncate": True}
            rows = self._endpoint.post("/embed", body, timeout_s)
        else:
            found = self._endpoint.post(
                "/embeddings",
                {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"},
                timeout_s,
            )
            try:
                ordered = sorted(found["data"], key=lambda row: row["index"])
                rows = [row["embedding"] for row in ordered]
            except (KeyError, TypeError):
                raise self._endpoint.unfit("no list of embeddings") from None
        try:
            matrix = np.array(rows, np.float32)
        except (ValueError, TypeError):
            raise self._endpoint.unfit("vectors of several lengths") from None
        if matrix.ndim != 2 or len(matrix) != len(texts) or not np.isfinite(matrix).all():
            raise self._endpoint.unfit(f"no vector for each of {len(texts)} texts")
        if self._dim not in (None, matrix.shape[1]):
            raise self._endpoint.unfit(f"vectors of length {matrix.shape[1]}, not {self._dim}")
        self._dim = int(matrix.shape[1])
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        return np.asarray(matrix / np.where(lengths > 0, lengths, 1), np.float32)


class RemoteReranker:
    """Scores of passages for a query, by `/rerank` as TEI and vLLM offer it.

    Args:
        url: `http://HOST:PORT#tei`, or `http://HOST:PORT/v1#MODEL` (Jina's and Cohere's form).
        batch_size: passages sent together.
        timeout_s: longest wait for one batch, all its tries together.
        key: as `$YOUJU_MODEL_KEY`.
        sleep: how to pause between tries.

    Raises:
        ConfigError: the address is none.
    """

    def __init__(
        self,
        url: str,
        *,
        batch_size: int = 32,
        timeout_s: float = 30.0,
        key: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = _Endpoint(url, timeout_s=timeout_s, key=key, sleep=sleep)
        self._batch_size = batch_size
        self.name = f"{self._endpoint.shown}#{self._endpoint.model}"

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """A score for each text, of shape (len(texts),); higher fits the query better.

        Raises:
            ModelError: the endpoint does not answer, not for each text, or did not a moment ago.
        """
        with self._endpoint.awaited():
            parts = [
                self._part(query, texts[at : at + self._batch_size])
                for at in range(0, len(texts), self._batch_size)
            ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _part(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        if self._endpoint.model in ("", "tei"):
            body = {"query": query, "texts": list(texts), "truncate": True}
            rows: Any = self._endpoint.post("/rerank", body)
            name = "score"
        else:
            body = {"model": self._endpoint.model, "query": query, "documents": list(texts)}
            found, name = self._endpoint.post("/rerank", body), "relevance_score"
            rows = found.get("results") if isinstance(found, dict) else None
        try:
            scores = {int(row["index"]): float(row[name]) for row in rows}
            found = np.array([scores[number] for number in range(len(texts))])
        except (KeyError, TypeError, ValueError):
            raise self._endpoint.unfit(f"no score for each of {len(texts)} passages") from None
        if not np.isfinite(found).all():
            raise self._endpoint.unfit("scores that are no numbers")
        return found
