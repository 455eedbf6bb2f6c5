from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from assistant import similarity
from assistant.similarity import WordSimilarity
from corpus.encoder import load_encoder
from tests.fakes import HashingEncoder


def test_cosines_are_those_of_the_encoder() -> None:
    encoder = HashingEncoder()
    similar = WordSimilarity(encoder)
    left, right = ["lora", "hnsw"], ["hnsw", "lora", "gqa"]
    expected = encoder.encode_queries(left) @ encoder.encode_queries(right).T
    assert np.allclose(similar.matrix(left, right), expected)
    assert similar.matrix(["lora"], ["lora"])[0, 0] == pytest.approx(1)


def test_no_words_give_an_empty_matrix() -> None:
    similar = WordSimilarity(HashingEncoder(dim=8))
    assert similar.matrix([], ["a"]).shape == (0, 1)
    assert similar.matrix(["a"], []).shape == (1, 0)
    assert similar.vectors([]).shape == (0, 8)


class Counting(HashingEncoder):
    """Counts the words it encodes."""

    n_queries = 0

    def encode_queries(self, texts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        self.n_queries += len(texts)
        return super().encode_queries(texts)


def test_a_word_is_encoded_once() -> None:
    encoder = Counting()
    similar = WordSimilarity(encoder)
    for _ in range(3):
        similar.vectors(["lora", "hnsw", "lora"])
    assert encoder.n_queries == 2


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_MAX_WORDS", 3)
    similar = WordSimilarity(HashingEncoder())
    words = ["a", "b", "c", "d"]
    for word in words:
        similar.vectors([word])
    assert len(similar._table[1]) <= 3
    assert similar.vectors(words).shape == (4, 64)
    assert similar.vectors([*words, "e", "f"]).shape == (6, 64)


def test_threads_read_while_others_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_MAX_WORDS", 40)  # it is outgrown and emptied meanwhile
    encoder = HashingEncoder(dim=8)
    similar = WordSimilarity(encoder)
    asked = [[f"w{(7 * turn + at) % 90}" for at in range(12)] for turn in range(400)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(similar.vectors, asked))
    for words, vectors in zip(asked, found, strict=True):
        assert np.allclose(vectors, encoder.encode_queries(words))


def test_a_name_tells_more_than_a_word_that_asks() -> None:
    similar = WordSimilarity(load_encoder())
    the, number, school, little, much = similar.weights(["the", "number", "school", "的", "学校"])
    assert the < number < school
    assert little < much
    assert len(set(WordSimilarity(HashingEncoder()).weights(["the", "school"]).tolist())) == 1
