"""Sentences with exact offsets, in Chinese, English and mixed text.

For text whose line breaks are whole; `flat` cuts entries of a feed, which have lost theirs. Knows
inline code, formulas, links and tags well enough not to cut inside them; knows no blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.text import is_han

__all__ = ["is_balanced", "is_label", "sentence_spans", "strip_span", "whole_spans"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_END = re.compile(
    r"[。！？!?；;…]+"
    r"|\.+(?=[\"'”’)\]*_]{0,3}(?:\s|$))"
    rf"|(?<=[{_HAN}])\.+(?=[{_HAN}])"
    r"|\n"
)
# No mark ends a sentence inside one of these; each is bounded, so a text full of openers is linear.
_WHOLE = re.compile(
    r"`[^`\n]{1,400}`"
    r"|\$\$[^\n$]{1,800}\$\$"
    r"|\$(?![\s$])[^$\n]{1,400}(?<!\s)\$(?!\d)"
    r"|https?://[^\s<>\"，。；！？、（）「」《》“”]{1,2000}"
    r"|<[a-zA-Z/!][^<>\n]{0,300}>"
    r"|&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});"
)
_CLOSERS = frozenset("”’」』）)】》〉]")
_EVEN = frozenset("\"'*_`")  # open and close alike
_OPENERS = {
    "(": ")", "（": "）", "「": "」", "『": "』", "“": "”", "《": "》", "[": "]", "【": "】",
}  # fmt: skip
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|al|dr|mr|mrs|ms|prof|cf|approx|resp|st|jr|inc|ltd|corp)|\b[A-Za-z])$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\b(?:fig|figs|eq|eqs|sec|no|vol|ch|tab|pp|ver|v)$", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"(?:^|\s)\d{1,2}$")
_CONTINUATIONS = "的地得和与是在，,、；;：:。"
_WRAPPED = 50  # a Latin line of so many characters without a mark at its end is a wrapped one
_LONGEST_BRACKET = 300


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without blanks at its ends; empty spans collapse to (start, start)."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return start, end


def whole_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of inline code, formulas, addresses and tags, which are not to be cut; in order."""
    return [match.span() for match in _WHOLE.finditer(text, start, end)]


def is_label(piece: str) -> bool:
    """Whether a piece only announces what follows: it ends in a colon."""
    return piece.rstrip().endswith((":", "：")) and len(piece) <= 80


def is_balanced(text: str, start: int, at: int) -> bool:
    """Whether position `at` lies outside brackets and quotes opened since `start`."""
    if at - start > _LONGEST_BRACKET:  # an unclosed bracket must not swallow the rest of the note
        return True
    stack: list[str] = []
    for char in text[start:at]:
        if char in _OPENERS:
            stack.append(_OPENERS[char])
        elif stack and char == stack[-1]:
            stack.pop()
    return not stack


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Spans of the sentences in `text[start:end]`, blanks between them left out.

    A sentence ends at 。！？；… and their ASCII forms, at a full stop before a blank, and at a
    line break (not where a Latin line is merely wrapped); closing quotes and brackets stay
    with it; nothing ends inside brackets, quotes, inline code, a formula, an address or a tag.

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
    for at, stop in _ends(text, start, end):
        if at < begin or not _may_end(text, begin, at, stop, end):
            continue
        if text[at] != "\n":
            stop = _with_closers(text, begin, at, stop, end)
            if not is_balanced(text, begin, stop) or _goes_on(text, begin, at, stop, end):
                continue
        span = strip_span(text, begin, stop)
        if span[0] < span[1]:
            spans.append(span)
        begin = stop
    span = strip_span(text, begin, end)
    if span[0] < span[1]:
        spans.append(span)
    return spans


def _ends(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the marks that may end a sentence, none of them inside something whole."""
    wholes = _WHOLE.finditer(text, start, end)
    whole = next(wholes, None)
    for match in _END.finditer(text, start, end):
        at = match.start()
        while whole is not None and whole.end() <= at:
            whole = next(wholes, None)
        if whole is None or at < whole.start() or _ends_address(text, whole, at):
            yield match.span()


def _ends_address(text: str, whole: re.Match[str], at: int) -> bool:
    """Whether the mark at `at` stands behind an address rather than in it."""
    tail = text[at : whole.end()]
    return whole.group().startswith("http") and not tail.strip(".,;:!?'*_`)]…")


def _may_end(text: str, begin: int, at: int, stop: int, end: int) -> bool:
    mark = text[at]
    if mark == "\n":
        return not _joins_lines(text, begin, at, end)
    if mark == "." and _in_word(text, begin, at, stop):
        return False
    if mark in "!?;" and stop < end:
        after = text[stop]
        if mark == "!" and after == "[":  # an image
            return False
        # `a;b`, `x!=y`, `C?D`: no mark of a sentence stands tight between ASCII characters
        tight = after.isascii() and not after.isspace() and after not in _CLOSERS | _EVEN
        if tight and at > begin and text[at - 1].isascii() and not text[at - 1].isspace():
            return False
    return True


def _goes_on(text: str, begin: int, at: int, stop: int, end: int) -> bool:
    """Whether a sentence goes on behind the bracket or quote that a mark closes: `（真的！）的`."""
    if is_balanced(text, begin, at):
        return False
    after = text[stop : min(end, stop + 2)].strip()[:1]
    return after != "" and (after in _CONTINUATIONS or (after.isascii() and after.islower()))


def _with_closers(text: str, begin: int, at: int, stop: int, end: int) -> int:
    """The end of a sentence with the quotes, brackets and emphasis that close there."""
    while stop < end:
        char = text[stop]
        if char in _CLOSERS:
            stop += 1
            continue
        if char not in _EVEN:
            break
        after = stop
        while after < end and text[after] == char:
            after += 1
        run = after - stop
        if text.count(char, begin, at) % (2 * run) != run:  # it opens what follows
            break
        stop = after
    return stop


def _in_word(text: str, start: int, at: int, stop: int) -> bool:
    """Whether the full stop at `at` belongs to an abbreviation, number or list marker."""
    if stop - at > 1:  # an ellipsis
        return False
    before = text[max(start, at - 12) : at]
    after = text[stop : stop + 2].strip()[:1]
    if _ABBREVIATION.search(before):
        return True
    if _NUMBERED.search(before) and after.isdigit():
        return True
    number = _LIST_NUMBER.search(before)
    if number is None:
        return False
    # `1. ` is the marker of the item that follows; `in Eq. 2. Then` ends a sentence
    word = before[: number.start()].rstrip()[-1:]
    return not (word.isascii() and (word.isalpha() or word == ".") and "A" <= after <= "Z")


def _joins_lines(text: str, begin: int, at: int, end: int) -> bool:
    """Whether the line break at `at` only wraps a line."""
    if at + 1 >= end or at == begin:
        return False
    before, after = text[at - 1], text[at + 1]
    if before in ",，、" or after in ",，、。；":
        return not after.isspace()
    if is_han(before) or not (before.isascii() and (before.isalnum() or before == "-")):
        return False
    if not (after.isascii() and after.isalnum()):
        return False
    long = at - max(begin, text.rfind("\n", begin, at) + 1) >= _WRAPPED
    return after.islower() or long
