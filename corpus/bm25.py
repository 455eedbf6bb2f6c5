"""BM25 as rank-bm25 defines it, stored so that a query costs only its postings.

`rank_bm25.BM25Okapi` (k1 = 1.5, b = 0.75, epsilon = 0.25) sets the idf; the score of every (term,
passage) pair is computed once, when the index is built, and kept by term. A few changed passages
are counted alone: the postings of the others stay, only the scores are computed again. Knows lists
of terms and chunk ids; does not know text, files of notes, or generations beyond the stamp it is
given.

Source: Trotman, Puurula, Burgess, "Improvements to BM25 and Language Models Examined", ADCS 2014;
rank-bm25 0.2.2. Eager scores: Lù, "BM25S", arXiv:2407.03618.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.postings import Counted, place_of
from corpus.store import write_atomically
from corpus.text import is_han

__all__ = ["BM25", "Terms"]

# Terms of a query; with weights, or each as often as it is said.
Terms = Sequence[str] | Mapping[str, float]

_NUMBERS = 8192  # terms whose number is kept; the words of a few questions and their passages
_MAGIC = b"youju-bm25-2\n"
_BLOCK = 1 << 20  # postings that are scored at once
_CACHED = 64  # pieces of terms whose passages are remembered
_ARRAYS = {
    # name -> type on disk: little-endian, so that a folder may be carried to another machine
    "ids": "<i8", "indptr": "<i8", "indices": "<i4", "data": "<f4", "idfs": "<f8",
    "offsets": "<i8", "letters": "|u1", "counts": "<u2", "lengths": "<i4",
}  # fmt: skip
_COUNTED = ("letters", "offsets", "indptr", "indices", "counts", "lengths")


class BM25:
    """Scores of passages for lists of terms. Immutable, so threads may share it.

    Args:
        ids: chunk ids of shape (n,), ascending.
        counted: which of them say which terms how often.
        data: score that one occurrence of the term in the query adds, of each posting.
        idfs: of shape (n_terms,), negative ones already floored.
    """

    def __init__(
        self,
        ids: NDArray[np.int64],
        counted: Counted,
        *,
        data: NDArray[np.float32],
        idfs: NDArray[np.float64],
    ) -> None:
        self._ids = ids
        self._counted = counted
        self._indptr = counted.indptr
        self._indices = counted.indices
        self._data = data
        self._idfs = idfs
        self._offsets = counted.offsets
        self._letters = counted.letters.tobytes()
        self._number = lru_cache(maxsize=_NUMBERS)(self._find)
        self._held = lru_cache(maxsize=_CACHED)(self._with_piece)
        self._last: tuple[tuple[tuple[str, float], ...], NDArray[np.float64]] | None = None

    @classmethod
    def build(cls, ids: NDArray[np.int64], documents: Iterable[list[str]]) -> BM25:
        """Count passages and compute every score.

        Args:
            ids: chunk ids of shape (n,), ascending.
            documents: the terms of each passage, in the order of `ids`.
        """
        counted = Counted.of(documents)
        return cls._scored(ids, counted)

    def updated(
        self, gone: NDArray[np.int64], ids: NDArray[np.int64], documents: Iterable[list[str]]
    ) -> BM25 | None:
        """What `build` makes of the passages after a change, at the cost of the change in words.

        Args:
            gone: chunk ids that are left out.
            ids: chunk ids that are new, ascending; each above all that were there.
            documents: the terms of each new passage.

        Returns:
            None where the whole is to be built instead.
        """
        counted = Counted.of(documents)
        if len(ids) and len(self._ids) and ids[0] <= self._ids[-1]:
            return None
        kept = ~np.isin(self._ids, gone)
        now = self._counted.without(~kept).followed_by(counted)
        return self._scored(np.concatenate([self._ids[kept], ids]), now)

    @classmethod
    def _scored(cls, ids: NDArray[np.int64], counted: Counted) -> BM25:
        """The scores of counted passages."""
        from rank_bm25 import BM25Okapi

        n, n_said, df = len(ids), int(counted.lengths.sum()), np.diff(counted.indptr)
        if not len(df):  # BM25Okapi divides by the number of passages and of terms
            return cls(ids, counted, data=np.zeros(0, np.float32), idfs=np.zeros(0, np.float64))

        okapi = BM25Okapi([[""]])  # its k1, b and epsilon
        # the weight of a term depends on how many passages hold it, and these are few numbers
        values, which, times = np.unique(df, return_inverse=True, return_counts=True)
        logs = np.array([math.log(n - d + 0.5) - math.log(d + 0.5) for d in values.tolist()])
        mean = math.fsum((logs * times).tolist()) / len(df)
        if mean > 0:
            logs[logs < 0] = okapi.epsilon * mean
        else:
            # in a vault of one or two passages every Okapi weight is negative or zero, and nothing
            # would be found; Lucene's form of the weight is positive for every term
            logs = np.array([math.log(1 + (n - d + 0.5) / (d + 0.5)) for d in values.tolist()])
        idfs = logs[which]
        saturation = okapi.k1 * (1 - okapi.b + okapi.b * counted.lengths / (n_said / n))
        data = np.empty(len(counted.indices), np.float32)
        weight = np.repeat(idfs, df)
        for at in range(0, len(data), _BLOCK):  # so that little is held in eight bytes a number
            part = slice(at, at + _BLOCK)
            counts = counted.counts[part].astype(np.float64)
            data[part] = (
                weight[part]
                * counts
                * (okapi.k1 + 1)
                / (counts + saturation[counted.indices[part]])
            )
        return cls(ids, counted, data=data, idfs=idfs)

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
        at = at.astype(self._indices.dtype)  # else every list of postings is copied
        for row, term in enumerate(terms):
            number = self._number(term)
            if number is not None:
                postings = self._postings(number)
                place = postings.searchsorted(at)
                found[row] = postings.take(place, mode="clip") == at
        found &= known
        return found

    def containing(self, pieces: Sequence[str]) -> NDArray[np.int64]:
        """Ids of the chunks in which each of these pieces stands inside a term; all for none."""
        kept = np.ones(len(self._ids), np.bool_)
        for piece in pieces:
            kept &= self._held(piece)
        return self._ids[kept]

    def _with_piece(self, piece: str) -> NDArray[np.bool_]:
        """Which chunks hold a term with a piece, of shape (n,); read only."""
        held = np.zeros(len(self._ids), np.bool_)
        for number in self._numbers_with(piece):
            held[self._postings(number)] = True
        return held

    def _numbers_with(self, piece: str) -> list[int]:
        """Numbers of the terms whose bytes hold a piece, and a few that end with its beginning."""
        places = []
        wanted = piece.encode("utf-8", "surrogatepass")
        at = self._letters.find(wanted, self._first_han if is_han(piece[0]) else 0)
        while at >= 0:
            places.append(at)
            at = self._letters.find(wanted, at + 1)
        # the last term that starts at or before the place
        found = np.searchsorted(self._offsets, np.array(places, np.int64), side="right") - 1
        numbers: list[int] = np.unique(found).tolist()
        return numbers

    @cached_property
    def _first_han(self) -> int:
        """Where the terms of ideographs begin in `letters`: none of them begins otherwise."""
        at, _ = place_of("\u3007".encode(), self._letters, self._offsets)
        return int(self._offsets[at])

    def df(self, term: str) -> int:
        """Number of passages that hold a term."""
        number = self._number(term)
        return 0 if number is None else int(self._indptr[number + 1] - self._indptr[number])

    def idf(self, term: str) -> float:
        """Weight of a term; one that no passage holds weighs most, ln(N + 0.5) - ln(0.5)."""
        number = self._number(term)
        if number is None:
            return math.log(len(self._ids) + 0.5) - math.log(0.5)
        return float(self._idfs[number])

    def save(self, path: Path, *, stamp: str) -> None:
        """Write one file: a line of JSON (stamp, sha256, shapes), then the arrays.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        held = {name: getattr(self._counted, name) for name in _COUNTED}
        held |= {"ids": self._ids, "data": self._data, "idfs": self._idfs}
        arrays = [np.ascontiguousarray(held[name], kind) for name, kind in _ARRAYS.items()]
        parts = [array.data.cast("B") for array in arrays if array.size]
        head = {
            "stamp": stamp,
            "sha256": _digest(parts),
            "sizes": {name: array.size for name, array in zip(_ARRAYS, arrays, strict=True)},
        }
        write_atomically(path, [_MAGIC, json.dumps(head).encode("ascii"), b"\n", *parts])

    @classmethod
    def load(cls, path: Path, *, stamp: str) -> BM25 | None:
        """Read what `save` wrote; None if it is missing, torn, or of another stamp."""
        try:
            content = path.read_bytes()
        except OSError:
            return None
        end_of_head = content.find(b"\n", len(_MAGIC))
        if not content.startswith(_MAGIC) or end_of_head < 0:
            return None
        body = memoryview(content)[end_of_head + 1 :]
        try:
            head = json.loads(content[len(_MAGIC) : end_of_head])
            if head["stamp"] != stamp or head["sha256"] != _digest([body]):
                return None
            sizes = {name: int(head["sizes"][name]) for name in _ARRAYS}
        except (ValueError, KeyError, TypeError):  # the head itself carries no checksum
            return None
        if sum(sizes[name] * np.dtype(kind).itemsize for name, kind in _ARRAYS.items()) != len(
            body
        ):
            return None
        arrays: dict[str, NDArray[Any]] = {}
        at = 0
        for name, kind in _ARRAYS.items():
            n_bytes = sizes[name] * np.dtype(kind).itemsize
            # a copy where the file leaves an array unaligned: gathers from it are slower
            arrays[name] = np.require(
                np.frombuffer(body[at : at + n_bytes], kind), requirements="A"
            )
            at += n_bytes
        counted = Counted(**{name: arrays.pop(name) for name in _COUNTED})
        return cls(arrays["ids"], counted, data=arrays["data"], idfs=arrays["idfs"])

    def _scores(self, terms: Terms) -> NDArray[np.float64]:
        """Scores of all passages; read only, since those of the last query are kept.

        A query is scored to find the best passages, then again for those that others found.
        """
        weights = terms if isinstance(terms, Mapping) else Counter(terms)
        key = tuple(weights.items())
        last = self._last  # one reference, so that threads see key and scores that belong together
        if last is not None and last[0] == key:
            return last[1]
        scores = np.zeros(len(self._ids))
        for term, times in weights.items():
            number = self._number(term)
            if number is not None:
                postings = slice(self._indptr[number], self._indptr[number + 1])
                # a passage occurs once among the postings of a term, so += loses nothing
                scores[self._indices[postings]] += times * self._data[postings].astype(np.float64)
        self._last = key, scores
        return scores

    def _find(self, term: str) -> int | None:
        """The number of a term, or None."""
        at, is_known = place_of(term.encode("utf-8", "surrogatepass"), self._letters, self._offsets)
        return at if is_known else None

    def _postings(self, number: int) -> NDArray[np.int32]:
        """Positions in `ids` of the passages that hold a term."""
        return self._indices[self._indptr[number] : self._indptr[number + 1]]


def _digest(parts: Iterable[memoryview]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
