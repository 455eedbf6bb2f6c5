"""Markdown as blocks with exact offsets.

`blocks` cuts a text into headings, paragraphs, list items, table rows, code fences, formulas and
quotes. Knows Markdown, line by line; not files (`readers`), sizes (`chunking`) nor what of a block
can be quoted (`units`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.outlines import org_blocks, rst_blocks
from corpus.types import Block, NoteFormat

__all__ = ["BLOCK_ID", "blocks", "is_delimiter"]

# Anchored and without two neighbours that match the same characters: a line costs its length.
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_QUOTED = re.compile(r"[ \t]*(?:>[ \t]*)*")
_FENCE = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")
_ITEM = re.compile(
    r"([ \t]*)(?:(?:[-*+•·●▪]|\d{1,3}[.)])[ \t]+|(?:\d{1,3}、|[（(]\d{1,2}[)）]|[①-⑳])[ \t]*)"
    r"(?:\[[ xX]\][ \t]+)?(?=\S)"
)
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+(?:\[![\w-]+\][+-]?[ \t]*)?")
_CELL = re.compile(r":?-+:?")
_RULE = re.compile(r"[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|_{3,}[ \t]*|={3,}[ \t]*|:{3,}.*)$")
_UNDERLINE = re.compile(r" {0,3}(={2,}|-{3,})[ \t]*$")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,50}\]:[ \t]*")
# pictures and tags alone on their line
_PICTURE = re.compile(r"(?:\s*\[?!\[[^\]]*\]\([^)]*\)(?:\]\([^)]*\))?)+\s*")
_TAGS = re.compile(r"(?:\s*</?[a-zA-Z][^<>]*>)+\s*")
# lines of a site generator
_LIQUID = re.compile(r"(?:\s*(?:\{%.*?%\}|\{\{[<%].*?[>%]\}\}|\{:[^{}]*\}))+\s*")
# by which other notes refer to a block: at the end of its last line, or alone below it
BLOCK_ID = re.compile(r"(?:^|[ \t]+)\^[\w-]{1,60}[ \t]*$")
_DISPLAY = {"$$": "$$", "\\[": "\\]"}
_LONGEST_RUN = 60  # lines of a formula or comment; further on its opener is taken for text

_Lines = list[tuple[int, int]]


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the lines in `text[start:end]`, line breaks left out."""
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield at, stop
        at = stop + 1


def blocks(
    text: str, start: int = 0, end: int | None = None, *, markup: NoteFormat = "markdown"
) -> list[Block]:
    """The blocks of `text[start:end]` in order; together they hold all its non-blank text.

    An unclosed fence runs to the end, an unclosed formula is prose: nothing is lost.

    Args:
        text: the text.
        start: where to begin.
        end: where to stop.
        markup: "org" and "rst" have headings and code of their own.
    """
    end = len(text) if end is None else end
    if markup == "org":
        return org_blocks(text, start, end, blocks)
    if markup == "rst":
        return rst_blocks(text, start, end, blocks)
    lines = list(_lines(text, start, end))
    out: list[Block] = []
    i = 0
    while i < len(lines):
        i = _take(text, lines, i, out)
    return out


def _take(text: str, lines: _Lines, i: int, out: list[Block]) -> int:
    """Append the block that starts on line i; return the line after it."""
    start, end = lines[i]
    line = text[start:end]
    if not line.strip():
        return i + 1
    j = _end_of_fence(text, lines, i)
    if j:
        out.append(Block(kind="code", start=start, end=lines[j - 1][1], content=start))
        return j
    j = _end_of_formula(text, lines, i)
    if j:
        out.append(Block(kind="formula", start=start, end=lines[j - 1][1], content=start))
        return j
    j = _end_of_comment(text, lines, i)
    if j:
        end = lines[j - 1][1]
        out.append(Block(kind="paragraph", start=start, end=end, content=end))
        return j
    heading = _heading(line, start)
    if heading:
        out.append(heading)
        return i + 1
    if _is_row(text, lines, i, out):
        out.append(Block(kind="row", start=start, end=end, content=start))
        return i + 1
    if _is_silent(line):
        out.append(Block(kind="paragraph", start=start, end=end, content=end))
        return i + 1
    return _take_prose(text, lines, i, out)


def _heading(line: str, start: int) -> Block | None:
    found = _HEADING.match(line)
    if found is None:
        return None
    title = line[found.end() :].strip()
    closed = title.rstrip("#")
    if not closed or closed[-1] in " \t":  # `## Title ##`, not `# C#`
        title = closed.rstrip()
    at = line.find(title, found.end())
    end = start + len(line)
    content = start + at if title else end
    level = len(found.group(1))
    return Block(kind="heading", start=start, end=end, content=content, level=level, title=title)


def _end_of_fence(text: str, lines: _Lines, i: int) -> int:
    """The line after the fence that opens on line i; 0 if none does."""
    line = text[slice(*lines[i])]
    if "```" not in line and "~~~" not in line:
        return 0
    quoted = _QUOTED.match(line)
    at = quoted.end() if quoted else 0
    item = _ITEM.match(line, at)
    opener = _FENCE.match(line, item.end() if item else at)
    if opener is None:
        return 0
    closer, in_quote = opener.group(), ">" in line[:at]
    for j in range(i + 1, len(lines)):
        piece = text[slice(*lines[j])].strip()
        if in_quote:
            if not piece.startswith(">"):
                return j
            piece = piece.lstrip("> ")
        if piece.startswith(closer) and not piece.strip(closer[0]):
            return j + 1
    return len(lines)


