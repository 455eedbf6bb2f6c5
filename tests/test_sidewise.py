"""Comparisons of two things that the notes describe apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.pipeline import Assistant
from assistant.sides import Sides, compares, names, sides_of
from assistant.types import Verdict


@pytest.mark.parametrize(
    ("question", "first", "second", "aspect"),
    [
        ("DPO 和 RLHF 有什么不同", "DPO", "RLHF", ""),
        ("内在幻觉和外在幻觉的区别", "内在幻觉", "外在幻觉", ""),
        ("正排索引与倒排索引相比如何", "正排索引", "倒排索引", ""),
        ("Encoder 和 Decoder 各自的作用有什么不同", "Encoder", "Decoder", "作用"),
        ("LoRA 和 Adapter 在推理延迟方面有什么区别？", "LoRA", "Adapter", "推理延迟"),
        ("beam search 和贪心搜索哪个更好", "beam search", "贪心搜索", ""),
        ("NVMe 和共享文件系统哪个快", "NVMe", "共享文件系统", "快"),
        ("What is the difference between NVLink and InfiniBand?", "NVLink", "InfiniBand", ""),
        ("Compare DDP and FSDP in terms of memory", "DDP", "FSDP", "memory"),
        ("How do LSTM and GRU differ?", "LSTM", "GRU", ""),
        ("TF32 vs fp32", "TF32", "fp32", ""),
    ],
)
def test_both_sides_and_the_aspect_are_told_apart(
    question: str, first: str, second: str, aspect: str
) -> None:
    assert sides_of(question) == Sides(first=first, second=second, aspect=aspect)


@pytest.mark.parametrize(
    "question",
    [
        "什么是 DPO？",
        "DPO 和 RLHF 是谁提出的？",
        "Prompt Tuning、P-tuning、P-tuning v2 有什么区别?",
        "How many tokens was Llama 3.1 trained on?",
        "HNSW 的 M、efConstruction、ef 分别是什么意思?",
    ],
)
def test_a_question_that_compares_no_two_things_has_no_sides(question: str) -> None:
    assert sides_of(question) is None


def test_a_thing_is_named_by_all_its_words() -> None:
    assert names("倒排索引", "倒排索引由单词词典和倒排文件组成")
    assert not names("tensor parallelism", "Pipeline parallelism splits the layers.")


def test_what_only_lists_two_things_does_not_compare_them() -> None:
    assert compares("FFM 相比于 FM 的计算时间复杂度更高")
    assert not compares("本文梳理从 MHA、MQA 到 MLA 的历程")
    assert not compares("units that compute directly rather than using GPUs")


@pytest.fixture
def zoo(tmp_path: Path) -> Assistant:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "heron.md").write_text(
        "# Heron 缓存\n\n这是一种写回式缓存，数据先写内存，之后再落盘。\n\n断电会丢数据。\n",
        "utf-8",
    )
    (notes / "osprey.md").write_text(
        "# Osprey 缓存\n\n这是一种写穿式缓存，每次写入同时写内存和磁盘。\n\n写入延迟较大。\n",
        "utf-8",
    )
    (notes / "kite.md").write_text("# 值班\n\n值班表每周一更新。\n", "utf-8")
    return Assistant.open(notes, tmp_path / "index")


def test_each_side_stands_under_its_heading(zoo: Assistant) -> None:
    with zoo:
        zoo.refresh()
        answer = zoo.ask("Heron 和 Osprey 有什么区别？")
    assert not answer.abstained
    first, second = answer.text.index("**Heron**"), answer.text.index("**Osprey**")
    assert first < answer.text.index("写回式缓存") < second < answer.text.index("写穿式缓存")
    assert {c.note for c in answer.citations} == {"heron.md", "osprey.md"}
    assert {claim.verdict for claim in answer.claims} == {Verdict.SUPPORTED}


def test_a_side_without_a_note_is_named(zoo: Assistant) -> None:
    with zoo:
        zoo.refresh()
        answer = zoo.ask("Heron 和 Marabou 有什么区别？")
    assert answer.abstained or any("Marabou" in notice for notice in answer.notices)


def test_items_that_do_not_name_their_side_stand_under_the_line_that_does(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "caches.md").write_text(
        "# 缓存\n\nHeron 的写入分两步：\n\n- 先把数据写进内存里\n- 之后由后台线程落盘\n\n"
        "Osprey 只有一步，每次写入同时写内存和磁盘。\n",
        "utf-8",
    )
    with Assistant.open(notes, tmp_path / "index") as zoo:
        zoo.refresh()
        text = zoo.ask("Heron 和 Osprey 有什么区别？").text
    assert text.index("**Heron**") < text.index("分两步") < text.index("后台线程落盘")
    assert text.index("后台线程落盘") < text.index("**Osprey**") < text.index("只有一步")
