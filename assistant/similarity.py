"""How alike two words are, by the built-in encoder's word vectors.

A bounded table of word vectors; words are encoded once, in batches. Used where a question and
a note name the same thing in other words, or in the other language.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from corpus.encoder import Encoder

__all__ = ["WordSimilarity"]

_MAX_WORDS = 50_000


class WordSimilarity:
    """Cosine of word vectors, cached.

    Args:
        encoder: gives the vectors; unknown words get a zero vector and similarity 0.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._row: dict[str, int] = {}
        self._vectors = np.zeros((0, encoder.dim), np.float32)
        self._guard = Lock()

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of words, float32 of shape (len(words), dim)."""
        with self._guard:
            missing = [word for word in dict.fromkeys(words) if word not in self._row]
            if missing:
                self._add(missing if self._fits(missing) else list(dict.fromkeys(words)))
            row = self._row
            return self._vectors[[row[word] for word in words]]

    def _fits(self, missing: Sequence[str]) -> bool:
        """Whether more words fit into the table, which is emptied where they do not."""
        if len(self._row) + len(missing) <= _MAX_WORDS:
            return True
        self._row.clear()
        return False

    def _add(self, missing: Sequence[str]) -> None:
        start, stop = len(self._row), len(self._row) + len(missing)
        if stop > len(self._vectors):
            room = max(stop, min(2 * len(self._vectors), _MAX_WORDS))
            longer = np.zeros((room, self._encoder.dim), np.float32)
            longer[:start] = self._vectors[:start]
            self._vectors = longer
        self._vectors[start:stop] = self._encoder.encode_queries(missing)
        self._row.update(zip(missing, range(start, stop), strict=True))

    def matrix(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        """Cosines of every word on the left with every word on the right."""
        if not left or not right:
            return np.zeros((len(left), len(right)), dtype=np.float32)
        return self.vectors(left) @ self.vectors(right).T
