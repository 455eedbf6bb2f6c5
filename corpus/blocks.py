"""Markdown as blocks and units with exact offsets.

`blocks` cuts a note into headings, paragraphs, list items, table rows, code fences, formulas
and quotes; `units` cuts a span of it into the smallest quotable pieces, each with the line that
governs it. Knows Markdown, not files (`readers`) nor sizes (`chunking`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from corpus.sentences import flat_spans, is_label, sentence_spans, strip_span
from corpus.types import Block, Note, Unit

__all__ = ["blocks", "units"]

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"[ \t]*(?:> ?)*[ \t]*(`{3,}|~{3,})")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_DELIMITER = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*$")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+(?:\[![\w-]+\][+-]?[ \t]*)?")
_RULE = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,})[ \t]*$")
_MATH = re.compile(r"[ \t]*(?:> ?)*\$\$")
_LONG_ITEM = 160


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the lines in `text[start:end]`, line breaks left out."""
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield at, stop
        at = stop + 1


def blocks(text: str, start: int = 0, end: int | None = None) -> list[Block]:
    """The blocks of `text[start:end]` in order; together they hold all its non-blank text.

    An unclosed fence or formula runs to the end: nothing is lost.
    """
    end = len(text) if end is None else end
    lines = list(_lines(text, start, end))
    out: list[Block] = []
    i = 0
    while i < len(lines):
        i = _take(text, lines, i, out)
    return out


def _take(text: str, lines: list[tuple[int, int]], i: int, out: list[Block]) -> int:
    """Append the block that starts on line i; return the line after it."""
    start, end = lines[i]
    line = text[start:end]
    if not line.strip():
        return i + 1
    fence = _FENCE.match(line)
    if fence:
        return _take_until(text, lines, i, out, closer=fence.group(1))
    if _MATH.match(line) and line.count("$$") == 1:
        return _take_until(text, lines, i, out, closer="$$")
    if _MATH.match(line) and line.rstrip().endswith("$$"):
        out.append(Block(kind="formula", start=start, end=end, content=start))
        return i + 1
    heading = _HEADING.match(line)
    if heading:
        level, title = len(heading.group(1)), heading.group(2)
        content = start + heading.start(2)
        out.append(
            Block(kind="heading", start=start, end=end, content=content, level=level, title=title)
        )
        return i + 1
    if _ROW.match(line) or (i + 1 < len(lines) and "|" in line and _is_delimiter(text, lines[i + 1])):
        out.append(Block(kind="row", start=start, end=end, content=start))
        return i + 1
    if _is_delimiter(text, lines[i]) and out and out[-1].kind == "row":
        out.append(Block(kind="row", start=start, end=end, content=start))
        return i + 1
    if _RULE.match(line):
        out.append(Block(kind="paragraph", start=start, end=end, content=end))
        return i + 1
    return _take_prose(text, lines, i, out)


def _is_delimiter(text: str, line: tuple[int, int]) -> bool:
    piece = text[slice(*line)]
    return "|" in piece and "-" in piece and _DELIMITER.match(piece) is not None


def _take_until(
    text: str, lines: list[tuple[int, int]], i: int, out: list[Block], *, closer: str
) -> int:
    kind, j = ("formula", i + 1) if closer == "$$" else ("code", i + 1)
    while j < len(lines):
        piece = text[slice(*lines[j])].strip().lstrip("> ")
        if (closer == "$$" and "$$" in piece) or (
            closer != "$$" and piece.startswith(closer) and not piece.strip(closer[0])
        ):
            break
        j += 1
    last = min(j, len(lines) - 1)
    start = lines[i][0]
    out.append(
        Block(kind="formula" if kind == "formula" else "code", start=start, end=lines[last][1],
              content=start)
    )  # fmt: skip
    return last + 1


def _opens_block(text: str, lines: list[tuple[int, int]], i: int) -> bool:
    """Whether line i cannot continue a paragraph or an item."""
    line = text[slice(*lines[i])]
    return (
        not line.strip()
        or _FENCE.match(line) is not None
        or _MATH.match(line) is not None
        or _HEADING.match(line) is not None
        or _ITEM.match(line) is not None
        or _ROW.match(line) is not None
        or _RULE.match(line) is not None
    )


