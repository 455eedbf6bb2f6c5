"""Figures that a note gives for another thing than a claim does."""

from __future__ import annotations

import pytest

from assistant.misplaced import misplaced

FLOATS = "E4M3 的最大值是 448,E5M2 的最大值是 57,344。"
PAPERS = (
    "- BGE 来自 C-Pack(Xiao 等, 2023, arXiv:2309.07597)。\n"
    "- BGE-M3 来自 Chen 等, 2024, arXiv:2402.03216。"
)
LEVELS = "100 万个节点的索引里,第 1 层约有 62,500 个节点,第 2 层约 3,906 个。"
HEAD = "检索笔记\n重测\n| ef | M=8 | M=16 | M=32 |\n| --- | --- | --- | --- |"
ROW = "| 16 | 0.723 | 0.910 | 0.947 |"
MODELS = "| K7 | 1850 元 | 310 克 |\n| M3 | 2300 元 | 265 克 |"


@pytest.mark.parametrize(
    ("claim", "note", "context", "noted"),
    [
        ("E4M3 能表示的最大值是 57,344。", FLOATS, "", "448"),
        ("E5M2 的最大值只有 448。", FLOATS, "", "57,344"),
        ("BGE-M3 的论文编号是 arXiv:2309.07597。", PAPERS, "", "2402.03216"),
        ("第 2 层上有 62,500 个节点。", LEVELS, "", "3,906 个"),
        ("M=8、ef=16 时是 0.910。", ROW, HEAD, "0.723"),
        ("M3 重 310 克。", MODELS, "", "265 克"),
    ],
)
def test_a_figure_of_another_thing_is_told(claim: str, note: str, context: str, noted: str) -> None:
    found = misplaced(claim, note, context)
    assert [c.noted for c in found] == [noted]
    assert found[0].kind == "number"


@pytest.mark.parametrize(
    ("claim", "note", "context"),
    [
        ("E4M3 能表示的最大值是 448。", FLOATS, ""),
        ("最大值有 448 和 57,344 两种。", FLOATS, ""),
        ("BGE-M3 的论文编号是 arXiv:2402.03216。", PAPERS, ""),
        ("第 1 层上有 62,500 个节点。", LEVELS, ""),
        ("M=16、ef=16 时是 0.910。", ROW, HEAD),
        ("M3 重 265 克，K7 重 310 克。", MODELS, ""),
        ("从 M=8 到 M=32，数值从 0.723 升到 0.947。", ROW, HEAD),
        ("ef 提到 160 后 p99 是 2.7 毫秒。", "ef 提到 160 之后,p99 从 1.3 ms 变成 2.7 ms。", ""),
        ("GPT-3 有 175B 参数。", "InstructGPT 有 1.3B 参数,GPT-3 有 175B 参数。", ""),
    ],
)
def test_a_figure_of_the_same_thing_is_none(claim: str, note: str, context: str) -> None:
    assert misplaced(claim, note, context) == []
