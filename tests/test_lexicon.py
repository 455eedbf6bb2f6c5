from __future__ import annotations

import pytest

from assistant import lexicon
from assistant.denials import NEGATIONS, NOT_NEGATIONS, quantifier
from assistant.lexicon import LIGHT, alike, opposites

EVERY = sorted(lexicon._alike_table() | lexicon._opposite_table())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("优点", "优势"),
        ("提升", "提高"),
        ("原因", "cause"),
        ("advantage", "好处"),
        ("model", "模型"),
    ],
)
def test_words_that_name_the_same_are_alike(one: str, other: str) -> None:
    assert other in alike(one)
    assert one in alike(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("高", "低"),
        ("提升", "降低"),
        ("优点", "缺点"),
        ("high", "low"),
        ("内在", "extrinsic"),
        ("快", "slow"),
    ],
)
def test_opposites_are_opposite_both_ways(one: str, other: str) -> None:
    assert other in opposites(one)
    assert one in opposites(other)


def test_no_word_is_alike_or_opposite_to_itself() -> None:
    assert not [word for word in EVERY if word in alike(word) or word in opposites(word)]


def test_no_two_words_are_alike_and_opposite() -> None:
    assert not {word: both for word in EVERY if (both := alike(word) & opposites(word))}


def test_both_relations_hold_both_ways() -> None:
    assert not [(a, b) for a in EVERY for b in opposites(a) if a not in opposites(b)]
    assert not [(a, b) for a in EVERY for b in alike(a) if b in EVERY and a not in alike(b)]


@pytest.mark.parametrize(
    ("word", "name"),
    [("只", "only"), ("不仅", "not_only"), ("所有", "all"), ("有些", "some"), ("至少", "least"),
     ("至多", "atmost"), ("never", "none"), ("must", "must"), ("模型", "")],
)  # fmt: skip
def test_quantifiers_have_their_class(word: str, name: str) -> None:
    assert quantifier(word) == name


def test_chinese_words_that_only_hold_a_negation_do_not_negate() -> None:
    harmless = {word for word in NOT_NEGATIONS.split() if not word.isascii()}
    assert not harmless & set(NEGATIONS)
    assert {"不同", "非常", "无论"} <= harmless


def test_a_word_that_denies_is_never_light() -> None:
    assert not LIGHT & set(NEGATIONS)
    assert alike("没有这个词") == opposites("没有这个词") == frozenset()
