"""Entries of a feed, whose line breaks an export turned into spaces: sentences, labels, items.

`flat_spans` finds the lost breaks again from how the writer sets spaces; `flat_units` tells
labels and headings from what may be quoted. Rules of thumb, each with its reason: a cut too few
leaves two sentences together, a cut too many tears a name or a number. Knows no Markdown.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from corpus.sentences import is_balanced, is_label, sentence_spans, strip_span
from corpus.text import is_han
from corpus.types import Unit

__all__ = ["flat_spans", "flat_units"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LOOSE = re.compile(rf"(?<=[{_HAN}]) (?=[A-Za-z0-9])|(?<=[A-Za-z0-9]) (?=[{_HAN}])")
_TIGHT = re.compile(rf"(?<=[{_HAN}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{_HAN}])")
_GAP = re.compile(r"(?<=\s)(?=\S)")
_MARKS = "。！？!?；;…"
_NUMBER_ITEM = re.compile(
    r"(?<=\s)(?=(\d{1,2})([.)、](?!\d)|[)）])\s*\S)|(?<=\s)(?=[（(](\d{1,2})[)）]\s*\S)"
)
_BULLET = re.compile(r"(?<=\s)(?=[•·●▪①-⑳]\s*\S)")
_DASH = re.compile(r"(?<=\s)(?=- \S)")
_HAN_LABEL = re.compile(rf"(?<=\s)(?=[{_HAN}]{{1,4}}[:：]\s)")
# What papers and repositories are described by. The value stays with its key: `Paper: 2021.1 …`.
_WORDS = (
    r"Paper|Git[Hh]ub|Code|Prompt|Task(?: & Model)?|Model|Dataset|Blog|Link|Authors?|Date|Project"
)
_KEY = re.compile(rf"(?<=\s)(?<!& )(?=(?:{_WORDS})[:：])")
_GLUED_KEY = re.compile(rf"(?<=[a-z0-9])(?=(?:{_WORDS})[:：])")
_IS_KEY = re.compile(rf"(?:{_WORDS})[:：]")
_YEAR = re.compile(r"\d{2,4}\s*年")
_QUANTITY = re.compile(
    r"\d[\d.,]*\s*(?:[%‰]|(?:[KMGTP]i?B|[KMBTkx]|ms|s|h|min|d|bits?|tokens?|FLOPS?|[kMG]?Hz|mm?|cm|k[gm])"
    rf"(?![A-Za-z])|[{_HAN}]|[^A-Za-z]|$)"
)
_TITLE_WORD = re.compile(
    rf"[{_HAN}]{{0,4}}(?:背景|概述|简介|介绍|引言|前言|摘要|总结|结论|结构|架构|原理|分类|流程|方法"
    r"|实验|优势|劣势|优点|缺点|不足|参考|目标|动机|特点|应用|步骤|原因|思路|过程)(?=\s)"
)
_TWICE = re.compile(r"([A-Za-z][\w-]*)(?: [A-Za-z][\w-]*){0,2} (?=\1(?![\w-]))")
_LATIN_TITLE = re.compile(rf"[A-Za-z][\w.+-]*(?: [A-Za-z\d][\w.+-]*){{0,3}} (?=[{_HAN}])")
# A gap after one of these is spacing between scripts, not a lost line break; nor is one before.
_GLUE = tuple(
    "是 和 与 的 在 用 为 于 对 从 到 比 把 将 以 或 及 由 被 而 即 如 但 有 使用 基于 但是 例如 "
    "比如 采用 通过 以及 叫 称 称为 作为 利用 像 给 向 至 约 共 第 了 等 个 新 多语言 支持 包括 "
    "超过 达到 需要 大于 小于".split()
)
_GLUE_NEXT = tuple("是的和与在中等将会可被对为用有来把从也都则即及或上下里")
_CONNECTIVE = re.compile(
    r"而且|当然|具体|此外|另外|但是?|因此|所以|后文|接下来|首先|其次|最后|反过来|总之|这个|这种|从而"
    r"|为了|不过"
)
_NUMERAL = {**{n: i for i, n in enumerate("一二三四五六七八九十", 1)}, "两": 2}
_ANNOUNCED = re.compile(
    r"([一两二三四五六七八九十]|\d{1,2})\s*(?:个|种|类|步|点|条|项|大|方面|阶段|部分|层)"
)
_ITEM_MARK = re.compile(r"[（(]?(\d{1,2})([.)、）])|[•·●▪①-⑳-]\s")
_TITLE_LENGTH = 16


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
    fixed = sorted(_fixed_cuts(text, start, end))
    spans: list[tuple[int, int]] = []
    for s, e in sentence_spans(text, start, end):
        cuts = [s, *_lost_breaks(text, s, e, fixed=fixed, tight=tight, is_first=s <= start + 2), e]
        for a, b in pairwise(cuts):
            a, b = strip_span(text, a, b)
            if a < b:
                spans.append((a, b))
    return _rejoin(text, spans)


def _spaces_are_breaks(text: str) -> bool:
    """Whether this writer puts no space between scripts, so that a space was a line break."""
    loose = sum(1 for _ in _LOOSE.finditer(text))
    tight = sum(1 for _ in _TIGHT.finditer(text))
    return loose <= tight


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _fixed_cuts(text: str, start: int, end: int) -> set[int]:
    """Where an item or a key starts, whatever stands before it."""
    cuts = {match.start() for match in _BULLET.finditer(text, start, end)}
    dashes = [match.start() for match in _DASH.finditer(text, start, end)]
    cuts.update(dashes if len(dashes) > 1 else ())
    keys = {match.start() for match in _KEY.finditer(text, start, end)}
    keys.update(match.start() for match in _GLUED_KEY.finditer(text, start, end))
    cuts.update(keys if len(keys) > 1 else ())
    # `Llama 3. 它` is no item: a list counts from 1, or says 1 each time
    seen: set[tuple[int, str]] = set()
    opening = _ITEM_MARK.match(text, start)
    if opening and opening.group(1):
        seen.add((int(opening.group(1)), opening.group(2)))
    for match in _NUMBER_ITEM.finditer(text, start, end):
        number, closer = int(match.group(1) or match.group(3)), match.group(2) or "()"
        if number <= 1 or (number - 1, closer) in seen:
            seen.add((number, closer))
            cuts.add(match.start())
    return cuts


def _lost_breaks(
    text: str, start: int, end: int, *, fixed: list[int], tight: bool, is_first: bool
) -> list[int]:
    """Positions inside one sentence where an export probably dropped a line break, ascending."""
    cuts: list[int] = []
    begin = start
    opening = _opening_title(text, start, end, tight=tight and is_first)
    gaps = {match.start() for match in _GAP.finditer(text, start + 1, end)}
    sure = {opening, *fixed[bisect_left(fixed, start) : bisect_left(fixed, end)]}
    for at in sorted(gaps | sure):
        if at in sure or _breaks(text, begin, at, end, tight=tight):
            cuts.append(at)
            begin = at
    return [at for at in cuts if start < at < end]


def _opening_title(text: str, start: int, end: int, *, tight: bool) -> int:
    """Where the sentence proper starts behind a title that stands before it; 0 if there is none."""
    found = _TITLE_WORD.match(text, start, end) or _TWICE.match(text, start, end)
    if found is None and tight:
        found = _LATIN_TITLE.match(text, start, end)
        if found and text.startswith(_GLUE_NEXT, found.end()):
            found = None
    if found is None:
        return 0
    at = found.end()
    while at < end and text[at].isspace():
        at += 1
    return at


def _breaks(text: str, begin: int, at: int, end: int, *, tight: bool) -> bool:
    """Whether the blank before `at`, in a piece that began at `begin`, was a line break."""
    last = at - 1
    while last > begin and text[last].isspace():
        last -= 1
    left, right = text[last], text[at]
    if left in ":：":
        return (
            last - begin <= 60
            and is_balanced(text, begin, last)
            and not _IS_KEY.match(text, begin, last + 1)
        )
    if is_han(left):
        breaks = is_han(right) or (_is_latin(right) and _opens_latin(text, begin, last, at, tight))
    elif is_han(right):
        breaks = not text.startswith(_GLUE_NEXT, at) and _opens_han(text, begin, last, at, tight)
    else:
        breaks = tight and left in ")）" and right.isalpha()
    return breaks and is_balanced(text, begin, at)


def _opens_latin(text: str, begin: int, last: int, at: int, tight: bool) -> bool:
    """Whether a line starts with the Latin word at `at`, after an ideograph at `last`."""
    if text[at].isdigit() and _QUANTITY.match(text, at):
        return _YEAR.match(text, at) is not None and at - begin > 6
    clause = text[max(begin, last - 12) : last + 1]
    return tight and last + 1 - begin >= 8 and not clause.endswith(_GLUE)


def _opens_han(text: str, begin: int, last: int, at: int, tight: bool) -> bool:
    """Whether a line starts with the ideograph at `at`, after a mark or Latin letter at `last`."""
    left = text[last]
    if left in ")）":
        opened = text.rfind("(" if left == ")" else "（", max(begin, last - 300), last)
        return tight or not (opened > begin and text[opened - 1] == " ")
    return left in '-"”' or (tight and _HAN_LABEL.match(text, at) is not None)


def _rejoin(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Bare list markers go back to the item that follows them, remarks to what precedes them."""
    out: list[tuple[int, int]] = []
    for start, end in spans:
        marker = out and re.fullmatch(r"[（(]?\d{1,2}[.)、）]?|[•·●▪①-⑳-]", text[slice(*out[-1])])
        remark = out and out[-1][1] == start and text[start] in "(（"
        if marker or remark:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def flat_units(text: str, start: int = 0) -> Iterator[Unit]:
    """The quotable pieces of an entry in order; labels and headings come as kind "heading".

    The stem of a piece is the label whose list it belongs to, else the heading above it.
    """
    spans = flat_spans(text, start)
    pieces = [text[s:e] for s, e in spans]
    run = _Run()
    for n, span in enumerate(spans):
        piece = pieces[n]
        if is_label(piece):
            run.announce(span, piece)
        elif run.holds_title(piece) and _is_title(pieces, n):
            run.head(span, piece)
        else:
            stem = run.stem(piece)
            yield Unit(kind="paragraph", start=span[0], end=span[1], stem=stem, group=run.group)
            continue
        yield Unit(kind="heading", start=span[0], end=span[1], group=run.group)


