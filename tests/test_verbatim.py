"""Copies: to the letter, and behind the name of what they are about."""

from __future__ import annotations

import pytest

from assistant.passages import Passage, passages_of
from assistant.verbatim import is_copy_of_subject, is_verbatim
from corpus.chunking import chunk_note
from corpus.notes import notes_from_text

NOTE = """# 倒排索引

优势: 可以很快找到含有某个词的文档, 也便于压缩。

Alpha 输出不稳定,很快下线;随后发布的 Beta 用户期望过高,三天后也下线。

用于解决长尾词的召回问题。

建库阶段,程序读取全部文档 合并阶段,程序删除重复的条目。

合并因子默认 16,上限 64。

在 M=16、ef=64 的设置下,HNSW 的召回是 0.93。

该结构 does not help against typing errors, missing words or slow disks.

`TermQuery` 对应单词,`PhraseQuery` 对应短语。
"""


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    note = notes_from_text("倒排索引.md", NOTE)[0]
    return [p for chunk in chunk_note(note) for p in passages_of(note, chunk)]


def supported(claim: str, passages: list[Passage]) -> bool:
    return any(is_verbatim(claim, p.text) or is_copy_of_subject(claim, p) for p in passages)


@pytest.mark.parametrize(
    "claim",
    [
        "可以很快找到含有某个词的文档",
        "倒排索引可以很快找到含有某个词的文档,也便于压缩",
        "倒排索引的优势:可以很快找到含有某个词的文档",
        "Alpha 输出不稳定，很快下线",
        "Beta 用户期望过高",
        "倒排索引的合并因子默认是 16",  # with a copula
        "HNSW 的 M 是 16",  # as a setting
    ],
)
def test_a_clause_behind_its_own_subject_is_a_copy(claim: str, passages: list[Passage]) -> None:
    assert supported(claim, passages)


@pytest.mark.parametrize(
    "claim",
    [
        "正排索引可以很快找到含有某个词的文档",  # another subject
        "倒排索引不能用于解决长尾词的召回问题",  # denied
        "Alpha 用户期望过高",  # said of Beta
        "Beta 输出不稳定,很快下线",  # said of Alpha
        "倒排索引只用于解决长尾词的召回问题",  # narrowed
        "建库阶段,程序删除重复的条目",  # said of the next stage
        "倒排索引由程序读取全部文档",  # the clause is about what the program does
        "倒排索引的合并因子默认不是 16",
        "HNSW 的 M 是 64",
        "IVF 的 M 是 16",
        "该结构 helps against missing words or slow disks",  # the list is denied
        "单词对应的是 PhraseQuery",  # a name alone
    ],
)
def test_another_subject_or_a_denial_is_none(claim: str, passages: list[Passage]) -> None:
    assert not supported(claim, passages)
