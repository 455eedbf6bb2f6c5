"""What a warm question and a warm claim cost, in units of a plain loop on the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from assistant.config import sample_notes
from assistant.pipeline import Assistant
from assistant.quantities import quantities
from assistant.words import words
from corpus.units import _units_of

QUESTIONS = (
    "BM25 的 k1 默认值是多少?", "HNSW 的 M 是什么?", "BM25 和 TF-IDF 有什么区别?",
    "LoRA 是谁提出的?",
    "什么是倒排索引?", "What does HNSW stand for?",
)  # fmt: skip
CLAIMS = (
    "HNSW 在 M=16、ef=64 时 recall@10 是 0.95。", "Poker 是美团的模型训练平台。",
    "BM25 不考虑词频。", "LoRA 训练全部参数。", "BM25 is a ranking function.",
)  # fmt: skip


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("speed") / "index"
    with Assistant.open(sample_notes(), folder) as opened:
        opened.refresh()
        yield opened


def cost(job: Callable[[], object], n: int) -> float:
    """Median processor time of a job."""
    times = []
    for _ in range(n):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return statistics.median(times)


def cost_of_each(work: Callable[[str], object], items: Sequence[str]) -> float:
    """Median over the items of their median cost, once they have been seen, in loops."""
    for item in items:
        work(item)
    loop = cost(lambda: sum(i * i for i in range(100_000)), 15)  # some 6 ms
    return statistics.median(cost(lambda x=item: work(x), 5) for item in items) / loop


def test_a_question_asked_again_reads_no_passage_again(assistant: Assistant) -> None:
    for _ in range(2):
        assistant.ask(QUESTIONS[0])
        assistant.check(CLAIMS[0])
    before = [known.cache_info().misses for known in (words, quantities, _units_of)]
    assistant.ask(QUESTIONS[0])
    assistant.check(CLAIMS[0])
    assert [known.cache_info().misses for known in (words, quantities, _units_of)] == before


def test_a_note_is_one_object_while_the_index_stays_the_same(assistant: Assistant) -> None:
    path = next(iter(assistant.index.listing())).path
    assert assistant.index.note(path) is assistant.index.note(path)


def test_a_changed_note_is_read_anew(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# 甲\n\nLoRA 的秩是 8。\n", encoding="utf-8")
    with Assistant.open(notes, tmp_path / "index") as opened:
        opened.refresh()
        assert "8" in opened.index.note("a.md").text
        (notes / "a.md").write_text("# 甲\n\nLoRA 的秩是 16,不是别的。\n", encoding="utf-8")
        opened.refresh()
        assert "16" in opened.index.note("a.md").text


@pytest.mark.slow
def test_a_warm_question_costs_a_few_loops(assistant: Assistant) -> None:
    # 11.7 loops before, 4.4 after the work of 2026-11-24 (eval/LOG.md)
    assert cost_of_each(assistant.ask, QUESTIONS) < 8


@pytest.mark.slow
def test_a_warm_claim_costs_a_few_loops(assistant: Assistant) -> None:
    # 5.6 loops before, 3.2 after
    assert cost_of_each(assistant.check, CLAIMS) < 5