class _Run:
    """The heading and label that govern the present piece, and how far the label reaches."""

    def __init__(self) -> None:
        self.group = 0
        self._heading: tuple[int, int] | None = None
        self._label: tuple[int, int] | None = None
        self._is_open = False
        self._left = 0  # items that the label still announces; -1 when it does not say
        self._lengths: list[int] = []
        self._is_marked = False  # whether the items end in marks
        self._previous = "。"  # before the first piece nothing is open

    def announce(self, span: tuple[int, int], piece: str) -> None:
        """A label: what follows belongs to it."""
        self.group += 1
        self._label, self._is_open, self._lengths = span, True, []
        said = _ANNOUNCED.findall(piece)
        number = said[-1] if said else ""
        self._left = _NUMERAL.get(number) or (int(number) if number else -1)
        self._previous = piece

    def head(self, span: tuple[int, int], piece: str) -> None:
        """A heading: no label reaches beyond it."""
        self.group += 1
        self._heading, self._label, self._is_open = span, None, False
        self._previous = piece

    def holds_title(self, piece: str) -> bool:
        """Whether a title may stand here: not among the items of a label."""
        if self._is_open and self._left and not _ITEM_MARK.match(piece):
            return self._is_marked and bool(self._lengths)
        return self._left == 0 or self._ended() or self._label is None

    def _ended(self) -> bool:
        return self._previous[-1] in _MARKS + ".:："

    def stem(self, piece: str) -> tuple[int, int] | None:
        """The span that governs a piece, which is counted as said."""
        item, marked = _ITEM_MARK.match(piece) is not None, piece[-1] in _MARKS
        belongs = self._label is not None and (item or (self._is_open and self._left != 0))
        if belongs and not item:
            usual = max(self._lengths, default=0)
            is_other = marked and not self._is_marked and len(piece) > 2 * usual
            if self._lengths and (is_other or _CONNECTIVE.match(piece)):
                belongs = self._is_open = False
            elif marked and self._lengths and not self._is_marked:
                self._is_open = False  # the last of the items that had no marks
        if belongs:
            if not self._lengths:
                self._is_marked = marked
            self._lengths.append(len(piece))
            self._left -= self._left > 0
        self._previous = piece
        return self._label if belongs else self._heading


def _is_title(pieces: list[str], n: int) -> bool:
    """Whether a short piece without a mark announces the longer ones behind it."""
    piece, after = pieces[n], pieces[n + 1 : n + 3]
    if len(piece) > _TITLE_LENGTH or piece[-1] in _MARKS + "." or piece[0] in ",，、(（":
        return False
    if not after or any(mark in piece for mark in ",，"):
        return False
    item = _ITEM_MARK.match(piece)
    if item:
        mark = item.group(2)

        def is_sibling(other: str) -> bool:
            found = _ITEM_MARK.match(other)
            return found is not None and found.group(2) == mark

        return not (is_sibling(after[0]) or (n and is_sibling(pieces[n - 1])))
    return any(len(other) > 2 * len(piece) or other[-1] in _MARKS for other in after)
