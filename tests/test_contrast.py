"""Slots in which a claim and a sentence differ, and wordings in which none does."""

from __future__ import annotations

import pytest

from assistant.alignment import Matcher
from assistant.conflict import Conflict
from assistant.contrast import conflicts
from assistant.words import words

SURE = 0.7


def sure(claim: str, note: str) -> list[Conflict]:
    found = Matcher(words(claim), [words(note)], None).align(words(note), note)
    return [c for c in conflicts(claim, note, found, found.score) if c.strength >= SURE]


@pytest.mark.parametrize(
    ("claim", "note", "kind"),
    [
        ("每个月人工抽 100 条复核", "每周人工抽 100 条复核", "number"),
        ("The report goes to 12 people daily", "The report goes to 12 people weekly", "number"),
        ("旧机器 700 美元卖给表弟", "旧机器卖给表弟，700 元", "number"),
        ("新址没有电梯", "新址十七楼有电梯", "negation"),
        ("The factor is doubled on overflow", "Halve the factor on overflow", "opposite"),
        ("组件允许空洞", "组件不允许空洞", "opposite"),
    ],
)  # fmt: skip
def test_a_slot_that_differs_is_told(claim: str, note: str, kind: str) -> None:
    assert kind in {c.kind for c in sure(claim, note)}


@pytest.mark.parametrize(
    ("claim", "note"),
    [
        ("每周人工抽 100 条复核", "每星期人工抽 100 条复核"),
        ("It runs every week", "每周运行一次"),
        ("The old machine went for 700 yuan", "旧机器卖了 700 元"),
        ("旧址没有电梯，新址有电梯", "旧址三楼，没有电梯；新址十七楼，有电梯"),
        ("不一起发中间证书，工具就会报错", "要一起发中间证书，否则工具会报错"),
        ("加了平滑，免得常见的词得到负分", "加了平滑，避免常见的词得到负分"),
        ("| UCB 表现差", "| UCB | 不能 | 差 |"),
    ],
)
def test_another_wording_is_no_conflict(claim: str, note: str) -> None:
    assert sure(claim, note) == []
