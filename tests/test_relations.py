from __future__ import annotations

import time

import pytest
from hypothesis import given

from assistant.relations import relations
from assistant.words import words
from tests.generated import texts

Side = tuple[str, str, str]


def read(text: str) -> list[Side]:
    found = words(text)

    def said(places: tuple[int, ...]) -> str:
        return " ".join(found[i].text for i in places)

    return [
        (r.kind, said(r.subject), said(r.object))
        if r.direction > 0
        else (r.kind, said(r.object), said(r.subject))
        for r in relations(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GQA 比 MHA 快", ("compare", "gqa", "mha")),
        ("MHA 比 GQA 慢", ("compare", "gqa", "mha")),
        ("GQA 优于 MHA", ("compare", "gqa", "mha")),
        ("MHA 不如 GQA", ("compare", "gqa", "mha")),
        ("GQA is faster than MHA", ("compare", "gqa", "mha")),
        ("GQA outperforms MHA", ("compare", "gqa", "mha")),
        ("FFM 是对 FM 的改进", ("improve", "ffm", "fm")),
        ("BM25 是检索的一种", ("part", "bm25", "检索")),
        ("误差导致幻觉", ("cause", "误差", "幻觉")),
        ("幻觉由误差导致", ("cause", "误差", "幻觉")),
        ("用 GQA 代替 MHA", ("replace", "gqa", "mha")),
        ("LoRA 由微软提出", ("author", "微软", "lora")),
        ("先召回再排序", ("sequence", "召回", "排序")),
        ("召回之后再排序", ("sequence", "召回", "排序")),
        ("1. 召回 2. 排序", ("sequence", "召回", "排序")),
    ],
)
def test_the_sides_of_a_relation_are_told_apart(text: str, expected: Side) -> None:
    assert expected in read(text)


def test_exchanged_sides_give_exchanged_relations() -> None:
    for form in ("{} 比 {} 快", "{} 优于 {}", "{} 是对 {} 的改进", "用 {} 代替 {}", "先 {} 再 {}"):
        ((kind, a, b), *_), ((_, c, d), *_) = (
            read(form.format(*pair)) for pair in (("LoRA", "HNSW"), ("HNSW", "LoRA"))
        )
        assert (a.split()[-1], b) == (d, c.split()[-1]), (form, kind)


@pytest.mark.parametrize("text", ["", "GQA 与 MHA 不同", "例如 LoRA", "比较 GQA 和 MHA", "优先级"])
def test_a_text_without_two_sides_has_no_relation(text: str) -> None:
    assert relations(text) == ()


@given(texts())
def test_sides_are_places_of_words(text: str) -> None:
    n = len(words(text))
    for relation in relations(text):
        assert all(0 <= i < n for i in (*relation.subject, *relation.object))
        assert 0 <= relation.start <= relation.end <= len(text)
        assert relation.direction in {-1, 1}


@pytest.mark.parametrize(
    "unit", ["比", "先再", "基于", "的一种", "1. a ", "GQA 比 MHA 快 ", "由提出"]
)
def test_the_longest_claim_takes_a_second_at_most(unit: str) -> None:
    text = (unit * 2000)[:2000]
    words(text)
    started = time.process_time()
    relations(text)
    assert time.process_time() - started < 2
