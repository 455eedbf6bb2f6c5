from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.pipeline import Assistant
from corpus.errors import ConfigError

NOTES = {
    "ml/lora.md": (
        "---\ntags: [ml/peft]\ndate: 2023-06-02\naliases: [低秩适配]\n---\n# LoRA\n\n"
        "LoRA 把秩 r 默认设为 8。LoRA 冻结预训练权重，只训练低秩矩阵。\n"
    ),
    "ml/qlora.md": (
        "---\ntags: [ml/quant]\ndate: 2024-05-31\n---\n# QLoRA\n\n"
        "QLoRA 把秩 r 默认设为 64。QLoRA 用 4 比特量化的权重训练 LoRA。\n"
    ),
    "bat.md": "# 蝙蝠\n\n蝙蝠靠回声定位，一秒叫两百次。\n",
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("scope")
    for path, text in NOTES.items():
        file = folder / "notes" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with Assistant.open(folder / "notes", folder / "index") as opened:
        opened.refresh()
        yield opened


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ('"秩 r 默认设为 64"', {"ml/qlora.md"}),
        ("“秩 r 默认” since:2024", {"ml/qlora.md"}),
        ("「回聲定位」", {"bat.md"}),
        ("[[低秩适配]] 权重", {"ml/lora.md"}),
        ("[[qlora]] [[bat]] 训练 回声", {"ml/qlora.md", "bat.md"}),
        ("权重 #ml", {"ml/lora.md", "ml/qlora.md"}),
        ("权重 #ml/quant", {"ml/qlora.md"}),
        ("权重 path:ml until:2023", {"ml/lora.md"}),
        ("#ml/peft", {"ml/lora.md"}),
        ("date:2024-05", {"ml/qlora.md"}),
        ('"权重 冻结"', set()),
        ("权重 #nothing", set()),
        ("权重 [[nothing]]", set()),
    ],
)
def test_find_holds_to_the_operators(assistant: Assistant, query: str, notes: set[str]) -> None:
    hits = assistant.find(query)
    assert {hit.note.path for hit in hits} == notes
    assert bool(assistant.notices(query, hits)) != bool(hits)


def test_a_query_of_filters_alone_lists_the_latest_note_first(assistant: Assistant) -> None:
    assert [hit.note.path for hit in assistant.find("path:ml")] == ["ml/qlora.md", "ml/lora.md"]
    assert len(assistant.find("path:ml", k=1)) == 1


def test_find_names_the_operator_that_lets_nothing_through(assistant: Assistant) -> None:
    assert assistant.notices("权重 #nothing path:ml", []) == ("没有笔记符合 #nothing",)
    assert assistant.notices('"no such words"', []) == (
        "no passage holds “no such words” to the letter",
    )
    assert assistant.notices("“权重” [[bat]]", []) == ("没有段落同时符合所有条件",)
    assert assistant.notices("权重", []) == ()


def test_find_says_where_no_note_holds_a_word_of_the_query(assistant: Assistant) -> None:
    for query in ("qwzx vbnm", "囧囹圄", "qwzx #ml"):
        hits = assistant.find(query)
        assert hits, query
        assert not any(hit.scores.bm25 for hit in hits)
        (notice,) = assistant.notices(query, hits)
        assert notice.startswith("笔记里没有" if query == "囧囹圄" else "no note holds a word")
    for query in ("权重", "qwzx 权重", "weights qwzx", "#ml", "[[LoRA]]"):  # one word is enough
        hits = assistant.find(query)
        assert hits, query
        assert assistant.notices(query, hits) == ()


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ("[[LoRA]] 的秩默认是多少?", "ml/lora.md"),
        ("[[qlora]] 的秩默认是多少?", "ml/qlora.md"),
        ("秩默认设为多少? #ml/quant", "ml/qlora.md"),
        ("until:2023 秩默认设为多少?", "ml/lora.md"),
    ],
)
def test_ask_answers_from_the_notes_that_the_question_names(
    assistant: Assistant, question: str, note: str
) -> None:
    answer = assistant.ask(question)
    assert not answer.abstained
    assert {c.note for c in answer.citations} == {note}
    assert answer.question == question
    assert answer.notices == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("“QLoRA 的默认秩”是多少?", "没有段落原样写着“QLoRA 的默认秩”"),
        ("[[不存在]] QLoRA 的秩默认设为多少?", "没有笔记符合 [[不存在]]"),
        ("QLoRA 的秩默认设为多少? #不存在", "没有笔记符合 #不存在"),
    ],
)
def test_ask_says_what_no_note_holds_and_answers_all_the_same(
    assistant: Assistant, question: str, said: str
) -> None:
    answer = assistant.ask(question)
    assert not answer.abstained
    assert answer.citations[0].note == "ml/qlora.md"
    assert answer.notices == (said,)


def test_ask_abstains_where_no_note_passes_and_says_why(assistant: Assistant) -> None:
    answer = assistant.ask("path:empty/ LoRA 的秩默认设为多少?")
    assert answer.abstained
    assert "没有笔记符合 path:empty/" in (answer.reason or "")


def test_a_quoted_phrase_puts_the_passages_that_hold_it_first(assistant: Assistant) -> None:
    words = "用 4 比特量化的 QLoRA 和{}"
    plain = assistant.passages(words.format("低秩矩阵"))[1]
    quoted = assistant.passages(words.format("“低秩矩阵”"))[1]
    assert plain[0].note.path == "ml/qlora.md"
    assert [hit.note.path for hit in quoted[:2]] == ["ml/lora.md", "ml/qlora.md"]


def test_a_follow_up_is_completed_from_the_words_of_an_earlier_question(
    assistant: Assistant,
) -> None:
    searched, _ = assistant.passages("那 QLoRA 呢?", ["[[LoRA]] 的秩默认是多少?"])
    assert "[[" not in "".join(searched)
    assert searched[0] == "QLoRA 的秩默认是多少?"


@pytest.mark.parametrize("words", ["since:2024-13 秩", "date:2023-02-30 秩"])
def test_a_date_that_is_none_is_told(assistant: Assistant, words: str) -> None:
    with pytest.raises(ConfigError, match="write a date"):
        assistant.find(words)
    with pytest.raises(ConfigError, match="write a date"):
        assistant.ask(words)


def test_an_answer_names_what_of_the_question_no_note_holds(assistant: Assistant) -> None:
    answer = assistant.ask("LoRA 和 ZebraTune 的秩默认设为多少?")
    assert not answer.abstained
    assert answer.notices == ("笔记没有提到：ZebraTune",)
    assert assistant.ask("LoRA 的秩默认设为多少?").notices == ()


def test_what_stands_under_the_opposite_is_no_answer(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "fm.md").write_text(
        "# FM\n\n优势:\n\n- 稀疏场景下也能学到特征\n- 线性时间复杂度\n\n"
        "不足:\n\n- FM 只有二阶交叉,没有 FM 的高阶特征\n",
        encoding="utf-8",
    )
    with Assistant.open(notes, tmp_path / "index") as opened:
        opened.refresh()
        shown = opened.ask("FM 有什么优势?").text
        assert "线性时间复杂度" in shown
        assert "二阶交叉" not in shown
        assert "二阶交叉" in opened.ask("FM 有哪些不足?").text
        both = opened.ask("FM 的优势和不足?").text
        assert "线性时间复杂度" in both
        assert "二阶交叉" in both
