"""Units that only announce what follows: a title in bold, a numbered title, a question, a label.

They hold many words of a question and answer nothing: what stands under them does. Knows units and
their order; not the question. Called by `candidates`, and `answering` asks for what is announced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.types import Unit

__all__ = ["announcing"]

_LONGEST_TITLE = 60
_LONGEST_NUMBERED = 40
_TITLE = re.compile(r"(?:\*\*|__)(?!\s)[^\n]*?(?<!\s)(?:\*\*|__)\s*[:：]?")
_STATED = re.compile(r"[。.!！;；…]\W*$")
_QUESTION = re.compile(r"[?？][\s\"”』」)）*_]*$")
_LABEL = re.compile(r"[:：][\s*_]*$")
# "Here is how you can know that.", "结构如下图所示。"
_POINTS_ON = re.compile(
    r"(?:^here(?:['’]s| is| are)\b[^.。]{0,60}|\b(?:as follows|shown below|see below)|"
    r"(?:如下|见下)(?:[图表文方面]{0,2})?(?:所示|所列)?)[.。]?\W*$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:\d{1,2}[.)、]|[（(]\d{1,2}[)）]|[①-⑳])\s*$")
_REST = re.compile(r"[ \t]*(?:\n|\Z)")


def announcing(text: str, pieces: Sequence[Unit]) -> list[bool]:
    """For each unit of a passage, whether it only announces the one behind it.

    Args:
        text: of the note.
        pieces: the units of the passage in order, headings among them.

    Returns:
        As many flags as units; the last unit of a passage and one before a heading announce nothing
        unless they end in a colon.
    """
    following: list[Unit | None] = [*pieces[1:], None] if pieces else []
    return [_announces(text, u, after) for u, after in zip(pieces, following, strict=True)]


def _announces(text: str, unit: Unit, after: Unit | None) -> bool:
    if unit.kind not in ("paragraph", "item", "quote"):
        return False
    words = text[unit.start : unit.end]
    if _LABEL.search(words):
        return True
    if after is None or after.kind == "heading":
        return False
    if unit.kind == "item" and not _heads(unit, after):
        return False
    if _POINTS_ON.search(words):
        return True
    if _QUESTION.search(words):  # `*Does it help?*, 2024`: a title within its sentence
        return text[after.start].isalnum() or _REST.match(text, unit.end) is not None
    return _is_title(text, unit, words)


def _heads(item: Unit, after: Unit) -> bool:
    """Whether what follows an item stands under it, or apart from its list."""
    return after.kind != "item" or after.stem == (item.start, item.end)


def _is_title(text: str, unit: Unit, words: str) -> bool:
    """Whether a line is set like a title and states nothing."""
    line = text[text.rfind("\n", 0, unit.start) + 1 : unit.start]
    if _STATED.search(words) or _REST.match(text, unit.end) is None:
        return False
    if _TITLE.fullmatch(words.strip()) and len(words) <= _LONGEST_TITLE:
        return not line.strip(" \t>-*+•.、)）(（0123456789")
    return len(words) <= _LONGEST_NUMBERED and _NUMBERED.search(line) is not None
