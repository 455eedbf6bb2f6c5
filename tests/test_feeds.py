from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.feeds import feed_notes, is_feed
from tests.generated import entries

LONG = (
    "倒排索引由单词词典和倒排文件组成,单词词典是由文档集合中出现过的所有单词构成的字符串集合。" * 4
)


def title_of(entry: str) -> str:
    [note] = feed_notes("f.txt", entry)
    return note.title


@given(st.lists(entries(), min_size=1, max_size=5))
def test_each_entry_is_a_line_of_its_file(rows: list[str]) -> None:
    text = "\n".join(rows)
    for note in feed_notes("dir/f.txt", text):
        assert note.text == text.split("\n")[note.first_line - 1]
        assert note.path == f"dir/f.txt#L{note.first_line}"
        assert note.file == "dir/f.txt"
        assert note.title.strip() == note.title != ""
        assert "\n" not in note.title


def test_three_long_lines_make_a_feed() -> None:
    assert is_feed("标题\n\n" + "\n".join([LONG] * 3))
    assert not is_feed("\n".join([LONG] * 2))
    assert not is_feed("\n".join(["短行"] * 40 + [LONG] * 3))
    assert not is_feed("")


def test_banner_lines_are_no_entries() -> None:
    notes = feed_notes("f.txt", "INCOMING TRANSMISSION\n\nLATEST UPDATES\n" + "\n".join([LONG] * 3))
    assert [note.path for note in notes] == ["f.txt#L4", "f.txt#L5", "f.txt#L6"]


@pytest.mark.parametrize(
    ("entry", "title"),
    [
        ("背景 随着LLM时代到来,参数量愈发庞大。全量微调的成本随之变得非常非常高,不再合算。",
         "随着LLM时代到来,参数量愈发庞大"),
        ("当前,搜索架构由三大体系构成。它们分别是数据、检索和服务,彼此之间相互独立运行。",
         "搜索架构由三大体系构成"),
        ("1. 概述 倒排索引是一种数据结构。它把词映射到文档,检索时不必扫描所有的文档内容。",
         "倒排索引是一种数据结构"),
        ("正排索引:以文档为键。倒排索引:以词为键。二者常常一起使用,各自解决不同的问题与场景。",
         "正排索引"),
        ("LoRA LoRA(Low-Rank Adaptation)冻结原权重。LoRA只训练两个矩阵,LoRA推理无延迟,很实用。",
         "LoRA"),
        ("它很省显存。用DPO训练策略,DPO不需要奖励模型,DPO比RLHF更简单,也更稳定一些,值得一试。",
         "DPO：它很省显存"),
        ("🔖 https://a.cn/b 简介 Llama 3.1 的训练分两个阶段。Llama 3.1 支持长上下文。",
         "Llama 3.1 的训练分两个阶段"),
    ],
)  # fmt: skip
def test_an_entry_is_titled_by_what_it_is_about(entry: str, title: str) -> None:
    assert title_of(entry) == title


@given(entries())
def test_a_title_is_short(entry: str) -> None:
    for note in feed_notes("f.txt", entry):
        assert len(note.title) <= 40 + 1 + 40 + 20


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ("2024-03-05 更新:", "2024-03-05"),
        ("2024年3月5日", "2024-03-05"),
        ("2024.1 论文", None),
        ("2024-02-30", None),
    ],
)
def test_an_entry_is_dated_if_the_calendar_knows_the_day(head: str, date: str | None) -> None:
    [note] = feed_notes("f.txt", f"{head} {LONG}")
    assert note.date == date


def test_the_twelve_notes_of_the_feed_have_sensible_titles(shared_dir: Path) -> None:
    text = (shared_dir / "notes-feed.txt").read_text(encoding="utf-8")
    assert is_feed(text)
    titles = [note.title for note in feed_notes("notes-feed.txt", text)]
    assert len(titles) == len(set(titles)) == 12
    subjects = ["FM", "PrefixTuning", "Adapter", "Llama 3.1", "LLaMA", "幻觉", "ANN", "美团搜索",
    "倒排索引召回",
                "正排索引", "DeepSeekV2", "DPO"]  # fmt: skip
    for title, subject in zip(titles, subjects, strict=True):
        assert subject in title
        assert len(title) <= 45
