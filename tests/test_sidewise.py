"""Comparisons of two things that the notes describe apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.aspects import aspect_of
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
    assert text.index("分两步") < text.index("写进内存里") < text.index("后台线程落盘")
    assert text.index("后台线程落盘") < text.index("Osprey 只有一步")


@pytest.mark.parametrize(
    ("text", "heading", "aspect"),
    [
        ("- **显存**：16 GB", "", "memory"),
        ("Latency: 3 ms a token", "", "speed"),
        ("冻结原有权重，只训练两个小矩阵。", "2. 原理", "principle"),
        ("优点：快", "", "strength"),
        ("显存不够时先减小批量。", "", ""),
        ("数据库：MySQL", "", ""),
        ("https://example.org", "", ""),
    ],
)
def test_an_aspect_is_told_by_a_label_or_a_heading(text: str, heading: str, aspect: str) -> None:
    assert aspect_of(text, heading) == aspect


def _told(tmp_path: Path, heron: str, osprey: str) -> str:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "heron.md").write_text(f"# Heron 缓存\n\n{heron}\n", "utf-8")
    (notes / "osprey.md").write_text(f"# Osprey 缓存\n\n{osprey}\n", "utf-8")
    (notes / "kite.md").write_text("# 值班\n\n值班表每周一更新。\n", "utf-8")
    with Assistant.open(notes, tmp_path / "index") as opened:
        opened.refresh()
        return opened.ask("Heron 和 Osprey 有什么区别？").text


_HERON = "Heron 是一种写回式缓存，数据先写内存，之后再落盘。"
_OSPREY = "断电也不会丢数据，适合账务。\n\nOsprey 是一种写穿式缓存，每次写入同时写内存和磁盘。"


def test_the_same_aspect_of_both_sides_stands_side_by_side(tmp_path: Path) -> None:
    text = _told(
        tmp_path,
        f"{_HERON}\n\n- **内存**：占用 2 GB\n- **延迟**：写入只要 1 毫秒",
        f"{_OSPREY}\n\n- 延迟：写入要 9 毫秒\n- 内存：占用 1 GB",
    )
    places = [text.index(w) for w in ("写回式", "写穿式", "2 GB", "1 GB", "1 毫秒", "9 毫秒")]
    assert places == sorted(places)
    assert "**Heron · 内存**" in text


def test_an_aspect_that_one_side_lacks_is_not_set_against_another(tmp_path: Path) -> None:
    text = _told(
        tmp_path, f"{_HERON}\n\n- **内存**：占用 2 GB", f"{_OSPREY}\n\n- 延迟：写入要 9 毫秒"
    )
    assert "·" not in text
    assert text.index("**Heron**") < text.index("写回式") < text.index("**Osprey**")
    assert text.index("**Osprey**") < text.index(
        "写穿式"
    )  # what it is, though another line is first


def test_the_whole_list_of_a_side_is_shown(tmp_path: Path) -> None:
    steps = "\n".join(f"- {step}" for step in ("收集偏好数据", "训练打分模型", "强化学习微调"))
    text = _told(tmp_path, f"Heron 的流程分三个阶段：\n\n{steps}", _OSPREY)
    assert all(step in text for step in ("收集偏好数据", "训练打分模型", "强化学习微调"))
