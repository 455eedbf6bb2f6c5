"""BM25 as rank-bm25 defines it, stored so that a query costs only its postings.

`rank_bm25.BM25Okapi` (k1 = 1.5, b = 0.75, epsilon = 0.25) sets the idf; the score of every (term,
passage) pair is computed once, when the index is built, and kept by term. A few changed passages
are counted alone: the postings of the others stay, only the scores are computed again: all of them
(`updated`), or those that a query asks for (`layered.Layered`). Knows lists of terms and chunk ids;
does not know text, files of notes, or generations beyond the stamp it is given.

Source: Trotman, Puurula, Burgess, "Improvements to BM25 and Language Models Examined", ADCS 2014;
rank-bm25 0.2.2. Eager scores: Lù, "BM25S", arXiv:2407.03618.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.lexical import Lexical, Terms, saturation, scored, unknown_weight, weights
from corpus.postings import Counted, heads_of, place_of
from corpus.sealing import write_atomically
from corpus.text import is_han

__all__ = ["BM25", "Terms"]

_NUMBERS = 8192  # terms whose number is kept; the words of a few questions and their passages
_PAYS = 200  # terms a look-up from which their first letters are kept as numbers
_MAGIC = b"youju-bm25-2\n"
_BLOCK = 1 << 20  # postings that are scored at once
_ARRAYS = {
    # name -> type on disk: little-endian, so that a folder may be carried to another machine
    "ids": "<i8", "indptr": "<i8", "indices": "<i4", "data": "<f4", "idfs": "<f8",
    "offsets": "<i8", "letters": "|u1", "counts": "<u2", "lengths": "<i4",
}  # fmt: skip
_COUNTED = ("letters", "offsets", "indptr", "indices", "counts", "lengths")


class BM25(Lexical):
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
        super().__init__(ids)
        self._counted = counted
        self._indptr = counted.indptr
        self._indices = counted.indices
        self._data = data
        self._idfs = idfs
        self._offsets = counted.offsets
        self._letters = counted.letters.tobytes()
        self._number = lru_cache(maxsize=_NUMBERS)(self._find)
        self._heads: array[int] | None = None
        self._n_found = 0

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
        df = np.diff(counted.indptr)
        if not len(df):
            return cls(ids, counted, data=np.zeros(0, np.float32), idfs=np.zeros(0, np.float64))
        idfs = weights(len(ids), df)[df]
        norms = saturation(counted.lengths, len(ids), int(counted.lengths.sum()))
        data = np.empty(len(counted.indices), np.float32)
        weight = np.repeat(idfs, df)
        for at in range(0, len(data), _BLOCK):  # so that little is held in eight bytes a number
            part = slice(at, at + _BLOCK)
            data[part] = scored(weight[part], counted.counts[part], norms[counted.indices[part]])
        return cls(ids, counted, data=data, idfs=idfs)

    @property
    def counted(self) -> Counted:
        """Which passages say which terms how often; read only."""
        return self._counted

    @property
    def data(self) -> NDArray[np.float32]:
        """What one saying of its term adds, of each posting; read only."""
        return self._data

    def number_of(self, term: bytes) -> int | None:
        """The number of a term in UTF-8, or None."""
        at, is_known = place_of(term, self._letters, self._offsets)
        return at if is_known else None

    def postings_of(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """The passages that say a term, by their number, ascending, and how often each does."""
        number = self._number(term)
        if number is None:
            return self._indices[:0], self._counted.counts[:0]
        part = slice(self._indptr[number], self._indptr[number + 1])
        return self._indices[part], self._counted.counts[part]

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

    def idf(self, term: str) -> float:
        """Weight of a term; one that no passage holds weighs most, ln(N + 0.5) - ln(0.5)."""
        number = self._number(term)
        return unknown_weight(len(self)) if number is None else float(self._idfs[number])

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

    def _scores_of(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Positions in `ids` of the passages that hold a term, and what one saying of it adds."""
        number = self._number(term)
        if number is None:
            return self._indices[:0], self._data[:0]
        postings = slice(self._indptr[number], self._indptr[number + 1])
        return self._indices[postings], self._data[postings]

    def _saying(self, term: str) -> NDArray[np.int32]:
        """Positions in `ids` of the passages that hold a term, ascending."""
        number = self._number(term)
        return self._indices[:0] if number is None else self._postings(number)

    def _find(self, term: str) -> int | None:
        """The number of a term, or None."""
        wanted = term.encode("utf-8", "surrogatepass")
        heads = self._heads
        if heads is None:
            self._n_found += 1
            if _PAYS * self._n_found >= len(self._offsets):
                self._heads = heads_of(self._counted.letters, self._offsets)
            return self.number_of(wanted)
        head = int.from_bytes(wanted[:8].ljust(8, b"\0"), "big")
        low = bisect_left(heads, head)
        high = bisect_right(heads, head, low)
        if low == high:
            return None
        at, is_known = place_of(wanted, self._letters, self._offsets, (low, high))
        return at if is_known else None

    def _df(self, term: str) -> int:
        """Number of passages that hold a term."""
        number = self._number(term)
        return 0 if number is None else int(self._indptr[number + 1] - self._indptr[number])

    def _postings(self, number: int) -> NDArray[np.int32]:
        """Positions in `ids` of the passages that hold a term."""
        return self._indices[self._indptr[number] : self._indptr[number + 1]]


def _digest(parts: Iterable[memoryview]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
