"""What is made of a passage: the texts it stands for, their terms, its key and its vector.

Knows notes, chunks and encoders; knows no store. Called by `refresh`, `workers`, `inspection` and
`milvus`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corpus.encoder import StaticEncoder
from corpus.errors import ModelError
from corpus.tokens import terms
from corpus.types import Chunk, Note

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = [
    "checked_vectors",
    "encoded",
    "passage_key",
    "passage_terms",
    "passage_texts",
    "terms_of",
    "tokens_of",
    "vectors_of",
]


def passage_texts(note: Note, chunk: Chunk) -> list[str]:
    """Title, heading path and passage: what is encoded, and what gives the terms."""
    heading = " > ".join(title for title in chunk.heading if title != note.title)
    return [text for text in (note.title, heading, note.text[chunk.start : chunk.end]) if text]


def passage_terms(note: Note, chunk: Chunk) -> list[str]:
    """What a passage is found by: the terms of title, heading path and text."""
    return terms_of(passage_texts(note, chunk))


def passage_key(note: Note, chunk: Chunk) -> bytes:
    """Same key, same terms and vector. The separator occurs in no title."""
    return sha256("\x00".join(passage_texts(note, chunk)).encode("utf-8")).digest()[:16]


def checked_vectors(
    encoder: Encoder, passages: Iterable[tuple[Note, Chunk]]
) -> NDArray[np.float16]:
    """Vectors of passages, of shape (n, dim), as they are stored.

    Raises:
        ModelError: the encoder gave something else than n vectors of numbers.
    """
    return vectors_of(encoder, [passage_texts(note, chunk) for note, chunk in passages])


def terms_of(texts: Iterable[str]) -> list[str]:
    """The terms of the texts of one passage."""
    return [term for text in texts for term in terms(text)]


def vectors_of(encoder: Encoder, passages: Sequence[Sequence[str]]) -> NDArray[np.float16]:
    """Vectors of passages, given by their texts, as `encoded`."""
    return encoded(encoder, passages)[0]


def tokens_of(encoder: Encoder, passages: Sequence[Sequence[str]]) -> list[bytes | None]:
    """Tokens of passages, as `encoded`, where their vectors are known already."""
    if not isinstance(encoder, StaticEncoder):
        return [None] * len(passages)
    return encoder.encode_parts(passages)[1]


def encoded(
    encoder: Encoder, passages: Sequence[Sequence[str]]
) -> tuple[NDArray[np.float16], list[bytes | None]]:
    """Vectors and tokens of passages, given by their texts, as they are stored.

    Two bytes a number: cosines change by less than 0.001, the index is half as large.

    Returns:
        Vectors of shape (n, dim), and the tokens of each passage itself, without title and
        headings, as `StaticEncoder.encode_parts` gives them; None for another encoder.

    Raises:
        ModelError: the encoder gave something else than n vectors of numbers.
    """
    tokens: list[bytes | None] = [None] * len(passages)
    if isinstance(encoder, StaticEncoder):
        matrix, tokens = encoder.encode_parts(passages)
    else:
        matrix = encoder.encode_passages(["\n".join(texts) for texts in passages])
    if matrix.shape != (len(passages), encoder.dim) or not np.isfinite(matrix).all():
        raise ModelError(
            f"encoder {encoder.name} returned {matrix.shape} for {len(passages)} passages"
            f" of dimension {encoder.dim}, or values that are no numbers"
        )
    return matrix.astype("<f2"), tokens
