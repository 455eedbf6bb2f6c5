"""How alike two words are, by the built-in encoder's word vectors.

A bounded table of word vectors; words are encoded once, in batches. Used where a question and a
note name the same thing in other words, or in the other language. Knows words, not the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from corpus.encoder import Encoder, StaticEncoder

__all__ = ["WordSimilarity"]

_MAX_WORDS = 50_000
_TELLING = 16.0  # of a usual word of the built-in encoder, where another one does not say


class WordSimilarity:
    """Cosine of word vectors, cached.

    Args:
        encoder: gives the vectors; unknown words get a zero vector and similarity 0.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        # Read without a lock: a word is in the dictionary only once its row is written, and what
        # outgrows its array, or is emptied, is another pair.
        self._table: tuple[dict[str, int], NDArray[np.float32]] = (
            {},
            np.zeros((0, encoder.dim), np.float32),
        )
        self._guard = Lock()

    @property
    def encoder(self) -> Encoder:
        """Gives the vectors."""
        return self._encoder

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of words, float32 of shape (len(words), dim)."""
        row, vectors = self._table
        missing = [word for word in dict.fromkeys(words) if word not in row]
        if missing:
            row, vectors = self._with(list(dict.fromkeys(words)), missing)
        return vectors[[row[word] for word in words]]

    def _with(
        self, words: Sequence[str], missing: Sequence[str]
    ) -> tuple[dict[str, int], NDArray[np.float32]]:
        """The table with words in it; those that are missing are encoded outside the lock."""
        encoded = dict(zip(missing, self._encoder.encode_queries(missing), strict=True))
        with self._guard:
            row, vectors = self._table
            if len(row) + len(missing) > _MAX_WORDS:
                row, vectors = {}, np.zeros((0, self._encoder.dim), np.float32)
            # other threads may have added some of them meanwhile, or emptied the table
            fresh = [word for word in words if word not in row]
            if absent := [word for word in fresh if word not in encoded]:
                encoded.update(zip(absent, self._encoder.encode_queries(absent), strict=True))
            start, stop = len(row), len(row) + len(fresh)
            if stop > len(vectors):
                room = max(stop, min(2 * len(vectors), _MAX_WORDS))
                longer = np.zeros((room, self._encoder.dim), np.float32)
                longer[:start] = vectors[:start]
                row, vectors = dict(row), longer
            if fresh:
                vectors[start:stop] = [encoded[word] for word in fresh]
                row.update(zip(fresh, range(start, stop), strict=True))
            self._table = row, vectors
            return self._table

    def weights(self, words: Sequence[str]) -> NDArray[np.float64]:
        """How telling each word is in general, at least 0; all the same where nobody says.

        The built-in encoder has learned how much a token adds to the meaning of a text; of a word
        of several tokens the most telling one counts.
        """
        if not isinstance(self._encoder, StaticEncoder):
            return np.full(len(words), _TELLING)
        pieces = [self._encoder.token_weights(self._encoder.token_ids(word)) for word in words]
        return np.array([float(piece.max(initial=0.0)) for piece in pieces])

    def matrix(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        """Cosines of every word on the left with every word on the right."""
        if not left or not right:
            return np.zeros((len(left), len(right)), dtype=np.float32)
        return self.vectors(left) @ self.vectors(right).T
