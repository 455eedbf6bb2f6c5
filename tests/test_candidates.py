"""What of a passage may answer."""

from __future__ import annotations

import pytest

from assistant.candidates import candidates
from assistant.types import Hit, Scores
from corpus.chunking import chunk_note
from corpus.notes import notes_from_text


def texts(body: str) -> list[str]:
    (note,) = notes_from_text("note.md", f"# HNSW\n\n{body}\n")
    hits = [Hit(note=note, chunk=c, score=1.0, scores=Scores()) for c in chunk_note(note)]
    return [c.text for c in candidates(hits)]


@pytest.mark.parametrize(
    "pointer",
    [
        "参数含义见 [[hnsw]]。",
        "详见 [[hnsw|图索引]] 和 [[ivf-pq]]。",
        "See also [the notes](hnsw.md).",
        "**Moved to [the notes](./hnsw.md#m).**",
        "See [the chapter on graphs](hnsw.md) for the other parameters and their defaults.",
        "- [HNSW 的部署](./models/01-hnsw.md) @someone",
        '```\n{"content": "M 的含义\\n\\n1. 度数\\n2. 内存\\n3. 召回"}\n```',
        "另见：[[hnsw]]",
        "up:: [[向量索引]]",
        "相关:: [[ivf]]、[[pq]] 和 [[hnsw|图索引]]",
        "[[向量索引的选择]]",
        "![结构](img/hnsw.png)",
        "#待办/今天 #hnsw",
        "- [[为什么选 HNSW]]",
        "- [[hnsw]]\n- [IVF](notes/ivf.md)",
        "- [HNSW](hnsw.md)\n- [IVF](./notes/ivf.md)\n- [PQ 与 **IVF**](../pq.md#ivf)\n- ...",
        "- [参数](#参数)\n- [M 取**多少**?](#m-取多少)\n- [内存](#内存)\n- [[#构建]]",
    ],
)
def test_a_sentence_that_only_points_elsewhere_answers_nothing(pointer: str) -> None:
    assert texts(f"M 默认是 16。\n\n{pointer}") == ["M 默认是 16。"]


@pytest.mark.parametrize(
    "said",
    [
        "M 默认是 16，含义见 [[hnsw]]。",
        "可见 M 越大召回越高。",
        "PPO 的流程见 [[rlhf]]，它分三步：采样、打分、更新。",
        "[[hnsw]] 是分层的小世界图。",
        "- [[hnsw]]：分层的小世界图",
        "- 见第 3 章：[[hnsw]] 的图是分层的",
        "[hnswlib 的仓库](https://example.org/hnswlib)",
        "来源:: 2016 年的论文",
    ],
)
def test_a_sentence_that_says_something_beside_its_link_may_answer(said: str) -> None:
    assert said.removeprefix("- ").rstrip("。") in "".join(texts(said))


def test_a_list_of_links_is_a_list_of_names() -> None:
    names = ["[[hnsw]]", "[[ivf]]", "[[pq]]"]
    written = "\n".join(f"- {name}" for name in names)
    assert texts(f"支持的索引：\n\n{written}") == ["支持的索引：", *names]


def test_a_link_with_a_credit_is_a_link() -> None:
    (note,) = notes_from_text(
        "n.md",
        "# 镜像\n\n- [Poker 镜像](https://example.org/i) @小林\n- Poker 要 24 GB 显存 @小林\n",
    )
    hits = [Hit(note=note, chunk=c, score=1.0, scores=Scores()) for c in chunk_note(note)]
    assert [c.links for c in candidates(hits)] == ["web", ""]


def test_a_line_of_links_governs_no_list() -> None:
    (note,) = notes_from_text(
        "n.md", "# 睡眠\n\nx:: [[怎样睡好]]\n\n- 睡得少会发胖\n\n怎样睡好：\n\n- 早起晒太阳\n"
    )
    hits = [Hit(note=note, chunk=c, score=1.0, scores=Scores()) for c in chunk_note(note)]
    stems = {c.text: c.stem for c in candidates(hits) if c.unit.kind == "item"}
    assert stems["早起晒太阳"] == "怎样睡好："
    assert all(
        "x::" not in str(note.text[slice(*c.unit.stem)]) for c in candidates(hits) if c.unit.stem
    )
