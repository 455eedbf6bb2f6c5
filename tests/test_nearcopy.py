"""Copies of a sentence: what may be added or left out, and what changes what is said."""

from __future__ import annotations

import pytest

from assistant.nearcopy import alteration

PORT = "字段编号 1 到 15 只占一个字节，留给常用字段。"
TESTS = "提示词进 git，每次改动跑 200 条回归。"
BEAM = "束宽常取 4 或 5，再宽译文反而变短。"
HYDE = "HyDE(Gao 等, 2022, arXiv:2212.10496):先让模型写一篇假想答案,用它的向量去检索。"
CHAIN = "服务器必须把中间证书一起发，否则命令行工具会报错。"
RATE = "我的测试里，前 5 命中率从 71% 升到 79%，重叠设为 60。"


@pytest.mark.parametrize(
    ("claim", "text", "around"),
    [
        ("gRPC 的字段编号 1 到 15 只占一个字节，应当留给常用字段。", PORT, "接口 gRPC"),
        ("提示词进 git，每次改动都跑 200 条回归。", TESTS, ""),
        ("束宽一般取 4 或 5，再宽的话译文反而变短。", BEAM, ""),
        ("HyDE 先让模型写一篇假想答案，用它的向量去检索。", HYDE, ""),
        ("服务器要把中间证书一起发，否则命令行工具会报错。", CHAIN, ""),
        ("测试里前 5 命中率升到 79%，重叠设为 60。", RATE, ""),
    ],
)
def test_what_adds_nothing_is_no_alteration(claim: str, text: str, around: str) -> None:
    assert alteration(claim, text, around) == ""


@pytest.mark.parametrize(
    ("claim", "text", "around"),
    [
        ("GraphQL 的字段编号 1 到 15 只占一个字节，留给常用字段。", PORT, "接口 gRPC"),
        ("提示词进 git，每次改动跑 20 条回归。", TESTS, ""),
        ("束宽常取 4 或 5，再宽译文反而变长。", BEAM, ""),
        ("HyDE 先让模型写一篇真实答案，用它的向量去检索。", HYDE, ""),
        ("服务器不必把中间证书一起发，否则命令行工具会报错。", CHAIN, ""),
        ("测试里前 5 命中率升到 71%，重叠设为 60。", RATE, ""),
    ],
)
def test_what_says_another_thing_is_one(claim: str, text: str, around: str) -> None:
    assert alteration(claim, text, around)
