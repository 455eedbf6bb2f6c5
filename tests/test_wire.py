"""Answers, hits and checked texts as JSON and as a terminal shows them, made from values alone."""

from __future__ import annotations

import json
from dataclasses import replace

from assistant.types import (
    Answer,
    Checked,
    Citation,
    Claim,
    Disagreement,
    Evidence,
    Hit,
    Scores,
    Verdict,
)
from assistant.wire import answer_object, checked_object, found_object
from corpus.types import Chunk, Note

TEXT = "# LoRA\n\nLoRA 的秩取 8。\n"
NOTE = Note(
    path="a.md", title="LoRA", text=TEXT, sha256="", file="a.md", date="2024-05-01", tags=("ml",)
)
START, END = TEXT.index("LoRA 的"), len(TEXT) - 1
HIT = Hit(
    note=NOTE,
    chunk=Chunk(id=3, note="a.md", start=START, end=END, heading=("LoRA",), line=3),
    score=0.123456,
    scores=Scores(bm25=1.23456, cosine=0.5, rrf=None),
)
CITATION = Citation(
    marker=1, note="a.md", title="LoRA", heading=("LoRA",), start=START, end=END, line=3,
    quote=TEXT[START:END], date="2024-05-01",
)  # fmt: skip
EVIDENCE = Evidence(
    note="a.md", title="LoRA", start=START, end=END, line=3, quote=TEXT[START:END],
    date="2024-05-01",
)  # fmt: skip
CLAIM = Claim(
    text="LoRA 的秩取 8。", start=0, end=11, verdict=Verdict.SUPPORTED, score=0.99, citations=(1,),
    evidence=EVIDENCE, reason="与笔记原文一致",
)  # fmt: skip
OTHER = replace(CLAIM, verdict=Verdict.CONTRADICTED, evidence=None, citations=(), reason="数字不同")
ANSWER = Answer(
    question="LoRA 的秩是多少？", searched=("LoRA 的秩是多少？",), text="LoRA 的秩取 8。 [1]",
    abstained=False, reason=None, generator="extractive", citations=(CITATION,), claims=(CLAIM,),
    notes_disagree=(Disagreement(claim_a=CLAIM, claim_b=OTHER),), hits=(HIT,),
    timings_ms={"total": 1.5},
)  # fmt: skip

CLAIM_OBJECT = {
    "text": "LoRA 的秩取 8。", "start": 0, "end": 11, "verdict": "supported", "score": 0.99,
    "citations": [1],
    "evidence": {"note": "a.md", "start": START, "end": END, "line": 3, "quote": "LoRA 的秩取 8。"},
    "reason": "与笔记原文一致",
}  # fmt: skip


def test_an_answer_has_the_fields_of_the_contract() -> None:
    assert answer_object(ANSWER) == {
        "question": "LoRA 的秩是多少？",
        "searched": ["LoRA 的秩是多少？"],
        "answer": "LoRA 的秩取 8。 [1]",
        "abstained": False,
        "reason": None,
        "generator": "extractive",
        "citations": [
            {
                "marker": 1, "note": "a.md", "title": "LoRA", "heading": ["LoRA"], "start": START,
                "end": END, "line": 3, "quote": "LoRA 的秩取 8。",
            }
        ],
        "claims": [CLAIM_OBJECT],
        "notes_disagree": [
            {
                "claim_a": {**CLAIM_OBJECT, "date": "2024-05-01"},
                "claim_b": {
                    **CLAIM_OBJECT, "verdict": "contradicted", "evidence": None, "citations": [],
                    "reason": "数字不同", "date": None,
                },
            }
        ],
        "timings_ms": {"total": 1.5},
    }  # fmt: skip


def test_hits_have_the_fields_of_the_contract() -> None:
    assert found_object("秩", [HIT]) == {
        "query": "秩",
        "hits": [
            {
                "note": "a.md", "title": "LoRA", "heading": ["LoRA"], "start": START, "end": END,
                "line": 3, "text": "LoRA 的秩取 8。", "date": "2024-05-01", "tags": ["ml"],
                "score": 0.1235,
                "scores": {"bm25": 1.2346, "cosine": 0.5, "rrf": None, "rerank": None},
            }
        ],
    }  # fmt: skip


def test_a_checked_text_has_the_fields_of_the_contract() -> None:
    checked = Checked(text="LoRA 的秩取 8。", claims=(CLAIM,))
    assert checked_object(checked) == {"text": "LoRA 的秩取 8。", "claims": [CLAIM_OBJECT]}


def test_all_objects_are_json() -> None:
    checked = checked_object(Checked(text="x", claims=()))
    for value in (answer_object(ANSWER), found_object("秩", [HIT]), checked):
        assert json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False)) == value
