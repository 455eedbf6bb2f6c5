"""Which passages say which terms how often, as arrays sorted by term.

Counts passages, takes some out, puts a few behind: each gives the arrays that counting all of them
anew gives. Knows lists of terms and numbers of passages; knows no scores. Called by `bm25`.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counted", "heads_of", "place_of"]

_MOST = 65_535  # times that a passage of a few hundred characters cannot say a term


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Which passages say which terms how often.

    Attributes:
        letters: all terms in UTF-8, in ascending order of their bytes.
        offsets: of shape (n_terms + 1,); term t is letters[offsets[t]:offsets[t + 1]].
        indptr: of shape (n_terms + 1,); the postings of term t are indptr[t]:indptr[t + 1].
        indices: number of the passage of each posting, from 0, ascending within a term.
        counts: how often the passage of each posting says the term.
        lengths: of shape (n,), number of terms of each passage, repeats included.
    """

    letters: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    counts: NDArray[np.uint16]
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, documents: Iterable[list[str]]) -> Counted:
        """Count; of each document only the numbers of its terms are kept."""
        number: defaultdict[str, int] = defaultdict()
        number.default_factory = number.__len__
        said, sizes = array("i"), array("i")
        for document in documents:
            said.extend(map(number.__getitem__, document))
            sizes.append(len(document))
        lengths = np.array(sizes, np.int32)
        vocabulary = sorted(number)  # by code point, which is also the order of UTF-8 bytes
        place = np.empty(len(vocabulary), np.int64)
        place[np.fromiter(map(number.__getitem__, vocabulary), np.int64, len(vocabulary))] = (
            np.arange(len(vocabulary))
        )
        encoded = [term.encode("utf-8") for term in vocabulary]
        n = max(1, len(lengths))
        pairs = place[np.frombuffer(said, np.int32)] * n if len(said) else np.zeros(0, np.int64)
        pairs += np.repeat(np.arange(len(lengths)), lengths)
        pairs.sort()
        first = np.flatnonzero(np.diff(pairs, prepend=-1))
        counts = np.diff(first, append=len(pairs))
        terms, passages = np.divmod(pairs[first], n)
        return cls(
            letters=np.frombuffer(b"".join(encoded), np.uint8),
            offsets=_starts(np.fromiter(map(len, encoded), np.int64, len(encoded))),
            indptr=_starts(np.bincount(terms, minlength=len(vocabulary))),
            indices=passages.astype(np.int32),
            counts=np.minimum(counts, _MOST).astype(np.uint16),
            lengths=lengths,
        )

    def terms(self) -> list[bytes]:
        """The vocabulary, in order."""
        letters, offsets = self.letters.tobytes(), self.offsets.tolist()
        return [letters[start:end] for start, end in pairwise(offsets)]

    def without(self, gone: NDArray[np.bool_]) -> Counted:
        """The counts without some passages, and without the terms that only these said.

        Args:
            gone: of shape (n,).
        """
        stays = ~gone[self.indices]
        position = np.cumsum(~gone) - 1
        df = np.zeros(len(self.indptr) - 1, np.int64)
        if len(stays):
            df = np.add.reduceat(stays, self.indptr[:-1], dtype=np.int64)
        alive = df > 0
        sizes = np.diff(self.offsets)
        return Counted(
            letters=self.letters[np.repeat(alive, sizes)],
            offsets=_starts(sizes[alive]),
            indptr=_starts(df[alive]),
            indices=position[self.indices[stays]].astype(np.int32),
            counts=self.counts[stays],
            lengths=self.lengths[~gone],
        )

    def followed_by(self, other: Counted) -> Counted:
        """The counts with a few passages more behind."""
        letters, offsets, theirs = self.letters.tobytes(), self.offsets, other.terms()
        places = [place_of(term, letters, offsets) for term in theirs]
        known = np.array([is_known for _, is_known in places], np.bool_)
        at = np.array([at for at, _ in places], np.int64)
        new = at[~known]  # before which of our terms each new one stands
        shift = np.searchsorted(new, np.arange(len(offsets) - 1), side="right")
        number = np.where(known, at + np.searchsorted(new, at, side="right"), 0)
        number[~known] = new + np.arange(len(new))
        df = np.zeros(len(offsets) - 1 + len(new), np.int64)
        df[np.arange(len(shift)) + shift] = np.diff(self.indptr)
        term_of = np.repeat(number, np.diff(other.indptr))
        behind = _starts(df)[term_of + 1]  # their postings stand behind ours of the same term
        df += np.bincount(term_of, minlength=len(df))
        sizes = np.diff(other.offsets)[~known]
        added = b"".join(
            term for term, (_, is_known) in zip(theirs, places, strict=True) if not is_known
        )
        return Counted(
            letters=np.insert(
                self.letters, np.repeat(offsets[new], sizes), np.frombuffer(added, np.uint8)
            ),
            offsets=_starts(np.insert(np.diff(offsets), new, sizes)),
            indptr=_starts(df),
            indices=np.insert(self.indices, behind, other.indices + len(self.lengths)),
            counts=np.insert(self.counts, behind, other.counts),
            lengths=np.concatenate([self.lengths, other.lengths]),
        )


def heads_of(letters: NDArray[np.uint8], offsets: NDArray[np.int64]) -> array[int]:
    """The first eight bytes of each term as a number, ascending as the terms are.

    Args:
        letters: of all terms, see `Counted`; no term holds the byte 0.
        offsets: of the terms, see `Counted`.
    """
    at = np.arange(8)
    places = offsets[:-1, None] + at
    held = np.concatenate([letters, np.zeros(8, np.uint8)])[places]
    held[at >= np.diff(offsets)[:, None]] = 0
    found = array("Q")
    found.frombytes(held.view(">u8").astype("=u8").tobytes())
    return found


def place_of(
    term: bytes,
    letters: bytes,
    offsets: NDArray[np.int64],
    among: tuple[int, int] | None = None,
) -> tuple[int, bool]:
    """The number of the first term that is not below one, and whether it is that: some steps.

    Args:
        term: in UTF-8.
        letters: of all terms, see `Counted`.
        offsets: of the terms, see `Counted`.
        among: from which number on and before which it stands; None for all.
    """
    low, high = among or (0, len(offsets) - 1)
    while low < high:
        middle = (low + high) // 2
        found = letters[offsets[middle] : offsets[middle + 1]]
        if found == term:
            return middle, True
        if found < term:
            low = middle + 1
        else:
            high = middle
    return low, False


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts
