from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.followups import HISTORY, is_elsewhere, standalone
from assistant.gathering import merge
from assistant.limits import MAX_QUESTION
from assistant.pipeline import Assistant
from assistant.retrieval import Filters
from assistant.types import Answer, Hit, Scores
from assistant.web.handlers import Asked, Page
from assistant.web.store import TurnStore
from tests.generated import texts
from tests.web.fakes import ScriptedAssistant

NOTES = {
    "gqa.md": "# GQA\n\nGQA 让一组查询头共享一组 K 和 V。\n\nGQA 用在 Llama 2 和 Mistral。\n",
    "mqa.md": "# MQA\n\nMQA 让所有查询头共享一组 K 和 V。\n\nMQA 的代价是质量有损。\n",
    "bread.md": "# 面包\n\n面包要发酵两个小时，再烤四十分钟。\n",
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    base = tmp_path_factory.mktemp("followups")
    (base / "notes").mkdir()
    for name, text in NOTES.items():
        (base / "notes" / name).write_text(text, encoding="utf-8")
    with Assistant.open(base / "notes", base / "index") as opened:
        opened.refresh()
        yield opened


@pytest.mark.parametrize(
    ("history", "question", "whole"),
    [
        # a pronoun
        (["GQA 是什么?"], "它哪些模型在用", "GQA 哪些模型在用"),
        (["GQA 是什么?"], "这种做法有什么代价", "GQA 有什么代价"),
        (["What is QLoRA?"], "Who wrote that paper?", "Who wrote the QLoRA paper?"),
        (["What is SPLADE?"], "How long can its inputs be?", "How long can SPLADE's inputs be?"),
        (["What is reciprocal rank fusion?"], "When does it hurt?",
         "When does reciprocal rank fusion hurt?"),
        # no subject
        (["FActScore 是什么"], "局限呢?", "FActScore 的局限?"),
        (["FM 谁提的?"], "哪一年", "FM 哪一年提的?"),
        (["LoRA 的 alpha 是什么"], "常见的写法是?", "LoRA 的 alpha 常见的写法是?"),
        (["FM 是什么?"], "那年份呢", "FM 的年份?"),
        (["How are hard negatives mined?"], "What is the biggest pitfall?",
         "What is the biggest pitfall (hard negatives mined)?"),
        # something else
        (["GQA 是怎么分组的?"], "那 MQA 呢?", "MQA 是怎么分组的?"),
        (["HNSW 的 ef 改了要重建索引吗"], "M 呢?", "HNSW 的 M 改了要重建索引吗"),
        (["一百万条 128 维的 HNSW 占多大内存?"], "768 维呢", "一百万条 768 维的 HNSW 占多大内存?"),
        (["什么叫内在幻觉?"], "外在的呢?", "什么叫外在幻觉?"),
        (["What is beam search?"], "what about nucleus sampling?", "What is nucleus sampling?"),
        (["什么是温度系数?"], "top-p 呢?", "什么是top-p?"),
        (["引用正确率怎么定义?"], "误拒率呢", "误拒率怎么定义?"),
        (["What does PCOC measure?"], "and LogLoss?", "What does LogLoss measure?"),
        (["How much of LLaMA's data is CommonCrawl?"], "GitHub?",
         "How much of LLaMA's data is GitHub?"),
        (["因子分解机能做召回吗?"], "FFM 呢,它复杂度多少", "FFM 复杂度多少"),
        (["What is X-Y?"], "What about ScaNN, where is that from?", "where is ScaNN from?"),
        # on from the answer
        (["RLHF 能让模型更真实吗?"], "为什么不能?", "RLHF 能让模型更真实 为什么不能?"),
        (["QLoRA 有哪三个技术?"], "第一个是什么意思?", "QLoRA 三个技术 第一个是什么意思?"),
        (["Can FM start at zero?"], "why?", "why (FM start at zero)?"),
        (["双塔和交叉编码器哪个能建索引?"], "后者有什么代价?", "交叉编码器有什么代价?"),
    ],
)  # fmt: skip
def test_a_follow_up_is_made_complete(history: list[str], question: str, whole: str) -> None:
    assert standalone(question, history) == whole


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (["GQA 是什么?"], "对了,Llama 3.1 的词表多大?"),
        (["GQA 是什么?"], "换个话题,幻觉的分类有哪些?"),
        (["GQA 是什么?"], "NF4 每块多少个权重?"),
        (["GQA 是什么?"], "MRR 是怎么定义的?"),
        (["GQA 是什么?"], "什么是幻觉?"),
        (["GQA 是什么?"], "LoRA 和其他方法的区别是什么?"),
        (["What is GQA?"], "What's the difference between GPTQ and AWQ?"),
        (["What is GQA?"], "Does teaching an LLM new facts make it hallucinate?"),
        (["What is GQA?"], "How much does it cost to check one response with SAFE?"),
        (["GQA 是什么?"], "x" * 1999),
        ([], "它呢?"),
        (["", "  "], "why?"),
        (["GQA 是什么?"], " "),
    ],
)
def test_a_complete_question_stays_as_it_is(history: list[str], question: str) -> None:
    assert standalone(question, history) == question


def test_a_chain_of_follow_ups_keeps_its_subject() -> None:
    asked = ["GQA 是怎么分组的?", "那 MQA 呢?", "它有什么代价?", "为什么?"]
    assert standalone(asked[2], asked[:2]) == "MQA 有什么代价?"
    assert standalone(asked[3], asked[:3]).startswith("MQA")


def test_a_new_topic_ends_the_old_one() -> None:
    asked = ["GQA 是什么?", "换个话题,LoRA 的初始化?", "它为什么没有推理延迟?"]
    assert standalone(asked[2], asked[:2]).startswith("LoRA")


def test_only_the_last_questions_count() -> None:
    filler = [f"BGE-M{n} 是什么?" for n in range(HISTORY)]
    assert standalone("它呢?", ["GQA 是什么?", *filler]) == standalone("它呢?", filler)


@given(texts(), st.lists(texts(), max_size=4))
def test_any_conversation_gives_some_question(question: str, history: list[str]) -> None:
    whole = standalone(question, history)
    assert whole == standalone(question, history)
    assert bool(whole.strip()) == bool(question.strip())
    assert standalone(question, []) == question


# merge ---------------------------------------------------------------------------------------


def hit(number: int, score: float) -> Hit:
    chunk: Any = SimpleNamespace(id=number)
    note: Any = SimpleNamespace(path="a.md")
    return Hit(note=note, chunk=chunk, score=score, scores=Scores())


def ids(hits: Sequence[Hit]) -> list[int]:
    return [one.chunk.id for one in hits]


def test_merged_hits_are_ordered_by_score_and_come_once() -> None:
    merged = merge([hit(1, 1.0), hit(2, 0.4)], [hit(3, 1.0), hit(1, 0.9), hit(2, 0.9)], 10)
    assert ids(merged) == [1, 3, 2]
    assert [one.score for one in merged] == [1.0, 0.5, 0.45]


def test_what_the_typed_question_finds_is_never_crowded_out() -> None:
    rewritten = [hit(n, 1.0) for n in range(20)]
    raw = [hit(100 + n, 0.9 - n / 10) for n in range(5)]
    merged = merge(rewritten, raw, 12)
    assert len(merged) == 12
    assert ids(merged)[-3:] == [100, 101, 102]


def test_a_short_list_goes_to_the_rewritten_question() -> None:
    assert ids(merge([hit(1, 1.0), hit(2, 0.9)], [hit(3, 1.0)], 2)) == [1, 2]


# the pipeline --------------------------------------------------------------------------------


def test_a_follow_up_is_searched_rewritten_and_as_typed(assistant: Assistant) -> None:
    answer = assistant.ask("那 MQA 呢?", ["GQA 是怎么共享 K 和 V 的?"])
    assert answer.question == "那 MQA 呢?"
    assert answer.searched == ("MQA 是怎么共享 K 和 V 的?", "那 MQA 呢?")
    assert answer.hits[0].note.path == "mqa.md"


def test_a_wrong_rewrite_hides_no_note(assistant: Assistant) -> None:
    searched, hits = assistant.passages("那面包发酵多久?", ["GQA 是什么?"])
    assert searched[-1] == "那面包发酵多久?"
    assert "bread.md" in {one.note.path for one in hits}


def test_without_history_nothing_changes(assistant: Assistant) -> None:
    alone, empty = assistant.ask("GQA 用在哪些模型?"), assistant.ask("GQA 用在哪些模型?", [])
    assert replace(alone, timings_ms={}) == replace(empty, timings_ms={})
    assert alone.searched == (alone.question,)
    unrelated = assistant.ask("GQA 用在哪些模型?", ["面包要烤多久?"])
    assert replace(unrelated, timings_ms={}) == replace(alone, timings_ms={})


def test_a_strange_history_does_no_harm(assistant: Assistant) -> None:
    answer = assistant.ask("为什么?", ["\ud800 GQA 是什么", "", "长" * MAX_QUESTION])
    assert answer.searched[-1] == "为什么?"
    "".join(answer.searched).encode("utf-8")


# the page ------------------------------------------------------------------------------------


class Remembering(ScriptedAssistant):
    """Notes the history it is given."""

    def stream(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        filters: Filters | None = None,
        rewrite: bool = False,
    ) -> Iterator[Answer]:
        self.given = list(history)
        return super().stream(question)


def test_the_page_passes_the_questions_of_the_conversation(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "gqa.md").write_text(NOTES["gqa.md"], encoding="utf-8")
    scripted = Remembering(tmp_path / "notes", tmp_path / "index")
    page = Page(scripted, TurnStore(tmp_path))
    session = list(page.ask("GQA 1", None))[-1].session
    assert scripted.given == []
    for number in range(2, HISTORY + 3):
        list(page.ask(f"GQA {number}", session))
    assert scripted.given == [f"GQA {n}" for n in range(2, HISTORY + 2)]
    list(page.ask(f"GQA {HISTORY + 2}", session, Asked(again=True)))
    assert scripted.given == [f"GQA {n}" for n in range(2, HISTORY + 2)]
    list(page.ask("LoRA", None))
    assert scripted.given == []


def test_a_question_of_which_no_note_holds_a_word_is_not_completed() -> None:
    held = {"efsearch", "hnsw", "内存"}
    assert is_elsewhere("怎样烤出好吃的面包？", lambda term: 0)
    assert not is_elsewhere("要多少内存，好吃吗", lambda term: int(term in held))
    assert not is_elsewhere("为什么？", lambda term: 0)


def test_a_question_that_begins_with_its_subject_stays_as_it_is() -> None:
    assert standalone("FM 有什么优势", ["FM 和 FFM 有什么区别？"]) == "FM 有什么优势"
    assert standalone("有什么优势", ["FM 和 FFM 有什么区别？"]) != "有什么优势"