def _take_prose(text: str, lines: list[tuple[int, int]], i: int, out: list[Block]) -> int:
    """A list item, quote or paragraph with the lines that continue it."""
    start, end = lines[i]
    line = text[start:end]
    item, quote = _ITEM.match(line), _QUOTE.match(line)
    j = i + 1
    if quote and line.lstrip().startswith(">"):
        inner = _ITEM.match(line, quote.end())
        content = start + (inner.end() if inner else quote.end())
        out.append(Block(kind="quote", start=start, end=end, content=min(content, end)))
        return j
    while j < len(lines) and not _opens_block(text, lines, j):
        if text[slice(*lines[j])].lstrip().startswith(">"):
            break
        end = lines[j][1]
        j += 1
    if item:
        depth = len(item.group(1).expandtabs(4)) // 2
        out.append(Block(kind="item", start=start, end=end, content=start + item.end(), level=depth))
    else:
        out.append(Block(kind="paragraph", start=start, end=end, content=start))
    return j


def units(note: Note, start: int, end: int, heading: tuple[str, ...] = ()) -> list[Unit]:
    """The quotable pieces of `note.text[start:end]`, in order.

    Args:
        note: the note.
        start: where to begin; best at the start of a chunk, so that structure is whole.
        end: where to stop.
        heading: titles of the headings above `start`.

    Returns:
        Sentences, list items, table rows, formulas and code blocks with the stem that governs
        them. Headings come as units of kind "heading": context, not evidence.
    """
    if note.format == "feed":
        return _flat_units(note.text, start, end)
    return list(_markdown_units(note.text, start, end, heading))


@lru_cache(maxsize=4096)
def _flat_units_of(piece: str) -> tuple[tuple[int, int, bool], ...]:
    found: list[tuple[int, int, bool]] = []
    spans = flat_spans(piece)
    for n, (s, e) in enumerate(spans):
        words = piece[s:e]
        # a short piece without a mark of its own, before something longer, announces it
        bare = len(words) <= 16 and words[-1] not in "。！？!?；;.…" and n + 1 < len(spans)
        follows = n + 1 < len(spans) and spans[n + 1][1] - spans[n + 1][0] > 2 * len(words)
        found.append((s, e, is_label(words) or (bare and follows and "," not in words)))
    return tuple(found)


def _flat_units(text: str, start: int, end: int) -> list[Unit]:
    out: list[Unit] = []
    stem: tuple[int, int] | None = None
    group = 0
    for s, e, label in _flat_units_of(text[start:end]):
        span = (start + s, start + e)
        if label:
            stem, group = span, group + 1
            out.append(Unit(kind="heading", start=span[0], end=span[1], group=group))
            continue
        out.append(Unit(kind="paragraph", start=span[0], end=span[1], stem=stem, group=group))
    return out


def _markdown_units(text: str, start: int, end: int, heading: tuple[str, ...]) -> Iterator[Unit]:
    path: list[tuple[int, str]] = [(0, title) for title in heading]
    stem: tuple[int, int] | None = None
    previous, group, header = "", 0, (0, 0)
    for block in blocks(text, start, end):
        titles = tuple(title for _, title in path)
        span = strip_span(text, block.content, block.end)
        if block.kind == "heading":
            level = block.level
            known = [entry for entry in path if entry[1] != block.title or entry[0]]
            path = [entry for entry in known if entry[0] < level] + [(level, block.title)]
            stem, group = None, group + 1
            yield Unit(kind="heading", start=span[0], end=span[1], heading=titles, group=group)
        elif span[0] == span[1]:
            group += 1
        elif block.kind in ("paragraph", "quote"):
            group += 1
            sentences = sentence_spans(text, *span)
            for s, e in sentences:
                yield Unit(kind=block.kind, start=s, end=e, heading=titles, group=group)
            last = text[slice(*sentences[-1])] if sentences else ""
            stem = sentences[-1] if sentences and is_label(last) else None
        elif block.kind == "item":
            group += previous != "item"
            yield from _item_units(text, span, stem, titles, group)
        elif block.kind == "row":
            if previous != "row":
                group, header = group + 1, span
            if not _is_delimiter(text, span):
                own = None if span == header else header
                yield Unit(kind="row", start=span[0], end=span[1], stem=own, heading=titles, group=group)
        else:
            group += 1
            yield Unit(
                kind=block.kind, start=span[0], end=span[1], stem=stem, heading=titles, group=group
            )
        previous = block.kind


def _item_units(
    text: str,
    span: tuple[int, int],
    stem: tuple[int, int] | None,
    titles: tuple[str, ...],
    group: int,
) -> Iterator[Unit]:
    """A list item as one unit, or as its sentences when it is long."""
    pieces = [span] if span[1] - span[0] <= _LONG_ITEM else sentence_spans(text, *span)
    for s, e in pieces:
        yield Unit(kind="item", start=s, end=e, stem=stem, heading=titles, group=group)
