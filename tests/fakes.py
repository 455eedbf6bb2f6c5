"""Fakes shared by the tests: small, deterministic, a function of their arguments alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = ["HashingEncoder"]

_TOKEN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")


class HashingEncoder:
    """An encoder whose vectors are hashed bags of words and ideographs.

    The vector of a text depends on the text alone, on every machine and in every order of
    calls. Texts that share words are near to each other; a text without words has a zero row.

    Args:
        dim: length of a vector.
        version: two encoders of different versions give different vectors and fingerprints.
    """

    def __init__(self, dim: int = 64, version: str = "1") -> None:
        self.name = f"hashing-{dim}"
        self.dim = dim
        self.fingerprint = f"hashing-{dim}-{version}"
        self.n_encoded = 0  # passages, for tests of what is not encoded again

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of shape (n, dim)."""
        return np.stack([self._vector(text) for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of shape (n, dim), the same as for queries."""
        self.n_encoded += len(texts)
        return self.encode_queries(texts)

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.dim, np.float32)
        for token in _TOKEN.findall(text.lower()):
            digest = blake2b(f"{self.fingerprint}/{token}".encode(), digest_size=8).digest()
            number = int.from_bytes(digest, "little")
            vector[(number >> 1) % self.dim] += 1.0 if number & 1 else -1.0
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if length else vector
