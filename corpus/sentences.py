"""Sentences with exact offsets, in Chinese, English and mixed text.

Two ways to cut: `sentence_spans` for text whose line breaks are whole, and `flat_spans` for an
entry of a feed, whose line breaks an export turned into spaces. Knows nothing of Markdown.
"""

from __future__ import annotations

import re

from corpus.text import is_han

__all__ = ["flat_spans", "is_label", "sentence_spans", "strip_span"]

_END = re.compile(r"[。！？!?；;…]+|\.(?=\s|$)|\n")
_CLOSERS = "”’」』）)】》〉\"'*_`]"
_OPENERS = {"(": ")", "（": "）", "「": "」", "『": "』", "“": "”", "《": "》", "[": "]", "【": "】"}
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|al|fig|eq|sec|no|dr|mr|ms|cf|approx|resp|st|jr|v)|\b[A-Za-z])$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?<=\s)(?=(?:\d{1,2}[.)、](?!\d)|[（(]\d{1,2}[)）]|[-•·①-⑳])\s*\S)")
_LABEL_END = re.compile(r"[:：](?=\s)")
_YEAR = re.compile(r"\d{2,4}\s*年")
# A gap after one of these is spacing between scripts, not a lost line break.
_GLUE = tuple(
    "是 和 与 的 在 用 为 于 对 从 到 比 把 将 以 或 及 由 被 而 即 如 但 有 使用 基于 但是 例如 比如 采用 通过 "
    "以及 叫 称 称为 作为 利用 像 给 向 至 约 共 第 了 等 个 新 多语言".split()
)


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without blanks at its ends; empty spans collapse to (start, start)."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return start, end


def is_label(piece: str) -> bool:
    """Whether a piece only announces what follows: it ends in a colon."""
    return piece.rstrip().endswith((":", "：")) and len(piece) <= 80


def _in_word(text: str, at: int, start: int) -> bool:
    """Whether the full stop at `at` belongs to an abbreviation, number or list marker."""
    before = text[max(start, at - 12) : at]
    if _ABBREVIATION.search(before):
        return True
    # `1. ` is the marker of the item that follows, not the end of a sentence
    return bool(re.search(r"(?:^|\s)\d{1,2}$", before))


def _joins_lines(text: str, at: int, end: int) -> bool:
    """Whether the line break at `at` only wraps a Latin line."""
    if at + 1 >= end or at == 0:
        return False
    before, after = text[at - 1], text[at + 1]
    return (before.isascii() and (before.isalnum() or before in ",-")) and (
        after.isascii() and after.islower()
    )


def _balanced_end(text: str, start: int, at: int) -> bool:
    """Whether position `at` lies outside brackets and quotes opened since `start`."""
    stack: list[str] = []
    for char in text[start:at]:
        if char in _OPENERS:
            stack.append(_OPENERS[char])
        elif stack and char == stack[-1]:
            stack.pop()
    # an unclosed bracket far back must not swallow the rest of the note
    return not stack or at - start > 300


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Spans of the sentences in `text[start:end]`, blanks between them left out.

    A sentence ends at 。！？；… and their ASCII forms, at a full stop before a blank, and at a
    line break (not where a Latin line is merely wrapped); closing quotes and brackets stay
    with it; nothing ends inside brackets or quotes.

    Args:
        text: the whole text; offsets count in it.
        start: where to begin.
        end: where to stop, None for the end of the text.

    Returns:
        Half-open spans in order, none empty.
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    begin = start
    for match in _END.finditer(text, start, end):
        at, stop = match.span()
        if at < begin:
            continue
        mark = match.group()
        if mark == "\n":
            if _joins_lines(text, at, end):
                continue
        else:
            if mark == "." and _in_word(text, at, begin):
                continue
            if not _balanced_end(text, begin, at):
                continue
            while stop < end and text[stop] in _CLOSERS:
                stop += 1
        span = strip_span(text, begin, stop)
        if span[0] < span[1]:
            spans.append(span)
        begin = stop
    span = strip_span(text, begin, end)
    if span[0] < span[1]:
        spans.append(span)
    return spans


def _spaces_are_breaks(text: str) -> bool:
    """Whether this writer puts no space between scripts, so that a space was a line break."""
    tight = loose = 0
    for i in range(1, len(text) - 1):
        left, char, right = text[i - 1], text[i], text[i + 1]
        if char == " ":
            loose += (is_han(left) and _is_latin(right)) or (_is_latin(left) and is_han(right))
        elif (is_han(char) and _is_latin(right)) or (_is_latin(char) and is_han(right)):
            tight += 1
    return loose <= 0.35 * (tight + loose)


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _lost_breaks(text: str, start: int, end: int, *, tight: bool) -> list[int]:
    """Positions inside one sentence where an export probably dropped a line break."""
    cuts = [m.start() for m in _ITEM.finditer(text, start, end)]
    cuts += [
        m.end()
        for m in _LABEL_END.finditer(text, start, end)
        if m.start() - start <= 60 and _balanced_end(text, start, m.start())
    ]
    begin = start
    for match in re.finditer(r"\s+", text[start:end]):
        at, after = start + match.start(), start + match.end()
        if at == start or after >= end:
            continue
        left, right = text[at - 1], text[after]
        if is_han(left) and is_han(right):
            cuts.append(after)
        elif is_han(left) and _is_latin(right):
            opens_date = _YEAR.match(text, after) is not None
            clause = text[begin:at]
            if opens_date or (tight and len(clause) >= 8 and not clause.endswith(_GLUE)):
                cuts.append(after)
        elif left in "-)）\"”" and is_han(right):
            cuts.append(after)
        begin = after if after in cuts else begin
    return sorted(set(cuts))


def flat_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Spans of sentences, labels and list items in an entry that has lost its line breaks.

    On top of `sentence_spans`: a space between two ideographs, a space before a numbered
    item, and the space after a label's colon are taken for lost breaks; so is a space between
    an ideograph and a Latin word, where the entry otherwise sets the scripts tight.

    Returns:
        Half-open spans in order, none empty.
    """
    end = len(text) if end is None else end
    tight = _spaces_are_breaks(text[start:end])
    spans: list[tuple[int, int]] = []
    for s, e in sentence_spans(text, start, end):
        cuts = [s, *(c for c in _lost_breaks(text, s, e, tight=tight) if s < c < e), e]
        for a, b in zip(cuts, cuts[1:], strict=False):
            a, b = strip_span(text, a, b)
            if a < b:
                spans.append((a, b))
    return _rejoin(text, spans)


def _rejoin(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Bare list markers go back to the item that follows them."""
    out: list[tuple[int, int]] = []
    for span in spans:
        if out and re.fullmatch(r"[（(]?\d{1,2}[.)、）]?", text[slice(*out[-1])]):
            out[-1] = (out[-1][0], span[1])
        else:
            out.append(span)
    return out
