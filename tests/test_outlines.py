"""Org and reStructuredText: headings, code and silent lines, with exact offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.passages import passages_of
from corpus.blocks import blocks
from corpus.chunking import chunk_note
from corpus.notes import notes_from_text
from corpus.types import NoteFormat
from corpus.units import units
from tests.generated import markdown, note_of

ORG = """\
#+TITLE: 微调笔记
#+DATE: <2024-05-01 Wed>
#+FILETAGS: :ml:peft:

* TODO [#A] LoRA                                              :方法:
:PROPERTIES:
:CUSTOM_ID: lora
:END:
LoRA 冻结预训练权重。它的秩 r 通常取 8。
** 优点
- 训练的参数很少
- 推理没有额外延迟
#+begin_src python
* 不是标题
print("你好")
#+end_src
#+begin_quote
引用的一句话。
#+end_quote
| 模型 | 秩 |
|------+----|
| 7B   | 8  |
* 参考
*粗体*开头的一段。
"""
RST = """\
===========
HNSW 笔记
===========

:date: 2024-05-31
:tags: ann, graph

HNSW 是分层的近邻图。

参数
----

efSearch 越大，召回率越高::

    index.set_ef(64)

.. code-block:: python
   :linenos:

   p = hnswlib.Index("l2", 128)

.. note:: 重建要很久。

.. _label:

更深
~~~~

- 一
- 二

结论
----

够用。
"""


def headings(text: str, markup: NoteFormat) -> list[tuple[int, str]]:
    return [(b.level, b.title) for b in blocks(text, markup=markup) if b.kind == "heading"]


def said(path: str, text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    (note,) = notes_from_text(path, text)
    return [
        (unit.kind, text[unit.start : unit.end], unit.heading)
        for unit in units(note, 0, len(text))
        if unit.kind != "heading"
    ]


def test_an_org_note_has_its_headings_and_says_what_it_says() -> None:
    (note,) = notes_from_text("a.org", ORG)
    assert (note.title, note.date, note.tags) == ("微调笔记", "2024-05-01", ("ml", "peft"))
    assert note.text == ORG
    assert headings(ORG, "org") == [(1, "LoRA"), (2, "优点"), (1, "参考")]
    found = said("a.org", ORG)
    assert ("paragraph", "它的秩 r 通常取 8。", ("LoRA",)) in found
    assert ("item", "推理没有额外延迟", ("LoRA", "优点")) in found
    assert ("paragraph", "引用的一句话。", ("LoRA", "优点")) in found
    assert ("paragraph", "*粗体*开头的一段。", ("参考",)) in found
    code = [words for kind, words, _ in found if kind == "code"]
    assert code == ['#+begin_src python\n* 不是标题\nprint("你好")\n#+end_src']
    assert not any("PROPERTIES" in words or "TITLE" in words for _, words, _ in found)


def test_a_restructured_note_has_its_headings_and_says_what_it_says() -> None:
    (note,) = notes_from_text("a.rst", RST)
    assert (note.title, note.date, note.tags) == ("HNSW 笔记", "2024-05-31", ("ann", "graph"))
    assert headings(RST, "rst") == [(1, "HNSW 笔记"), (2, "参数"), (3, "更深"), (2, "结论")]
    found = said("a.rst", RST)
    assert ("paragraph", "HNSW 是分层的近邻图。", ("HNSW 笔记",)) in found
    assert ("item", "二", ("HNSW 笔记", "参数", "更深")) in found
    code = [words for kind, words, _ in found if kind == "code"]
    assert code[0] == "index.set_ef(64)"
    assert code[1].endswith('p = hnswlib.Index("l2", 128)')
    assert any("重建要很久。" in words for _, words, _ in found)
    assert not any(words.startswith((":date", ".. _")) for _, words, _ in found)


@pytest.mark.parametrize("markup", ["org", "rst"])
@given(
    text=st.one_of(
        markdown(),
        st.lists(st.sampled_from([*ORG.split("\n"), *RST.split("\n")]), max_size=30).map("\n".join),
    )
)
def test_whatever_the_text_is_its_chunks_hold_it(markup: NoteFormat, text: str) -> None:
    note = note_of(text, format=markup)
    held = set()
    for chunk in chunk_note(note, size=60):
        assert 0 < chunk.end - chunk.start <= 60
        held |= set(range(chunk.start, chunk.end))
    assert all(char.isspace() or at in held for at, char in enumerate(text))
    for unit in units(note, 0, len(text)):
        assert text[unit.start : unit.end].strip() == text[unit.start : unit.end] != ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "# 结论\n\n## GQA 比 MHA 快\n\n键值头由各组共享。\n"),
        ("a.org", "* 结论\n\n** GQA 比 MHA 快\n\n键值头由各组共享。\n"),
        ("a.rst", "结论\n====\n\nGQA 比 MHA 快\n-------------\n\n键值头由各组共享。\n"),
    ],
)
def test_a_heading_names_its_section_and_is_no_evidence(name: str, text: str) -> None:
    (note,) = notes_from_text(name, text)
    passages = [p for chunk in chunk_note(note) for p in passages_of(note, chunk)]
    assert [p.text for p in passages] == ["键值头由各组共享。"]
    assert "GQA 比 MHA 快" in passages[0].context
