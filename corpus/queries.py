"""Vectors of queries: by the encoder that the vectors of an index come from.

After a change of the encoder an index holds vectors of the earlier one until it is refreshed.
Knows encoders, not where vectors are kept. Called by `corpus.index` and `corpus.milvus`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ModelError

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["Queries", "QueryVectors"]

logger = logging.getLogger(__name__)

_CACHED = 64  # queries whose vectors are kept


class Queries:
    """Finds the encoder of queries. Threads may share it.

    Args:
        encoder: the one in use.
        earlier: loads another one by name; None for never.
    """

    def __init__(self, encoder: Encoder, earlier: Callable[[str], Encoder] | None) -> None:
        self._encoder = encoder
        self._earlier = earlier
        self._former: dict[str, Encoder | None] = {}
        self._guard = Lock()
        self._encode = lru_cache(maxsize=_CACHED)(_encoded)

    def made_by(self, fingerprint: str | None, name: str) -> QueryVectors:
        """Vectors that can be compared with those of an encoder.

        Args:
            fingerprint: of that encoder; None before the first refresh.
            name: its name.
        """
        return QueryVectors(self._of(fingerprint, name), self._encoder, self._encode)

    def _of(self, fingerprint: str | None, name: str) -> Encoder | None:
        """The encoder of this fingerprint; None if it cannot be had."""
        if fingerprint == self._encoder.fingerprint:
            return self._encoder
        if fingerprint is None or self._earlier is None:
            return None
        with self._guard:
            if fingerprint not in self._former:
                self._former[fingerprint] = self._loaded(name, fingerprint)
            return self._former[fingerprint]

    def _loaded(self, name: str, fingerprint: str) -> Encoder | None:
        try:
            found = self._earlier(name) if self._earlier is not None else None
        except ModelError as fault:
            logger.info("the index is searched by words alone: %s", fault)
            return None
        return found if found is not None and found.fingerprint == fingerprint else None


class QueryVectors:
    """Vectors of queries by one encoder, or none at all.

    Attributes:
        encoder: that one; the one in use where it cannot be had.
    """

    def __init__(
        self,
        fitting: Encoder | None,
        encoder: Encoder,
        encode: Callable[[Any, str], NDArray[np.float32]],
    ) -> None:
        self._fitting = fitting
        self._encode = encode
        self.encoder = fitting or encoder

    def vector_of(self, query: str) -> NDArray[np.float32] | None:
        """Of shape (dim,), of length 1 or zeros; None where words alone have to do."""
        if self._fitting is None:
            return None
        try:
            return self._encode(self._fitting, query)
        except ModelError as fault:  # words still find the passages
            logger.warning("searched by words only: %s", fault)
            return None


def _encoded(encoder: Any, query: str) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = encoder.encode_queries([query])[0]
    return vector
