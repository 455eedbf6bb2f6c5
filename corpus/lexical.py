"""Scores of passages for lists of terms, whatever keeps the postings: a ranking, and its formula.

`rank_bm25.BM25Okapi` (k1 = 1.5, b = 0.75, epsilon = 0.25) sets the numbers. Knows terms, chunk ids
and what a posting adds; does not know where postings lie. `bm25` has them in arrays, `layered` in
arrays and what changed since.

Source: Trotman, Puurula, Burgess, "Improvements to BM25 and Language Models Examined", ADCS 2014;
rank-bm25 0.2.2.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lexical", "Terms", "saturation", "scored", "unknown_weight", "weights"]

# Terms of a query; with weights, or each as often as it is said.
Terms = Sequence[str] | Mapping[str, float]

_CACHED = 64  # pieces of terms whose passages are remembered
_COUNTED = 16_384  # terms whose number of passages is: a question asks for that of a hundred


class Lexical(ABC):
    """Scores of passages for lists of terms. Immutable, so threads may share it.

    Args:
        ids: chunk ids by the number that postings give to a passage, ascending; of shape (n,).

    Attributes:
        df: gives the number of passages that hold a term.
    """

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._ids = ids
        self._held = lru_cache(maxsize=_CACHED)(self._with_piece)
        self.df = lru_cache(maxsize=_COUNTED)(self._df)
        self._last: tuple[tuple[tuple[str, float], ...], NDArray[np.float64]] | None = None

    def __len__(self) -> int:
        """Number of passages."""
        return len(self._ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Chunk ids, ascending; read only."""
        return self._ids

    def top(self, terms: Terms, k: int) -> list[tuple[int, float]]:
        """The best passages for a list of terms; a term said twice counts twice.

        Returns:
            At most `k` pairs of chunk id and score, best first, ties by id; scores above 0 only.
        """
        if k < 1:
            return []
        scores = self._scores(terms)
        found = np.flatnonzero(scores > 0)
        if len(found) > k:
            # keeps every tie with the k-th, so that the id decides among them, not the sort
            least = np.partition(scores[found], len(found) - k)[len(found) - k]
            found = found[scores[found] >= least]
        best = found[np.lexsort((found, -scores[found]))[:k]]
        return list(zip(self._ids[best].tolist(), scores[best].tolist(), strict=True))

    def scores(self, terms: Terms, ids: Sequence[int]) -> list[float]:
        """The scores of these chunk ids, in their order; 0 for one that is not known."""
        wanted = np.asarray(ids, dtype=np.int64)
        if not len(self._ids) or not len(wanted):
            return [0.0] * len(wanted)
        at = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
        known = self._ids[at] == wanted
        found: list[float] = np.where(known, self._scores(terms)[at], 0.0).tolist()
        return found

    def holds(self, terms: Sequence[str], ids: Sequence[int]) -> NDArray[np.bool_]:
        """Which chunks hold which terms, also those of weight 0.

        Args:
            terms: without repeats.
            ids: chunk ids.

        Returns:
            Array of shape (len(terms), len(ids)); false for an id that is not known.
        """
        found = np.zeros((len(terms), len(ids)), np.bool_)
        if not len(self._ids) or not len(ids):
            return found
        wanted = np.asarray(ids, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
        known = self._ids[at] == wanted
        at = at.astype(np.int32)  # else every list of postings is copied
        for row, term in enumerate(terms):
            postings = self._saying(term)
            if len(postings):
                place = postings.searchsorted(at)
                found[row] = postings.take(place, mode="clip") == at
        found &= known
        return found

    def containing(self, pieces: Sequence[str]) -> NDArray[np.int64]:
        """Ids of the chunks in which each of these pieces stands inside a term; all for none."""
        kept = self._alive()
        for piece in pieces:
            kept &= self.with_piece(piece)
        return self._ids[kept]

    def with_piece(self, piece: str) -> NDArray[np.bool_]:
        """Which passages hold a term with a piece inside, by their number; read only."""
        return self._held(piece)

    def _df(self, term: str) -> int:
        """Number of passages that hold a term."""
        return len(self._saying(term))

    @abstractmethod
    def idf(self, term: str) -> float:
        """Weight of a term; one that no passage holds weighs most, ln(N + 0.5) - ln(0.5)."""

    @abstractmethod
    def _scores_of(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Numbers of the passages that hold a term, and what one saying of it adds to each."""

    @abstractmethod
    def _saying(self, term: str) -> NDArray[np.int32]:
        """Numbers of the passages that hold a term, ascending."""

    @abstractmethod
    def _with_piece(self, piece: str) -> NDArray[np.bool_]:
        """Which passages hold a term with a piece, of shape (n,); read only."""

    def _alive(self) -> NDArray[np.bool_]:
        """Which numbers are passages: all; the caller may change it."""
        return np.ones(len(self._ids), np.bool_)

    def _scores(self, terms: Terms) -> NDArray[np.float64]:
        """Scores of all passages; read only, since those of the last query are kept.

        A query is scored to find the best passages, then again for those that others found.
        """
        wanted = terms if isinstance(terms, Mapping) else Counter(terms)
        key = tuple(wanted.items())
        last = self._last  # one reference, so that threads see key and scores that belong together
        if last is not None and last[0] == key:
            return last[1]
        found = [(self._scores_of(term), times) for term, times in wanted.items()]
        scores: NDArray[np.float64] = np.zeros(len(self._ids))
        if found:
            told = [times * data.astype(np.float64) for (_, data), times in found]
            where = np.concatenate([postings for (postings, _), _ in found])
            # sums in the order of the terms, as adding the postings of one after the other does
            scores = np.bincount(where, np.concatenate(told), len(self._ids)).astype(np.float64)
        self._last = key, scores
        return scores


@cache
def _okapi() -> Any:
    from rank_bm25 import BM25Okapi

    return BM25Okapi([[""]])  # its k1, b and epsilon


def weights(n: int, df: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weight of a term by the number of passages that hold it.

    Args:
        n: number of passages, at least 1.
        df: of each term that occurs, in any order, each at least 1.

    Returns:
        Array of shape (largest df + 1,); 0 where no term has that number.
    """
    times = np.bincount(df)
    values = np.flatnonzero(times)  # few numbers
    logs = np.array([math.log(n - d + 0.5) - math.log(d + 0.5) for d in values.tolist()])
    mean = math.fsum((logs * times[values]).tolist()) / len(df)
    if mean > 0:
        logs[logs < 0] = _okapi().epsilon * mean
    else:
        # in a vault of one or two passages every Okapi weight is negative or zero, and nothing
        # would be found; Lucene's form of the weight is positive for every term
        logs = np.array([math.log(1 + (n - d + 0.5) / (d + 0.5)) for d in values.tolist()])
    found = np.zeros(len(times))
    found[values] = logs
    return found


def unknown_weight(n: int) -> float:
    """The weight of a term that none of n passages holds."""
    return math.log(n + 0.5) - math.log(0.5)


def saturation(lengths: NDArray[np.int32], n: int, n_said: int) -> NDArray[np.float64]:
    """What the length of each passage adds to the count of a term, below the line.

    Args:
        lengths: number of terms of each passage.
        n: number of passages.
        n_said: number of terms of all of them.
    """
    okapi = _okapi()
    found: NDArray[np.float64] = okapi.k1 * (1 - okapi.b + okapi.b * lengths / (n_said / n))
    return found


def scored(
    weight: float | NDArray[np.float64], counts: NDArray[np.uint16], norms: NDArray[np.float64]
) -> NDArray[np.float32]:
    """What one saying of a term in the query adds, of each posting; `norms`: see `saturation`."""
    said = counts.astype(np.float64)
    found: NDArray[np.float64] = weight * said * (_okapi().k1 + 1) / (said + norms)
    return found.astype(np.float32)
