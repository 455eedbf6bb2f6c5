"""Questions to begin with, drafted from titles and headings of the indexed notes.

Knows notes and how a question is worded; whether one is answered, `pipeline` finds out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest

from corpus.protocol import Index
from corpus.text import has_han
from corpus.types import Note
from corpus.units import units

__all__ = ["draft_questions"]

_ASKABLE = re.compile(
    r"^(?:主要|常见)?(优势|优点|好处|不足|缺点|局限|局限性|分类|原因|步骤|流程|作用|原理|特点|结构|阶段|组成)$"
)
_DEFINED = re.compile(
    r"^[#>*\-\s\d.]*([A-Z][A-Za-z0-9_.+-]{1,24}(?: [A-Z0-9][A-Za-z0-9_.+-]*)?|[\u4e00-\u9fff]{2,8}(?=\s*[(（]|是指|指的是|是一[种类]))\s*"
    r"(?:[(（][^)）]{2,60}[)）])?\s*(?:也就是|通常指|是指|指的是|是一种|是一类|是)"
)
_QUESTION = re.compile(
    r"^(?:为什么|为何|如何|怎么|怎样|什么时候|何时).{2,24}$|^(?:why|how|when|which|what)\b.{6,50}$",
    re.I,
)
_OPENING = re.compile(
    r"^(?:背景|概述|简介|介绍|前言|这|那|它|本文|我们|其|该|如果|当|因此|所以|但|而|不|每|两|在|对|把|用|从)|[的了还也都就会能可有]"
)


def draft_questions(index: Index, *, limit: int) -> Iterator[str]:
    """Draft questions, at most one a note and round, in a fixed order.

    Args:
        index: an index with notes.
        limit: how many at most.
    """
    drafts = [list(_of_note(note)) for note in index.notes()]
    drafts = [found for found in drafts if found]
    step = max(1, len(drafts) // max(1, limit // 2))
    order = [*drafts[::step], *(d for i, d in enumerate(drafts) if i % step)]
    longest = max((len(found) for found in drafts), default=0)
    rounds = (found[n] for n in range(longest) for found in order if n < len(found))
    yield from islice(_mixed(dict.fromkeys(rounds)), limit)


def _mixed(questions: Iterable[str]) -> Iterator[str]:
    """Questions of each kind in turn, as long as there are any: a heading's, a list's, a name's."""
    kinds: tuple[list[str], ...] = ([], [], [])
    for question in questions:
        named = question.startswith(("什么是", "What is"))
        kinds[2 if named else "有哪些" in question].append(question)
    for row in zip_longest(*kinds):
        yield from (question for question in row if question)


def _of_note(note: Note) -> Iterator[str]:
    subject = _subject(note)
    for unit in units(note, note.body_start, min(len(note.text), note.body_start + 4000)):
        words = note.text[unit.start : unit.end].strip()
        if unit.kind == "heading":
            asked = _ASKABLE.match(words.strip(":： "))
            title = words.lstrip("#0123456789. ").rstrip("?？:： ")
            if asked and subject:
                yield f"{subject} 有哪些{asked.group(1)}？"
            elif subject and _QUESTION.match(title):
                yield f"{subject}：{title}？" if has_han(title) else f"{subject}: {title}?"
            continue
        defined = _DEFINED.match(words)
        if defined and not _OPENING.match(defined.group(1)):
            yield f"什么是 {defined.group(1)}？"
    if subject and not has_han(note.text[:2000]):
        yield f"What is {subject}?"


def _subject(note: Note) -> str:
    """The thing a note is about, if its title names one."""
    head = re.split(r"[：:，,（(—|]", note.title)[0].strip()
    return head if 2 <= len(head) <= 24 else ""
