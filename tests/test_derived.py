"""Figures that follow from those of the notes, and compound claims whose parts are told apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.compound import parts_of
from assistant.pipeline import Assistant
from assistant.types import Verdict
from tests.example_vaults import asked_notes, judged

NOTES = {
    "index.md": (
        "# Index bench\n\n"
        "- **HNSW** (M=16): recall 0.97, 4.1 ms per query, 12.8 GB RAM, build 55 min\n"
        "- **IVF-PQ** (4096 lists): recall 0.89, 2.6 ms per query, 1.1 GB RAM, build 18 min\n"
    ),
    "pg.md": "# 升级\n\n月度汇总从 14 分钟降到 11 分钟。\n",
    "budget.md": "# 预算\n\n共 52 万，其中 GPU 租用 30 万，素材标注 14 万，用户访谈 8 万。\n",
    "heron.md": "# 筛选页\n\n旧筛选页近三个月只有 2% 的用户点过。\n",
    "support.md": "# Support\n\nSupport answered 92 % of tickets within a day.\n",
    "lru.md": "# 淘汰\n\nLRU 淘汰最久没用的页。\n\nwide 部分负责记忆，deep 部分负责泛化。\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with asked_notes(NOTES, tmp_path_factory.mktemp("vault")) as made:
        yield made


@pytest.mark.parametrize(
    ("claim", "shown"),
    [
        ("HNSW 比 IVF-PQ 多用 11.7 GB 内存。", "12.8 GB − 1.1 GB = 11.7 GB"),
        ("Building HNSW takes 37 minutes longer than IVF-PQ.", "55 min − 18 min = 37 minutes"),
        ("月度汇总缩短了 3 分钟。", "14 分钟 − 11 分钟 = 3 分钟"),
        ("素材标注比用户访谈多 6 万。", "14 万 − 8 万 = 6 万"),
        ("没有点击旧筛选页的用户有 98%。", "100% − 2% = 98%"),
        ("8 % of tickets were not answered by support within a day.", "100% − 92 % = 8%"),
    ],
)
def test_a_figure_that_follows_is_supported_with_its_calculation(
    assistant: Assistant, claim: str, shown: str
) -> None:
    found = judged(assistant, claim)
    assert found.verdict is Verdict.SUPPORTED, found.reason
    assert shown in found.reason


@pytest.mark.parametrize(
    ("claim", "shown"),
    [
        ("HNSW 比 IVF-PQ 多用 3.2 GB 内存。", "12.8 GB − 1.1 GB = 11.7 GB"),
        ("月度汇总缩短了 5 分钟。", "14 分钟 − 11 分钟 = 3 分钟"),
        ("18 % of tickets were not answered by support within a day.", "100% − 92 % = 8%"),
    ],
)
def test_a_figure_that_does_not_follow_is_contradicted_with_the_right_one(
    assistant: Assistant, claim: str, shown: str
) -> None:
    found = judged(assistant, claim)
    assert found.verdict is Verdict.CONTRADICTED, found.reason
    assert shown in found.reason


@pytest.mark.parametrize(
    "claim",
    [
        "HNSW 比 IVF-PQ 多用 11.7 ms 内存。",  # another unit
        "HNSW 比 Annoy 多用 11.7 GB 内存。",  # another subject
        "月度备份缩短了 3 分钟。",  # another thing
        "月度汇总增加了 3 分钟。",  # the other way
    ],
)
def test_nothing_is_worked_out_where_unit_or_subject_differ(
    assistant: Assistant, claim: str
) -> None:
    assert judged(assistant, claim).verdict is not Verdict.SUPPORTED


def test_a_claim_with_an_absent_part_is_not_in_the_notes_and_names_the_part(
    assistant: Assistant,
) -> None:
    found = judged(assistant, "LRU 淘汰最久没用的页，而且支持分布式复制。")
    assert found.verdict is Verdict.UNSUPPORTED
    assert "没有“支持分布式复制”" in found.reason


def test_a_claim_whose_parts_stand_apart_in_the_notes_is_supported(assistant: Assistant) -> None:
    found = judged(assistant, "LRU 淘汰最久没用的页，wide 部分负责记忆。")
    assert found.verdict is Verdict.SUPPORTED, found.reason


def test_a_part_that_leaves_out_its_subject_is_read_behind_it() -> None:
    parts = parts_of("RabbitMQ 支持延时和优先级，也支持区块链存储。")
    assert [part.said for part in parts] == ["RabbitMQ 支持延时和优先级", "RabbitMQ支持区块链存储"]
    assert all(part.shown in "RabbitMQ 支持延时和优先级，也支持区块链存储。" for part in parts)


@pytest.mark.parametrize("claim", ["如果内存不够，就用 IVF。", "LRU 淘汰最久没用的页。"])
def test_a_claim_of_one_part_is_whole(claim: str) -> None:
    (part,) = parts_of(claim)
    assert part.shown == part.said == claim
