"""What belongs to a unit by its place: what it announces, the list it stands in, the line above it.

Knows candidates in their passages; neither the question nor, but for the choice under a title, what
speaks for a unit. Called by `answering`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from assistant.candidates import Candidate
from assistant.words import words

__all__ = [
    "MAX_LIST",
    "announced",
    "heads_list",
    "is_label",
    "is_scrap",
    "is_stem",
    "is_under",
    "list_of",
    "with_announced",
]

MAX_LIST = 14
_LABEL_WORDS = 3
_NUMBER = re.compile(r"\d{1,2}[.)、](?!\d)\s*")
_CUT = 20  # characters
_SHOWN_UNDER = frozenset({"code", "formula"})  # what a label is shown with


def announced(title: Candidate, ranked: Sequence[Candidate]) -> list[Candidate]:
    """What stands under a unit that only announces it; the unit itself where nothing does.

    A label stays with the code, formula or table behind it.
    """
    under = list(takewhile(lambda c: not c.announces, _behind(title, ranked)))
    if not under:
        return [title]
    first = under[0].unit
    if first.kind == "row":
        return [title, *(c for c in under if c.unit.group == first.group)][:MAX_LIST]
    if first.kind in _SHOWN_UNDER:
        return [title, under[0]]
    return [max(under, key=lambda c: (c.unit.kind not in _SHOWN_UNDER, c.score))]


def with_announced(
    title: Candidate, ranked: Sequence[Candidate], shown: Sequence[Candidate]
) -> list[Candidate]:
    """A unit that announces, beside others: with its code or formula, above what it governs.

    Nothing where what it announces is not shown.
    """
    behind = _behind(title, ranked)
    if behind and behind[0].unit.kind in _SHOWN_UNDER:
        return [title, behind[0]]
    return [title] if any(is_under(c, title) for c in shown) else []


def _behind(title: Candidate, ranked: Sequence[Candidate]) -> list[Candidate]:
    """What follows a unit under the same heading, in order."""
    home = title.hit.note.path
    same = (c for c in ranked if c.hit.note.path == home and c.heading == title.heading)
    return sorted((c for c in same if c.unit.start > title.unit.start), key=lambda c: c.unit.start)


def list_of(best: Candidate, ranked: list[Candidate]) -> list[Candidate]:
    """The items that stand under the same stem as the best unit, or under it, in order."""
    if best.unit.kind == "row":
        return []
    span = (best.unit.start, best.unit.end)
    stem = span if heads_list(best, ranked) else best.unit.stem
    if stem is None and best.unit.kind != "item":
        return []
    if best.hit.note.format == "feed" and not best.stem.endswith((":", "：")):
        return []  # a heading above sentences, whose line breaks are lost: a section, no list
    group = [
        c
        for c in ranked
        if c.hit.chunk.id == best.hit.chunk.id
        and (c.unit.stem == stem if stem is not None else c.unit.group == best.unit.group)
    ]
    return sorted(group, key=lambda c: c.unit.start)[:MAX_LIST]


def heads_list(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Whether it is the line above a list, with or without a colon; an item is one among others."""
    if is_stem(candidate):
        return True
    return candidate.unit.kind != "item" and any(is_under(c, candidate) for c in others)


def is_under(candidate: Candidate, other: Candidate) -> bool:
    """Whether a unit stands under another of its passage."""
    span = (other.unit.start, other.unit.end)
    return candidate.hit.chunk.id == other.hit.chunk.id and candidate.unit.stem == span


def is_stem(candidate: Candidate) -> bool:
    """Whether it ends in a colon."""
    return candidate.text.rstrip().endswith((":", "："))


def is_label(candidate: Candidate) -> bool:
    """Whether it is a stem of a few words, which states nothing by itself."""
    return (
        is_stem(candidate)
        and sum(word.is_content for word in words(candidate.text)) <= _LABEL_WORDS
    )


def is_scrap(candidate: Candidate) -> bool:
    """Whether it says too little beside others.

    The few words before an entry of a feed was cut off ("FM 也可以看..."), a name out of a list.
    """
    if candidate.hit.note.format == "feed" and candidate.text.endswith(("...", "…")):
        return len(candidate.text) <= _CUT
    number = _NUMBER.match(candidate.text)
    text = candidate.text[number.end() :] if number else candidate.text
    if candidate.unit.kind != "item" and not number:
        return False
    if any(mark in text for mark in ":：=,，"):
        return False
    said = [word for word in words(text) if word.is_content]
    return len(said) <= _LABEL_WORDS and not any(word.is_number for word in said)
