"""Citation markers in a text: [1], [1, 2], [1-3], [^1], 【1】, [来源 1].

Tells them from years, values and footnotes in brackets. Knows the notation only; whose they are,
`claims` knows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from corpus.sentences import whole_spans
from corpus.tokens import tokens

__all__ = ["BETWEEN", "Marker", "blanked", "markers_of", "without_markers"]

BETWEEN = ' \t\u3000。．.!！;；,，、)）"”*_'  # may stand between a claim and its marker

# Also ［1］ and 【1†source】. Not (1): that may be a year or an item.
_NUMBERS = r"\d{1,3}(?:\s*[,，、\-–~]\s*\d{1,3})*"
_MARKER = re.compile(
    rf"[\[【［](?:\^|来源|出处|参考|笔记|资料|source|ref|note|doc)?\s*[:：]?\s*({_NUMBERS})"
    r"\s*(?:†[^\]】\n]{0,40})?[\]】］](?!\()",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(
    r"^[ \t]{0,3}\[\^\d{1,3}\](?=:)", re.MULTILINE
)  # its text follows: no marker
_RANGE = re.compile(r"(\d+)(?:\s*[-–~]\s*(\d+))?")
# What stands before a value in brackets: `取值 [0, 1]`, `shape = [2, 3]`, `a[1]`.
_VALUED = re.compile(
    r"(?:[=∈(\[:：×x<]|>|取值?|为|是|在|到|于|至|\b(?:in|is|of|to)|"
    r"(?<![A-Za-z0-9_])[A-Za-z](?=$))\s*$",
    re.IGNORECASE,
)
# Nouns that a value in brackets follows; behind one that ends its line, a blank and one number in
# brackets are a marker: 查看模型列表 [4].
_MEASURED = re.compile(
    r"(?:区间|范围|形状|维度|列表|数组|序列|\b(?:shape|size|range))(\s*)$", re.IGNORECASE
)
_LONGEST_TAG = 80
_TAG_END = re.compile(r"</?[A-Za-z][^<>\n]*>\s*$")  # its ">" compares nothing
_STEM = re.compile(r"(\S.*\S)\s*[:：]\s+$")


class Marker(NamedTuple):
    """A marker: its span, and the numbers of the passages it names."""

    start: int
    end: int
    numbers: tuple[int, ...]


def markers_of(text: str) -> list[Marker]:
    """The markers of a text outside inline code and formulas, in order."""
    wholes = whole_spans(text, 0, len(text))
    starts = [span[0] for span in wholes]
    footnotes = {m.start() + m.group().index("[") for m in _FOOTNOTE.finditer(text)}
    found = []
    for m in _MARKER.finditer(text):
        at = bisect_right(starts, m.start()) - 1
        is_inside = at >= 0 and m.end() <= wholes[at][1] and text[wholes[at][0]] in "`$"
        numbers = _numbers(m.group(1))
        if is_inside or not numbers or 0 in numbers or m.start() in footnotes:
            continue
        is_value = _is_valued(text, m.start(), m.end(), is_one=len(numbers) == 1)
        if is_value and len(numbers) == 1 and _closes_stem(text, m.start(), m.end()):
            is_value = False
        if not is_value and (len(numbers) == 1 or max(numbers) < 100):
            found.append(Marker(m.start(), m.end(), numbers))
    return found


def without_markers(text: str) -> str:
    """The text without its citation markers and the blanks before them."""
    out, at = [], 0
    for start, end, _ in markers_of(text):
        out.append(text[at:start].rstrip(" \t"))
        at = end
    return "".join([*out, text[at:]])


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with as many blanks for each span, in order: every sentence ends where it ended."""
    out, at = [], 0
    for start, end in spans:
        out += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*out, text[at:]])


def _is_valued(text: str, start: int, end: int, *, is_one: bool) -> bool:
    """Whether what stands before a bracket makes it a value."""
    before = text[max(0, start - 8) : start]
    if _TAG_END.search(text, max(0, start - _LONGEST_TAG), start):
        return False
    noun = _MEASURED.search(before)
    if noun is None:
        return _VALUED.search(before) is not None
    closes = not text[end:].partition("\n")[0].strip(BETWEEN)
    return not (is_one and closes and noun[1])


def _closes_stem(text: str, start: int, end: int) -> bool:
    """Whether a bracket behind a colon ends the line that introduces a list: 分三类: [1]."""
    if text[end:].partition("\n")[0].strip():
        return False
    stem = _STEM.search(text[text.rfind("\n", 0, start) + 1 : start])
    if stem is None or _MEASURED.search(stem[1]) or _VALUED.search(stem[1]):
        return False
    return len(tokens(stem[1])) > 1


def _numbers(written: str) -> tuple[int, ...]:
    """`1, 3-5` as 1, 3, 4, 5; no more than thirty of one range."""
    out: list[int] = []
    for first, last in _RANGE.findall(written):
        stop = int(last or first)
        out += range(int(first), stop + 1) if stop - int(first) < 30 else []
    return tuple(dict.fromkeys(out))
