"""BM25 on Milvus: what a passage weighs, what a term weighs, and the counts behind both.

The score is that of `corpus.bm25`, taken apart: saturation and length stand in the sparse vector of
the passage, the idf in that of the query, so that their inner product, which every Milvus computes
alike, is the score. Saturation needs an average length: the one of the first build (the pivot).
The idf follows the counts, which lie in the database as tables by hashed term, one per worker,
cut into segments so that a query loads only those of its terms.

Source: rank-bm25 0.2.2 (`BM25Okapi`); hashed terms: Weinberger et al., ICML 2009.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from corpus.milvus.rows import STUB, Row

__all__ = [
    "Counts",
    "Segment",
    "Statistics",
    "Totals",
    "average_idf",
    "bits_for",
    "merged",
    "saturated",
    "term_number",
]

_K1, _B, _EPSILON = 1.5, 0.75, 0.25  # rank-bm25's
_NUMBERS = (1 << 32) - 3  # a sparse vector has fewer than 2^32 - 1 dimensions
_SEGMENT = 4000  # terms of a segment on average: as bytes, 40 deviations below 65,535
_ALL = 64  # segments up to which all are loaded at once


@lru_cache(maxsize=65_536)
def term_number(term: str) -> int:
    """The dimension of a term in sparse vectors, in [0, 2^32 - 3)."""
    digest = blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _NUMBERS


def saturated(terms: Sequence[str], pivot: float) -> dict[int, float]:
    """The sparse vector of a passage: what one occurrence in a query adds, without the idf.

    Args:
        terms: of the passage, repeats included.
        pivot: average number of terms of a passage, above 0.
    """
    room = _K1 * (1 - _B + _B * len(terms) / pivot)
    counts = Counter(map(term_number, terms))
    return {number: n * (_K1 + 1) / (n + room) for number, n in counts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the notes of one worker.

    Attributes:
        n_notes: notes.
        n_chunks: passages.
        n_terms: terms of all passages, repeats counted.
        n_chars: code points of all notes.
        n_distinct: different terms.
        bits: the table of counts has 2^bits segments.
        is_dirty: whether a run began to change them and has not ended.
    """

    n_notes: int = 0
    n_chunks: int = 0
    n_terms: int = 0
    n_chars: int = 0
    n_distinct: int = 0
    bits: int = 0
    is_dirty: bool = False

    def __add__(self, other: Totals) -> Totals:
        """The sums over the notes of both; the table is the first one's."""
        return replace(
            self,
            n_notes=self.n_notes + other.n_notes,
            n_chunks=self.n_chunks + other.n_chunks,
            n_terms=self.n_terms + other.n_terms,
            n_chars=self.n_chars + other.n_chars,
            is_dirty=self.is_dirty or other.is_dirty,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One part of a table of counts: which worker's, how it is cut, and which part."""

    bucket: int
    bits: int
    number: int

    @property
    def id(self) -> str:
        """Of its row."""
        return f"{self.bucket:04d}-{self.bits:02d}-{self.number:08d}"

    @classmethod
    def of_terms(cls, bucket: int, bits: int, numbers: Iterable[int]) -> list[Segment]:
        """The segments that hold these terms, ascending."""
        there = sorted({number >> (32 - bits) for number in numbers})
        return [cls(bucket=bucket, bits=bits, number=number) for number in there]

    @classmethod
    def all(cls, bucket: int, bits: int) -> list[Segment]:
        """All segments of a table."""
        return [cls(bucket=bucket, bits=bits, number=number) for number in range(1 << bits)]


class Counts:
    """In how many passages each term occurs.

    Args:
        numbers: of terms, of shape (n,), ascending, without repeats.
        counts: of shape (n,), above 0.
    """

    def __init__(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self.numbers = numbers
        self.counts = counts

    @classmethod
    def empty(cls) -> Counts:
        """Of no passages."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def of(cls, counted: Counter[int]) -> Counts:
        """Of counted numbers; those that are not above 0 are left out."""
        pairs = sorted((number, n) for number, n in counted.items() if n > 0)
        table = np.array(pairs, np.int64).reshape(-1, 2)
        return cls(table[:, 0].copy(), table[:, 1].copy())

    def __len__(self) -> int:
        """Number of terms."""
        return len(self.numbers)

    def __getitem__(self, number: int) -> int:
        """Passages that hold a term."""
        at = int(np.searchsorted(self.numbers, number))
        found = at < len(self.numbers) and int(self.numbers[at]) == number
        return int(self.counts[at]) if found else 0

    def changed(self, change: Counter[int]) -> Counts:
        """The counts after passages came and went."""
        return merged([self, _signed(change)])

    def rows(self, segments: Iterable[Segment]) -> Iterator[Row]:
        """Segments of the table as rows."""
        for segment in segments:
            width = 1 << (32 - segment.bits)
            bounds = [segment.number * width, (segment.number + 1) * width]
            low, high = np.searchsorted(self.numbers, bounds)
            part = Counts(self.numbers[low:high], self.counts[low:high])
            yield {
                "id": segment.id,
                "bucket": segment.bucket,
                "payload": part.packed(),
                "stub": STUB,
            }

    def packed(self) -> str:
        """The table as text."""
        steps = np.diff(self.numbers, prepend=0)
        raw = np.concatenate([steps, self.counts]).astype("<u4").tobytes()
        return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")

    @classmethod
    def unpacked(cls, text: str) -> Counts:
        """What `packed` made."""
        flat = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<u4").astype(np.int64)
        half = len(flat) // 2
        return cls(np.cumsum(flat[:half]), flat[half:])


def bits_for(n_distinct: int) -> int:
    """Into how many segments, as a power of two, a table of so many terms is cut."""
    return max(0, math.ceil(math.log2(max(n_distinct, 1) / _SEGMENT)))


def _signed(change: Counter[int]) -> Counts:
    pairs = np.array(sorted(change.items()), np.int64).reshape(-1, 2)
    return Counts(pairs[:, 0], pairs[:, 1])


def merged(tables: Sequence[Counts]) -> Counts:
    """The counts of all passages of several tables."""
    if not tables:
        return Counts.empty()
    numbers, place = np.unique(
        np.concatenate([table.numbers for table in tables]), return_inverse=True
    )
    counts = np.zeros(len(numbers), np.int64)
    np.add.at(counts, place, np.concatenate([table.counts for table in tables]))
    kept = counts > 0
    return Counts(numbers[kept], counts[kept])


class Statistics:
    """What terms weigh in one generation. Threads may share it.

    Args:
        totals: of each worker's part, by its number.
        average_idf: of all terms, as rank-bm25 has it; see `average_idf`.
        load: gives the rows of segments by id, those that are there.
    """

    def __init__(
        self,
        totals: Sequence[tuple[int, Totals]],
        average_idf: float,
        load: Callable[[list[str]], Iterable[tuple[str, str]]],
    ) -> None:
        self._totals = totals
        self._average = average_idf
        self._load = load
        self._segments: dict[str, Counts] = {}
        self._guard = Lock()
        self.n_chunks = sum(total.n_chunks for _, total in totals)
        self._is_small = sum(1 << total.bits for _, total in totals) <= _ALL

    def df(self, term: str) -> int:
        """Number of passages that hold a term."""
        number = term_number(term)
        wanted = [self._segment(bucket, total, number) for bucket, total in self._totals]
        self._ensure(wanted)
        return sum(self._segments[segment.id][number] for segment in wanted)

    def prefetch(self, terms: Iterable[str]) -> None:
        """Load what these terms need in one go."""
        numbers = [term_number(term) for term in terms]
        self._ensure([self._segment(b, t, number) for b, t in self._totals for number in numbers])

    def idf(self, term: str) -> float:
        """Weight of a term; one that no passage holds weighs most, ln(N + 0.5) - ln(0.5)."""
        n = self.n_chunks
        df = min(self.df(term), n)  # while a worker ends, counts may be ahead of the sums
        if not df:
            return math.log(n + 0.5) - math.log(0.5)
        if self._average <= 0:  # of one or two passages: see corpus.bm25
            return math.log(1 + (n - df + 0.5) / (df + 0.5))
        idf = math.log(n - df + 0.5) - math.log(df + 0.5)
        return idf if idf >= 0 else _EPSILON * self._average

    @staticmethod
    def _segment(bucket: int, total: Totals, number: int) -> Segment:
        return Segment(bucket=bucket, bits=total.bits, number=number >> (32 - total.bits))

    def _ensure(self, wanted: list[Segment]) -> None:
        ids = {segment.id for segment in wanted} - self._segments.keys()
        if not ids:
            return
        with self._guard:
            if self._is_small:
                ids = {s.id for bucket, t in self._totals for s in Segment.all(bucket, t.bits)}
            found = {id_: Counts.unpacked(text) for id_, text in self._load(sorted(ids))}
            self._segments.update({id_: found.get(id_, Counts.empty()) for id_ in ids})


def average_idf(counts: Counts, n_chunks: int) -> float:
    """Mean of ln(N - df + 0.5) - ln(df + 0.5) over all terms; 0 without terms."""
    if not len(counts):
        return 0.0
    # counts may be ahead of the sums while another worker ends
    df = np.minimum(counts.counts, n_chunks).astype(np.float64)
    return float(np.mean(np.log(n_chunks - df + 0.5) - np.log(df + 0.5)))
