from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from assistant.alignment import Alignment, Matcher
from assistant.words import words
from tests.generated import texts


def align(claim: str, note: str) -> Alignment:
    ours, theirs = words(claim), words(note)
    return Matcher(ours, [theirs], None).align(theirs, note)


def pairs(claim: str, note: str) -> dict[str, str]:
    found = align(claim, note)
    return {found.claim[i].text: found.evidence[j].text for i, j in enumerate(found.to) if j >= 0}


def test_words_know_their_role() -> None:
    roles = {w.text: w.role for w in words("所有模型都不支持 BM25")}
    assert roles["模型"] == "content"
    assert roles["bm25"] == "content"
    assert roles["所有"] == "quantifier"
    assert "negation" in roles.values()


def test_numbers_and_names_are_told_apart() -> None:
    found = {w.text: w for w in words("LoRA 用 8 张 A100 训练")}
    assert found["8"].is_number
    assert found["lora"].is_name
    assert found["a100"].is_name
    assert not found["训练"].is_name


@given(texts())
def test_words_slice_the_text_in_order_without_overlap(text: str) -> None:
    found = words(text)
    assert all(0 <= w.start < w.end <= len(text) for w in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(texts(80), texts(80))
def test_pairs_are_places_and_scores_lie_in_the_unit_interval(claim: str, note: str) -> None:
    found = align(claim, note)
    assert len(found.to) == len(found.score) == len(found.is_opposite) == len(words(claim))
    for place, score in zip(found.to, found.score, strict=True):
        assert -1 <= place < len(words(note))
        assert 0 <= score <= 1
        assert (place < 0) <= (score == 0)


@given(texts(80))
def test_a_text_is_found_whole_in_itself(text: str) -> None:
    found = align(text, text)
    assert all(
        score == 1 for w, score in zip(found.claim, found.score, strict=True) if w.is_content
    )


@pytest.mark.parametrize(
    ("claim", "note", "pair"),
    [
        ("LoRA 冻结权重", "LoRA 固定了预训练权重", ("冻结", "固定")),
        ("LoRA 的好处", "LoRA 的优点", ("好处", "优点")),
        ("注意力机制", "attention mechanism", ("注意力", "attention")),
        ("使用 embedding", "利用向量", ("embed", "向量")),
    ],
)
def test_a_word_is_paired_with_another_name_of_the_same(
    claim: str, note: str, pair: tuple[str, str]
) -> None:
    assert pair in pairs(claim, note).items()


def test_an_opposite_is_marked() -> None:
    found = align("GQA 提高了显存占用", "GQA 降低了显存占用")
    assert [w.text for w, turned in zip(found.claim, found.is_opposite, strict=True) if turned] == [
        "提高"
    ]


def test_a_word_of_a_name_is_no_opposite() -> None:
    found = align("The rank is small.", "Low-Rank Adaptation of Large Language Models")
    assert not any(found.is_opposite)
    assert any(align("The rank is small.", "The rank is large.").is_opposite)


def test_a_word_said_twice_is_paired_where_its_neighbours_are() -> None:
    found = align("HNSW 的内存", "IVF 的内存小，HNSW 的内存大")
    at = next(found.to[i] for i, w in enumerate(found.claim) if w.text == "内存")
    assert found.evidence[at].start > "IVF 的内存小，HNSW".index("HNSW")


def test_nothing_is_paired_with_nothing() -> None:
    assert align("", "LoRA").to == ()
    assert align("LoRA", "").to == (-1,)
