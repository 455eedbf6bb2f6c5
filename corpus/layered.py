"""An index of which a few passages went and to which a few came, without a word of it changed.

A base of arrays and graph is large and stays as it lies on the disk; what was edited since is held
beside it: passages that are gone are masked, new ones are counted, and compared with a query, on
their own. BM25 is that of all passages together, to the last bit: the weights of terms and the mean
length follow from sums over both. Knows chunk ids, terms and vectors; does not know the store, nor
when a base is made anew. Called by `caches`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from corpus.ann import ExactIndex, GraphIndex
from corpus.bm25 import BM25
from corpus.lexical import Lexical, saturation, scored, unknown_weight, weights
from corpus.postings import Counted

__all__ = ["Layered", "LayeredNeighbours"]

_NONE = np.zeros(0, np.float32)
_KEPT = 512  # terms whose scores are kept, those of a few questions and their passages


class Layered(Lexical):
    """What `BM25.build` makes of the passages after a change, scored as far as it is asked for.

    Passages are numbered as in the base, those that went among them; then come the new ones.

    Args:
        base: stays as it is.
        gone: chunk ids of the base that are left out.
        ids: chunk ids that are new, ascending; each above all of the base.
        documents: the terms of each new passage.

    Raises:
        ValueError: a new id is not above those of the base.
    """

    def __init__(
        self,
        base: BM25,
        gone: NDArray[np.int64],
        ids: NDArray[np.int64],
        documents: Iterable[list[str]],
    ) -> None:
        if len(ids) and len(base) and ids[0] <= base.ids[-1]:
            raise ValueError(f"passage {ids[0]} is not newer than the base")
        super().__init__(np.concatenate([base.ids, ids]))
        self._base = base
        self._more = BM25(ids, Counted.of(documents), data=_NONE, idfs=_NONE.astype(np.float64))
        self._is_gone = np.zeros(len(self._ids), np.bool_)
        self._is_gone[: len(base)] = np.isin(base.ids, gone)
        self._n = len(self._ids) - int(self._is_gone.sum())
        self._said = lru_cache(maxsize=_KEPT)(self._postings_of)

    def __len__(self) -> int:
        """Number of passages."""
        return self._n

    @property
    def ids(self) -> NDArray[np.int64]:
        """Chunk ids, ascending; read only."""
        return self._ids[~self._is_gone]

    def idf(self, term: str) -> float:
        """See `BM25.idf`."""
        df = self.df(term)
        return float(self._weights[df]) if df else unknown_weight(self._n)

    def _postings_of(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        places, times = self._base.postings_of(term)
        stays = ~self._is_gone[places]
        new, new_times = self._more.postings_of(term)
        found = np.concatenate([places[stays], new + np.int32(len(self._base))])
        if not len(found):
            return found, _NONE
        counts = np.concatenate([times[stays], new_times])
        return found, scored(float(self._weights[len(found)]), counts, self._norms[found])

    def _scores_of(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        return self._said(term)

    def _saying(self, term: str) -> NDArray[np.int32]:
        return self._said(term)[0]

    def _alive(self) -> NDArray[np.bool_]:
        return ~self._is_gone

    def _with_piece(self, piece: str) -> NDArray[np.bool_]:
        both = [self._base.with_piece(piece), self._more.with_piece(piece)]
        found: NDArray[np.bool_] = np.concatenate(both)
        return found & ~self._is_gone

    @cached_property
    def _norms(self) -> NDArray[np.float64]:
        lengths = np.concatenate([self._base.counted.lengths, self._more.counted.lengths])
        return saturation(lengths, self._n, int(lengths[~self._is_gone].sum()))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """Weights by the number of passages that hold a term, as all passages together give."""
        base, more = self._base.counted, self._more.counted
        df = np.diff(base.indptr)
        lost = np.flatnonzero(self._is_gone[base.indices])
        of = np.searchsorted(base.indptr, lost, side="right") - 1
        df -= np.bincount(of, minlength=len(df))
        added = np.diff(more.indptr)
        at = [self._base.number_of(term) for term in more.terms()]
        known = np.array([number is not None for number in at], np.bool_)
        df[np.array([number for number in at if number is not None], np.int64)] += added[known]
        df = np.concatenate([df, added[~known]])
        return weights(self._n, df[df > 0]) if df.any() else np.zeros(1)


class LayeredNeighbours:
    """The neighbours in a graph without those that went, and those among a few new vectors.

    Threads may share it, as they may the graph, which stays as it is.

    Args:
        graph: of the base.
        gone: chunk ids that are not to be found.
        more: of the new passages.
    """

    def __init__(self, graph: GraphIndex, gone: Iterable[int], more: ExactIndex) -> None:
        self._graph = graph
        self._gone = frozenset(gone)
        self._more = more

    def __len__(self) -> int:
        """Number of vectors that can be found."""
        return len(self._graph) - len(self._gone) + len(self._more)

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """See `ann.Neighbours.nearest`; approximate for the base, exact for what is new."""
        k = min(k, len(self))
        if k < 1 or not vector.any():
            return []
        found = self._staying(vector, k) + self._more.nearest(vector, k)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def _staying(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """The `k` nearest of the base that are not gone: more are asked for until they are k."""
        n_asked = k + min(k, len(self._gone))
        while True:
            near = self._graph.nearest(vector, n_asked)
            stay = [pair for pair in near if pair[0] not in self._gone]
            if len(stay) >= k or len(near) < n_asked or n_asked >= len(self._graph):
                return stay
            n_asked = min(2 * n_asked, len(self._graph))
