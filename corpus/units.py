"""The smallest pieces of a note that can be quoted, each with the line that governs it.

`units` cuts a span of a note into sentences, list items, table rows, formulas and code, and says
of each under which headings it stands and which line announces it. Knows what governs what, not
how Markdown is written (`blocks`) nor how an entry of a feed is cut (`flat`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from corpus.blocks import BLOCK_ID, blocks, is_delimiter
from corpus.flat import flat_units
from corpus.sentences import is_label, sentence_spans, strip_span
from corpus.types import Block, Note, NoteFormat, Unit

__all__ = ["units"]

_ENDED = re.compile(r"[。.!！?？;；…,，][\W_]*$")
_LONG_ITEM = 160
_LONGEST_STEM = 80


def units(note: Note, start: int, end: int, heading: tuple[str, ...] = ()) -> list[Unit]:
    """The quotable pieces of `note.text[start:end]`, in order.

    The structure is that of the whole note: a span that begins inside a fence, list or table
    still knows it, and a stem may lie before the span. A piece across its border is clipped.

    Args:
        note: the note.
        start: where to begin.
        end: where to stop.
        heading: titles of the headings above `start`, for text that has none of its own.

    Returns:
        Sentences, list items, table rows, formulas and code blocks with the stem that governs
        them. Headings come as units of kind "heading": context, not evidence.
    """
    every = _units_of(note.text, note.body_start, note.format)
    found: list[Unit] = []
    for unit in every[max(0, bisect_right(every, start, key=lambda unit: unit.start) - 1) :]:
        if unit.start >= end:
            break
        if unit.end <= start:
            continue
        s, e = strip_span(note.text, max(unit.start, start), min(unit.end, end))
        if s < e:
            found.append(replace(unit, start=s, end=e, heading=unit.heading or heading))
    return found


@lru_cache(maxsize=512)  # the notes that a handful of questions find
def _units_of(text: str, start: int, markup: NoteFormat) -> tuple[Unit, ...]:
    if markup == "feed":
        return tuple(flat_units(text, start))
    return tuple(_Governed(text, markup).units(start))


class _Governed:
    """The units of a Markdown text, with what governs the present one."""

    def __init__(self, text: str, markup: NoteFormat) -> None:
        self._text = text
        self._markup = markup
        self._path: list[tuple[int, str]] = []
        self._titles: tuple[str, ...] = ()
        self._group = 0
        self._stem: tuple[int, int] | None = None  # the sentence that announces what follows
        self._unended: tuple[int, int] | None = None  # one that does if a list follows
        self._parents: list[tuple[int, tuple[int, int]]] = []  # items above, with their levels
        self._header = (0, 0)
        self._previous = ""

    def units(self, start: int) -> Iterator[Unit]:
        """The units of the text from `start` on, in order."""
        for block in blocks(self._text, start, markup=self._markup):
            span = self._said(block)
            if block.kind == "heading":
                yield from self._heading(block)
            elif span[0] == span[1]:
                self._group += 1
            elif block.kind in ("paragraph", "quote"):
                yield from self._prose(block, span)
            elif block.kind == "item":
                yield from self._item(block, span)
            elif block.kind == "row":
                yield from self._row(span)
            else:
                self._group += 1
                yield self._unit(block, span, self._stem)
            self._previous = block.kind

    def _said(self, block: Block) -> tuple[int, int]:
        """What the block says, without the id by which others refer to it."""
        end = block.end
        if block.kind in ("paragraph", "item", "quote") and "^" in self._text[block.start : end]:
            named = BLOCK_ID.search(self._text, max(block.content, end - 70), end)
            end = named.start() if named else end
        return strip_span(self._text, block.content, end)

    def _unit(self, block: Block, span: tuple[int, int], stem: tuple[int, int] | None) -> Unit:
        return Unit(
            kind=block.kind, start=span[0], end=span[1], stem=stem, heading=self._titles,
            group=self._group,
        )  # fmt: skip

    def _heading(self, block: Block) -> Iterator[Unit]:
        self._stem, self._unended, self._parents = None, None, []
        self._group += 1
        if block.title:
            yield self._unit(block, (block.content, block.content + len(block.title)), None)
        self._path = [entry for entry in self._path if entry[0] < block.level]
        self._path.append((block.level, block.title))
        self._titles = tuple(title for _, title in self._path if title)

    def _prose(self, block: Block, span: tuple[int, int]) -> Iterator[Unit]:
        self._group += 1
        self._parents = []
        sentences = sentence_spans(self._text, *span)
        for sentence in sentences:
            yield self._unit(block, sentence, None)
        last = sentences[-1] if sentences else None
        words = self._text[slice(*last)] if last else ""
        self._stem = last if is_label(words) else None
        is_line = _ENDED.search(words) is None and len(words) <= _LONGEST_STEM
        self._unended = last if is_line else None

    def _item(self, block: Block, span: tuple[int, int]) -> Iterator[Unit]:
        """A list item as one unit, or as its sentences when it is long."""
        if self._previous != "item":
            self._group += 1
            if self._previous == "paragraph" and self._stem is None:
                self._stem = self._unended  # a line without a mark before a list is its title
        while self._parents and self._parents[-1][0] >= block.level:
            self._parents.pop()
        stem = self._parents[-1][1] if self._parents else self._stem
        is_short = span[1] - span[0] <= _LONG_ITEM
        for piece in [span] if is_short else sentence_spans(self._text, *span):
            yield self._unit(block, piece, stem)
        if span[1] - span[0] <= _LONGEST_STEM:
            self._parents.append((block.level, span))

    def _row(self, span: tuple[int, int]) -> Iterator[Unit]:
        if self._previous != "row":
            self._group, self._header = self._group + 1, span
        if not is_delimiter(self._text[slice(*span)]):
            stem = None if span == self._header else self._header
            yield Unit(
                kind="row", start=span[0], end=span[1], stem=stem, heading=self._titles,
                group=self._group,
            )  # fmt: skip
