"""Passages: a note cut along its headings into chunks with exact offsets.

A chunk never crosses a heading of its own or a higher level unless the part before is small, and
never cuts a code fence, a table row, a formula or a sentence that fits the size. Knows blocks and
sizes, neither terms nor vectors.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from corpus.blocks import blocks
from corpus.flat import flat_spans
from corpus.sentences import sentence_spans, strip_span, whole_spans
from corpus.types import Block, Chunk, Note

__all__ = ["CHUNKER_VERSION", "DEFAULT_SIZE", "chunk_note"]

CHUNKER_VERSION = "2"
DEFAULT_SIZE = 480
# combining marks, joiners, variation selectors, skin tones
_CONTINUES = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]"
)


def chunk_note(note: Note, *, size: int = DEFAULT_SIZE) -> list[Chunk]:
    """The chunks of a note, in order.

    Args:
        note: the note; text before `note.body_start` (front matter) is left out.
        size: most characters of a chunk. A code fence or formula that is longer is cut at line
            ends, a table row at its cells, a sentence at a comma or blank; at the size where
            there is none.

    Returns:
        Chunks without overlap which together hold all non-blank text of the body. Empty for
        an empty note.

    Raises:
        ValueError: size < 40.
    """
    if size < 40:
        raise ValueError(f"size must be at least 40 characters, got {size}")
    lines = _LineCounter(note)
    return [
        Chunk(note=note.path, start=start, end=end, heading=heading, line=lines.at(start))
        for start, end, heading in _pack(note, size)
    ]


class _LineCounter:
    """Line numbers for growing offsets, without counting from the start each time."""

    def __init__(self, note: Note) -> None:
        self._text, self._line, self._offset = note.text, note.first_line, 0
        self._is_one = note.line_of(len(note.text)) == note.first_line  # the same for all of it

    def at(self, offset: int) -> int:
        if self._is_one:
            return self._line
        self._line += self._text.count("\n", self._offset, offset)
        self._offset = offset
        return self._line


def _pieces(note: Note, size: int) -> Iterator[tuple[int, int, int, str]]:
    """Uncuttable spans in order: (start, end, heading level or 0, heading title)."""
    text = note.text
    if note.format == "feed":
        for span in flat_spans(text, note.body_start):
            yield from ((*piece, 0, "") for piece in _fit(text, *span, size))
        return
    for block in blocks(text, note.body_start, markup=note.format):
        yield from _pieces_of(text, block, size)


def _pieces_of(text: str, block: Block, size: int) -> Iterator[tuple[int, int, int, str]]:
    """A block, cut where it is larger than the size."""
    start, end = strip_span(text, block.start, block.end)
    spans: Iterable[tuple[int, int]] = [(start, end)]
    if start == end:
        return
    if block.kind == "heading":
        # a heading beyond the size is no heading: its first part alone opens the section
        for n, span in enumerate(_fit(text, start, end, size)):
            yield (*span, 0, "") if n else (*span, block.level, block.title[:size])
        return
    if end - start > size:
        if block.kind in ("code", "formula"):
            spans = _by_lines(text, start, end, size)
        elif block.kind == "row":
            spans = _fit(text, start, end, size, marks="|")
        else:
            sentences = sentence_spans(text, start, end)
            spans = (piece for span in sentences for piece in _fit(text, *span, size))
    for span in spans:
        yield (*span, 0, "")


def _fit(
    text: str, start: int, end: int, size: int, *, marks: str = "\n，,、 "
) -> Iterator[tuple[int, int]]:
    """The span, cut at the size where it is longer, at one of the marks if one is near."""
    if end - start <= size:
        yield start, end
        return
    wholes = deque(span for span in whole_spans(text, start, end) if span[1] - span[0] <= size)
    while end - start > size:
        cut = start + size
        for mark in marks:
            found = text.rfind(mark, start + size // 2, cut)
            if found > 0:
                cut = found + 1
                break
        while wholes and wholes[0][1] <= cut:
            wholes.popleft()
        if wholes and start < wholes[0][0] < cut:
            cut = wholes[0][0]
        cut = _between_characters(text, start, cut)
        span = strip_span(text, start, cut)
        if span[0] < span[1]:
            yield span
        start = cut
    span = strip_span(text, start, end)
    if span[0] < span[1]:
        yield span


def _between_characters(text: str, start: int, cut: int) -> int:
    """The cut, moved back where it would tear a combining mark or a joined emoji from its base."""
    for at in range(cut, max(start + 1, cut - 16), -1):
        if not (_CONTINUES.match(text, at) or text[at - 1] == "\u200d"):
            return at
    return cut


def _by_lines(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """A long fence cut at line ends; a longer line at the size."""
    begin = start
    while end - begin > size:
        cut = text.rfind("\n", begin + 1, begin + size)
        if cut < 0:
            cut = begin + size
        span = strip_span(text, begin, cut)
        if span[0] < span[1]:
            yield span
        begin = cut
    span = strip_span(text, begin, end)
    if span[0] < span[1]:
        yield span


def _pack(note: Note, size: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Join pieces up to the size, along the headings."""
    path: list[tuple[int, str]] = []
    start = end = -1
    heading: tuple[str, ...] = ()
    body = False  # whether the open chunk holds more than headings
    for piece_start, piece_end, level, title in _pieces(note, size):
        new_section = level > 0 and body and not _may_join(path, level, end - start, size)
        if start >= 0 and (new_section or piece_end - start > size):
            yield start, end, heading
            start, body = -1, False
        if level:
            path = [entry for entry in path if entry[0] < level] + [(level, title)]
        if start < 0:
            start, heading = piece_start, _titles(path)
        elif level and not body:
            heading = _titles(path)
        end = piece_end
        body = body or level == 0
    if start >= 0:
        yield start, end, heading


def _titles(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in path if title)


def _may_join(path: list[tuple[int, str]], level: int, length: int, size: int) -> bool:
    """Whether a section that starts now may stay in the chunk of the one before."""
    deeper = bool(path) and level > path[-1][0]
    return deeper and length < size // 4
