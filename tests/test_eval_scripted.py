from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from assistant.cli import main
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


def test_the_suite_measures_what_becomes_of_planted_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openai")
    out = tmp_path / "run.json"
    assert main(["eval", "scripted", "sample", "--limit", "1", "--out", str(out), "--misses"]) == 0
    assert "planted sentences flagged" in capsys.readouterr().out
    run = json.loads(out.read_text("utf-8"))
    assert run["questions"] == 1
    assert {item["kind"] for item in run["items"]} <= set(FAULTS)
    assert run["n"] == len(run["items"]) == len({item["id"] for item in run["items"]}) > 0
    assert run["metrics"]["invented markers removed"][0] == 1.0


def test_faults_are_planted_in_a_set_with_gold_spans_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"question": "谁？"}\n', "utf-8")
    assert main(["eval", "scripted", str(mine)]) == 2
    assert "gold spans" in capsys.readouterr().err
