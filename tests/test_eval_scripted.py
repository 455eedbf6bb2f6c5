from __future__ import annotations

import random

import pytest

from eval.scripted import FAULTS, _fault, _written

TRUE = "HNSW 的 M 取 16 时 recall 是 0.93。"
NAMES = ["HNSW", "BM25", "LoRA"]


@pytest.mark.parametrize("seed", range(8))
def test_a_fault_changes_what_it_is_named_for_and_nothing_else(seed: int) -> None:
    choice = random.Random(seed)
    number = _fault("number", TRUE, choice, NAMES)
    assert number in {
        TRUE.replace("16", "50"), TRUE.replace("0.93", "4.79"),
    }  # fmt: skip
    entity = _fault("entity", TRUE, choice, NAMES)
    assert entity in {TRUE.replace("HNSW", "BM25"), TRUE.replace("HNSW", "LoRA")}
    outside = _fault("outside", TRUE, choice, NAMES)
    assert outside
    assert "HNSW" not in outside


def test_a_fault_that_cannot_be_made_is_left_out() -> None:
    assert _fault("number", "没有数字的一句话。", random.Random(0), NAMES) is None
    assert _fault("entity", "没有名字的一句话。", random.Random(0), NAMES) is None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reply_holds_the_true_sentence_and_one_fault(fault: str) -> None:
    false = _fault(fault, TRUE, random.Random(1), NAMES) or ""
    planted = _written(fault, TRUE, false, "1bcd", "2fgh")
    assert planted.reply.startswith(TRUE)
    assert ("[1bcd]" in planted.reply) is (fault in ("number", "entity", "outside"))
    assert ("[2fgh]" in planted.reply) is (fault == "wrong marker")
    assert ("zzz" in planted.reply) is (fault == "invented marker")
