"""A graph that grows while the passages of a new index are still being prepared.

hnswlib needs as long as everything else together, and no lock of Python's: it runs beside. The ids
that the passages will get are known if their notes come in the order in which they are stored; if
they do not, the graph is built at the end, as for a small change. Knows keys, ids and vectors.
Called by `refresh`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from corpus.ann import EXACT_LIMIT, GraphIndex

__all__ = ["GraphAhead"]


class GraphAhead:
    """The graph of passages that are numbered from `first_id` on, as they come.

    Args:
        first_id: id that the first passage will get.
    """

    def __init__(self, first_id: int) -> None:
        self._first_id = first_id
        self._thread = ThreadPoolExecutor(1, "youju-graph")
        self._graph: GraphIndex | None = None
        self._keys: list[bytes] = []
        self._ids: list[int] = []  # of those that have a vector
        self._added: list[Future[None]] = []

    def add(self, keys: Sequence[bytes], vectors: Mapping[bytes, bytes | None]) -> None:
        """Take up the next passages; returns at once.

        Args:
            keys: of the passages, in the order of their ids.
            vectors: as stored, of each key; None for a zero vector.
        """
        first = self._first_id + len(self._keys)
        self._keys += keys
        found = [(first + n, vectors[key]) for n, key in enumerate(keys)]
        ids = [id_ for id_, vector in found if vector is not None]
        if not ids:
            return
        self._ids += ids
        data = b"".join(vector for _, vector in found if vector is not None)
        self._added.append(self._thread.submit(self._grow, ids, data))

    def _grow(self, ids: list[int], data: bytes) -> None:
        vectors = np.frombuffer(data, "<f2").astype(np.float32).reshape(len(ids), -1)
        if self._graph is None:
            self._graph = GraphIndex.begun(vectors.shape[1], 2 * EXACT_LIMIT)
        self._graph.add(np.array(ids, np.int64), vectors)

    def graph(self, keys: Sequence[bytes], ids: NDArray[np.int64]) -> GraphIndex | None:
        """The whole graph, once it is done; None where it is not that of these passages.

        Args:
            keys: of all passages, in the order of their ids.
            ids: of those that have a vector, ascending.
        """
        if list(keys) != self._keys or ids.tolist() != self._ids:
            return None
        for added in self._added:
            added.result()
        if self._graph is not None:
            self._graph.fit()
        return self._graph

    def close(self) -> None:
        """Stop after the passages that are being added."""
        self._thread.shutdown(cancel_futures=True)
