"""Which passage a verdict is shown by, and what keeps a claim from being supported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.pipeline import Assistant
from assistant.polarity import is_partial_denial_unmet
from assistant.types import Verdict
from tests.example_vaults import asked_notes, judged

NOTES = {
    "index.md": (
        "# 索引笔记\n\nHNSW 是一种图索引，由 Malkov 在 2016 年提出。\n\n"
        "每个向量的图结构占用 256 字节。\n"
    ),
    "bench.md": (
        "# 压测\n\n在 M=16、ef=64 的设置下，召回率是 0.93。\n\n"
        "ef 从 64 加到 128，召回率只涨 4 个点，延迟接近翻倍。\n"
    ),
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with asked_notes(NOTES, tmp_path_factory.mktemp("vault")) as made:
        yield made


@pytest.mark.parametrize(
    "claim",
    [
        "HNSW 由 Malkov 在 2016 年提出，它的作者住在杭州。",
        "每个向量的图结构占用 256 字节，磁盘上另外压缩存放一份。",
    ],
)
def test_a_clause_of_which_the_notes_know_nothing_is_not_supported(
    assistant: Assistant, claim: str
) -> None:
    assert judged(assistant, claim).verdict is not Verdict.SUPPORTED
    plain = claim.split("，")[0] + "。"
    assert judged(assistant, plain).verdict is Verdict.SUPPORTED


def test_what_speaks_most_of_a_claim_is_shown_against_it(assistant: Assistant) -> None:
    found = judged(assistant, "在 M=16、ef=64 的设置下，召回率是 0.95。")
    assert found.verdict is Verdict.CONTRADICTED
    assert found.evidence is not None
    assert "0.93" in found.evidence.quote
    assert "0.93" in found.reason


@pytest.mark.parametrize(
    ("claim", "passage", "unmet"),
    [
        ("不是所有权重都重要", "只有约 1% 的权重重要", True),
        ("不是所有权重都重要", "所有权重都重要", False),
        ("Not all heads are used", "Some heads are used", True),
        ("Not all heads are used", "Every head is used", False),
        ("所有权重都重要", "只有约 1% 的权重重要", False),
    ],
)
def test_only_what_holds_of_all_contradicts_that_it_does_not(
    claim: str, passage: str, *, unmet: bool
) -> None:
    assert is_partial_denial_unmet(claim, passage) is unmet
