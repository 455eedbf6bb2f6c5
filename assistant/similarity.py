"""How alike two words are, by the built-in encoder's word vectors.

A bounded table of word vectors; words are encoded once, in batches. Used where a question and
a note name the same thing in other words, or in the other language.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of words, float32 of shape (len(words), dim)."""
        missing = [word for word in dict.fromkeys(words) if word not in self._vectors]
        if missing:
            if len(self._vectors) + len(missing) > _MAX_WORDS:
                self._vectors.clear()
                missing = list(dict.fromkeys(words))
            rows = self._encoder.encode_queries(missing)
            self._vectors.update(zip(missing, rows, strict=True))
        if not words:
            return np.zeros((0, self._encoder.dim), dtype=np.float32)
        return np.stack([self._vectors[word] for word in words])

    def matrix(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        """Cosines of every word on the left with every word on the right."""
        if not left or not right:
            return np.zeros((len(left), len(right)), dtype=np.float32)
        return self.vectors(left) @ self.vectors(right).T
