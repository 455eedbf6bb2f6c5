from __future__ import annotations

from dataclasses import replace

from assistant.answering import Selection
from assistant.claims import claims_of
from assistant.composing import abstention, compose, unanswered
from assistant.extracts import Extract
from assistant.types import Hit, Scores
from corpus.notes import notes_from_text
from corpus.types import Chunk, Note
from corpus.units import units

TEXT = """# LoRA

LoRA 冻结预训练权重。秩通常取 8。

优点：

- 参数少
- 没有延迟

| 模型 | 参数量 |
|---|---|
| LLaMA | 7B |
| GPT-3 | 175B |

```python
rank = 8
```
"""


def note_of(path: str, text: str = TEXT) -> Note:
    return notes_from_text(path, text)[0]


def extract(note: Note, words: str, *, is_item: bool = False) -> Extract:
    """The unit of a note that begins with these words."""
    chunk = Chunk(id=1, note=note.path, start=0, end=len(note.text))
    hit = Hit(note=note, chunk=chunk, score=1.0, scores=Scores())
    unit = next(u for u in units(note, 0, len(note.text)) if note.text.startswith(words, u.start))
    return Extract(hit=hit, unit=unit, score=0.9, is_item=is_item)


def composed(*extracts: Extract) -> str:
    """The text of an answer, its citations proved."""
    text, citations = compose(Selection(extracts=extracts, confidence=0.9))
    assert [c.marker for c in citations] == list(range(1, len(extracts) + 1))
    for citation, chosen in zip(citations, extracts, strict=True):
        note = chosen.hit.note
        assert (citation.note, citation.title) == (note.path, note.title)
        assert note.text[citation.start : citation.end] == citation.quote
        assert citation.quote in text
        assert f"[{citation.marker}]" in text
        assert citation.line == 1 + note.text.count("\n", 0, citation.start)
    return text


NOTE = note_of("a.md")


def test_sentences_are_paragraphs_with_their_marker() -> None:
    text = composed(extract(NOTE, "LoRA 冻结"), extract(NOTE, "秩通常"))
    assert text == "LoRA 冻结预训练权重。 [1]\n\n秩通常取 8。 [2]"


def test_a_list_stands_once_under_its_stem() -> None:
    text = composed(extract(NOTE, "参数少", is_item=True), extract(NOTE, "没有延迟", is_item=True))
    assert text == "优点：\n\n- 参数少 [1]\n- 没有延迟 [2]"


def test_items_stand_below_the_item_that_is_shown_above_them() -> None:
    note = note_of("c.md", "- 油猴；\n  - 运行脚本\n  - 免费\n- 广告屏蔽\n")
    under, free = extract(note, "运行脚本", is_item=True), extract(note, "免费", is_item=True)
    text = composed(extract(note, "油猴", is_item=True), under, free, extract(note, "广告"))
    assert text == "- 油猴； [1]\n  - 运行脚本 [2]\n  - 免费 [3]\n- 广告屏蔽 [4]"
    assert [claim.markers for claim in claims_of(text)] == [(1,), (2,), (4,)]  # 免费 is none
    assert composed(under, free) == "油猴：\n\n- 运行脚本 [1]\n- 免费 [2]"


def test_rows_stand_under_their_header_and_code_in_its_fence() -> None:
    text = composed(extract(NOTE, "| LLaMA"), extract(NOTE, "```python"))
    assert text.startswith("| 模型 | 参数量 |\n|---|---|\n| LLaMA | 7B |")
    assert text.endswith("```python\nrank = 8\n```\n\n[2]")


def test_every_claim_of_an_answer_finds_its_marker_again() -> None:
    chosen = [extract(NOTE, words) for words in ("LoRA 冻结", "参数少", "| LLaMA", "```python")]
    text = composed(*chosen)
    assert [claim.markers for claim in claims_of(text)] == [(1,), (2,), (3,), (4,)]


def test_several_notes_are_told_apart_by_their_titles() -> None:
    other = note_of("b.md", "# HNSW\n\nHNSW 是图索引。\n")
    text = composed(extract(NOTE, "LoRA 冻结"), extract(other, "HNSW 是"))
    assert text.split("\n\n") == [
        "**LoRA**", "LoRA 冻结预训练权重。 [1]", "**HNSW**", "HNSW 是图索引。 [2]",
    ]  # fmt: skip


def test_an_abstention_names_what_is_missing_and_the_nearest_notes() -> None:
    hits = [extract(NOTE, "LoRA 冻结").hit] * 2
    missing = Selection(extracts=(), confidence=0.1, missing=("价格", "GPT-9"))
    text, reason = abstention("价格多少？", missing, hits)
    assert text == "笔记里没有找到答案。最接近的笔记：《LoRA》。"
    assert reason == "笔记没有提到：价格、GPT-9"
    text, reason = abstention("What price?", missing, hits)
    assert text == "Your notes do not answer this. Nearest notes: “LoRA”."
    assert reason == "the notes do not mention: 价格, GPT-9"


def test_an_answer_that_is_not_certain_names_what_it_does_not_speak_of() -> None:
    shown = Selection(
        extracts=(extract(NOTE, "LoRA 冻结"),), confidence=0.5, missing=("价格", "GPT-9")
    )
    assert unanswered("价格多少？", shown) == ("不太确定：所引的句子没有直接说到“价格、GPT-9”",)
    said = unanswered("What price?", shown)
    assert said == ("not certain: the sentences quoted do not speak of: 价格, GPT-9",)
    assert unanswered("价格多少？", replace(shown, confidence=0.9)) == ()
    assert unanswered("价格多少？", replace(shown, missing=())) == ()
    assert unanswered("价格多少？", replace(shown, extracts=())) == ()  # its reason says it
    assert unanswered("价格？", replace(shown, unknown=("GPT-9",))) == ("笔记没有提到：GPT-9",)


def test_an_abstention_does_not_deny_what_notes_say_elsewhere() -> None:
    hits = [extract(NOTE, "LoRA 冻结").hit]
    missing = Selection(extracts=(), confidence=0.1, missing=("价格",), is_scattered=True)
    assert abstention("价格多少？", missing, hits)[1] == "笔记别处提到过价格，但没有回答这个问题"
    reason = abstention("What price?", missing, hits)[1]
    assert reason == "the notes speak of 价格 elsewhere, but do not answer this"


def test_an_abstention_without_hits_says_so() -> None:
    empty = Selection(extracts=(), confidence=0.0)
    assert abstention("价格？", empty, [])[1] == "笔记里没有相关内容"
    assert abstention("price?", empty, [])[1] == "nothing in the notes is about this"
    assert claims_of(abstention("价格？", empty, [])[0]) == []


def test_an_item_with_a_number_of_its_own_has_no_second_mark() -> None:
    note = note_of("feed.md", "# 索引\n\n1.取得关键词\n\n2）建立索引\n\n3.14 是圆周率\n")
    text, (cited, _, pi) = compose(
        Selection(
            extracts=tuple(
                extract(note, words, is_item=True) for words in ("1.取得", "2）建立", "3.14")
            ),
            confidence=0.9,
        )
    )
    assert "1. 取得关键词 [1]" in text
    assert "- 1" not in text
    assert (cited.quote, note.text[cited.start : cited.end]) == ("取得关键词", "取得关键词")
    assert pi.quote == "3.14 是圆周率"
    assert "- 3.14 是圆周率 [3]" in text
