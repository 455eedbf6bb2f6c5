"""Units that announce others are not shown for what they announce."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.candidates import candidates
from assistant.pipeline import Assistant
from assistant.types import Hit, Scores
from corpus.chunking import chunk_note
from corpus.notes import notes_from_text
from tests.example_vaults import write_vault

ITEMS = "".join(
    f"- 方式{n}：{'在用户空间转发并且做负载均衡，' * 12}写法 {n}。\n" for n in range(1, 7)
)
NOTES = {
    "代理.md": f"# kube-proxy\n\nkube-proxy 支持以下几种实现\n\n{ITEMS}",
    "卷.md": (
        "# 持久卷\n\n**为什么 PV 与命名空间无关？**\n\n"
        "PV 是集群范围的资源，存储由整个集群共享。\n\n"
        "**为什么 PVC 与命名空间绑定？**\n\nPVC 属于某个应用，要随它一起删除。\n"
    ),
    "指标.md": (
        "# MRR\n\nMRR 是首个相关结果名次的倒数的平均：\n\n$$\\frac{1}{|Q|}\\sum 1/r$$\n\n"
        "MRR 只看第一个结果。\n"
    ),
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("announcing")
    write_vault(folder / "notes", NOTES)
    with Assistant.open(folder / "notes", folder / "index") as opened:
        opened.refresh()
        yield opened


def announcing(body: str) -> list[str]:
    (note,) = notes_from_text("note.md", f"# HNSW\n\n{body}\n")
    hits = [Hit(note=note, chunk=c, score=1.0, scores=Scores()) for c in chunk_note(note)]
    return [c.text for c in candidates(hits) if c.announces]


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("**建图的参数**\n\nM 默认是 16。", "**建图的参数**"),
        ("1. 执行位置不同\n\n一个在服务器上，一个在边缘。", "执行位置不同"),
        ("M 取多少？\n\n一般取 16。", "M 取多少？"),
        ("要不要很大？一般取 16。", "要不要很大？"),
        ("参数如下：\n\n| 名 | 值 |\n|---|---|\n| M | 16 |", "参数如下："),
    ],
)
def test_a_title_a_question_and_a_label_announce(body: str, title: str) -> None:
    assert announcing(body) == [title]


@pytest.mark.parametrize(
    "body",
    [
        "**M 默认是 16。** 它决定度数。",
        "**建图的参数**决定召回。",
        "- **小世界**\n- **分层图**",
        "1. 建图\n2. 查询",
        "M 默认是 16。\n\n一般不改。",
        "见 *Does it help?*, 2024。",
        "要不要很大？",
    ],
)
def test_what_states_something_or_heads_nothing_announces_nothing(body: str) -> None:
    assert announcing(body) == []


def test_what_stands_under_a_title_is_shown_for_it(assistant: Assistant) -> None:
    answer = assistant.ask("为什么 PV 与命名空间无关？")
    assert "PV 是集群范围的资源" in answer.text
    assert "？" not in answer.text


def test_a_list_under_a_line_without_a_colon_is_shown_whole(assistant: Assistant) -> None:
    found = assistant.sentences("kube-proxy 有几种实现？")[0]
    assert len({hit.chunk.id for hit in found if hit.note.path == "代理.md"}) > 1
    answer = assistant.ask("kube-proxy 有几种实现？")
    assert [f"写法 {n}。" in answer.text for n in range(1, 7)] == [True] * 6


def test_a_label_is_shown_with_its_formula(assistant: Assistant) -> None:
    answer = assistant.ask("MRR 怎么算？")
    assert ("倒数的平均" in answer.text) <= ("$$" in answer.text)
    assert "$$" in answer.text


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (
            "Here is how you can know that.\n\n```\nnvidia-smi -q\n```",
            "Here is how you can know that.",
        ),
        ("整体结构如下图所示。\n\n编码器把一句压成一个向量。", "整体结构如下图所示。"),
        ("The flags are as follows.\n\n- a sets the port", "The flags are as follows."),
    ],
)
def test_what_points_at_the_lines_behind_it_announces_them(body: str, title: str) -> None:
    assert announcing(body) == [title]


@pytest.mark.parametrize(
    "body",
    [
        "如下图所示，编码器把一句压成一个向量。\n\n之后比较。",
        "Here is a port that is free.\n\n# End",
    ],
)
def test_a_sentence_that_says_something_beside_it_announces_nothing(body: str) -> None:
    assert announcing(body) == []


def test_a_label_of_a_list_brings_what_stands_under_it(tmp_path: Path) -> None:
    write_vault(
        tmp_path / "notes",
        {
            "树.md": (
                "# 提升树\n\n提升树的改进有：\n\n- 二阶导数让步长更准\n- 正则项控制叶子数目\n"
                "- 其他优化：\n    - 列块并行地找切分点\n- 说明：\n"
            )
        },
    )
    with Assistant.open(tmp_path / "notes", tmp_path / "index") as opened:
        opened.refresh()
        text = opened.ask("提升树的改进有哪些？").text
    assert "其他优化" in text
    assert "列块并行" in text
    assert "说明" not in text