def _end_of_formula(text: str, lines: _Lines, i: int) -> int:
    r"""The line after the display formula that opens on line i (`$$`, `\[`); 0 if none does."""
    line = text[slice(*lines[i])]
    if "$$" not in line and "\\[" not in line:
        return 0
    quoted = _QUOTED.match(line)
    body = line[quoted.end() if quoted else 0 :].rstrip()
    opener = body[:2]
    closer = _DISPLAY.get(opener)
    if closer is None:
        return 0
    if closer in body[2:]:
        whole = body.endswith(closer) and body.count(closer) == 1 + (opener == closer)
        return i + 1 if whole else 0
    for j in range(i + 1, min(len(lines), i + _LONGEST_RUN)):
        if closer in text[slice(*lines[j])]:
            return j + 1
    return 0


def _end_of_comment(text: str, lines: _Lines, i: int) -> int:
    """The line after the HTML comment that opens on line i, if it ends its last line; else 0."""
    line = text[slice(*lines[i])].strip()
    if not line.startswith("<!--") or "-->" in line:
        return 0
    for j in range(i + 1, min(len(lines), i + _LONGEST_RUN)):
        other = text[slice(*lines[j])]
        if "-->" in other:
            return j + 1 if other.rstrip().endswith("-->") else 0
    return 0


def _is_row(text: str, lines: _Lines, i: int, out: list[Block]) -> bool:
    line = text[slice(*lines[i])].strip()
    if "|" not in line:
        return False
    if len(line) > 1 and line[0] == line[-1] == "|":
        return True
    if out and out[-1].kind == "row" and out[-1].end + 1 == lines[i][0]:
        return True
    return i + 1 < len(lines) and is_delimiter(text[slice(*lines[i + 1])])


def is_delimiter(line: str) -> bool:
    """Whether a line parts the header of a table from its rows (`|---|:-:|`)."""
    if "|" not in line or "-" not in line:
        return False
    cells = line.strip().strip("|").split("|")
    return all(_CELL.fullmatch(cell.strip()) for cell in cells)


def _is_silent(line: str) -> bool:
    """Whether a line says nothing itself: a rule, a border, a comment, a picture, a tag."""
    bare = line.strip()
    if bare[:1] in "![" and _PICTURE.fullmatch(bare):
        return True
    if bare[:1] == "<" and (_TAGS.fullmatch(bare) or bare.startswith("<!--")):
        return bare.endswith(">")
    if bare[:1] in "{^" and (_LIQUID.fullmatch(bare) or BLOCK_ID.fullmatch(bare)):
        return True
    return _RULE.match(line) is not None


def _opens_block(text: str, lines: _Lines, i: int) -> bool:
    """Whether line i cannot continue a paragraph or an item."""
    line = text[slice(*lines[i])]
    bare = line.strip()
    return (
        not bare
        or bare[0] == ">"
        or (bare[0] == bare[-1] == "|" and len(bare) > 1)
        or _HEADING.match(line) is not None
        or _ITEM.match(line) is not None
        or _FOOTNOTE.match(line) is not None
        or _is_silent(line)
        or bare.startswith("<!--")
        or _end_of_fence(text, lines, i) > 0
        or _end_of_formula(text, lines, i) > 0
    )


def _take_prose(text: str, lines: _Lines, i: int, out: list[Block]) -> int:
    """A list item, quote or paragraph with the lines that continue it."""
    start, end = lines[i]
    line = text[start:end]
    if line.lstrip().startswith(">"):
        quote = _QUOTE.match(line)
        at = quote.end() if quote else 0
        inner = _ITEM.match(line, at)
        content = start + (inner.end() if inner else at)
        out.append(Block(kind="quote", start=start, end=end, content=content))
        return i + 1
    item = _ITEM.match(line)
    j = i + 1
    if item is None and j < len(lines) and _is_title(line):
        under = _UNDERLINE.match(text[slice(*lines[j])])
        if under:
            level, title = 1 if "=" in under.group(1) else 2, line.strip()
            content, end = start + line.index(title), lines[j][1]
            out.append(
                Block(
                    kind="heading", start=start, end=end, content=content, level=level, title=title
                )
            )
            return j + 1
    while j < len(lines) and not _opens_block(text, lines, j):
        end = lines[j][1]
        j += 1
    if item:
        depth, content = len(item.group(1).expandtabs(4)) // 2, start + item.end()
        out.append(Block(kind="item", start=start, end=end, content=content, level=depth))
    else:
        note = _FOOTNOTE.match(line)
        content = start + (note.end() if note else 0)
        out.append(Block(kind="paragraph", start=start, end=end, content=content))
    return j


def _is_title(line: str) -> bool:
    """Whether a line may be a heading if the next one underlines it."""
    bare = line.strip()
    return len(bare) <= 60 and bare[-1] not in "。！？；;.!?：:，,、|"
