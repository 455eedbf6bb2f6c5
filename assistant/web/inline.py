"""The text of a line as pieces of markup: links, code, formulas, emphasis and plain runs."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from assistant.web.markup import How, Piece, escape, formula

__all__ = ["DISPLAY_MATH", "bars", "formula_spans", "inline", "protected_spans"]

DISPLAY_MATH = re.compile(
    r"[ \t]*(?:\$\$(?P<a>(?:(?!\n[ \t]*\n)[^$]){1,4000}?)\$\$"
    r"|\\\[(?P<b>(?:(?!\n[ \t]*\n).){1,4000}?)\\\])",
    re.S,
)
_CODE = r"(?<!`)(?P<ticks>`{1,2})(?!`)(?P<code>[^\n]+?)(?<!`)(?P=ticks)(?!`)"
# A formula between single dollars: no blank inside either dollar, no digit after the second. Han
# characters may touch it, 其中$w$是权重, but before a digit they speak of a price.
_MATH = (
    r"\$\$(?P<m2>[^$\n]+?)\$\$|\\\((?P<m1>[^\n]+?)\\\)"
    r"|(?:(?<![\\$\w])|(?<![\\$A-Za-z0-9_])(?!\$\d))\$(?P<m0>(?![\s$])[^$\n]*?(?<![\s\\$]))\$(?![\d$])"
)
_FORMULA = re.compile(_MATH)
_ATOM = re.compile(
    rf"{_CODE}|{_MATH}"
    r"|!?\[\[(?P<wiki>[^\[\]\n|]+)(?:\|(?P<alias>[^\[\]\n|]+))?\]\]"
    r"|!\[(?P<image>[^\[\]\n]*)\]\([^()\n]*\)"
    r"|(?<!!)\[(?P<link>[^\[\]\n]+)\]\((?P<url>[^()\n]*)\)"
    r"|==(?P<hl>[^=\s](?:[^=\n]*[^=\s])?)=="
    r"|~~(?P<del>[^~\s](?:[^~\n]*[^~\s])?)~~"
    r"|(?<![\w*])\*(?P<em>[^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])"
    r"|(?P<bold>\*\*)"
)
_PROTECTED = re.compile(
    rf"^[ \t]*(?P<fence>`{{3,}}|~{{3,}}).*?(?:^[ \t]*(?P=fence)|\Z)|{_CODE}|{_MATH}", re.M | re.S
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Spans of code and formulas, in which brackets are never markers."""
    return [match.span() for match in _PROTECTED.finditer(text)]


def formula_spans(text: str) -> list[tuple[int, int]]:
    """Spans of formulas, those of several lines among them; they may overlap."""
    return [match.span() for shape in (DISPLAY_MATH, _FORMULA) for match in shape.finditer(text)]


def bars(text: str, start: int, end: int) -> Iterator[int]:
    """Bars of a row that end a cell: not in code, in a formula, in a link, behind a backslash."""
    at = start
    atoms = ((match.start(), match.end()) for match in _ATOM.finditer(text, start, end))
    for low, high in [*atoms, (end, end)]:
        while 0 <= (bar := text.find("|", at, low + 1)) < min(low + 1, end):
            if text[bar - 1] != "\\":
                yield bar
            at = bar + 1
        at = max(at, high)


def inline(text: str, start: int, end: int, how: How) -> Iterator[Piece]:
    """Pieces of a line's text: links of ours, code, formulas, bold and plain runs."""
    bold = False
    at = start
    inside = [link for link in how.links if start <= link.start and link.end <= end]
    for link in [*inside, None]:
        stop = link.start if link else end
        nbars = sum(1 for match in _ATOM.finditer(text, at, end) if match["bold"])
        for match in _ATOM.finditer(text, at, stop):
            yield from _runs(text, at, match.start(), how.cuts, bold)
            if match["bold"]:
                if bold or nbars > 1:
                    bold = not bold
                else:  # a lone pair of stars is no markup
                    yield Piece(match.start(), "**")
                nbars -= 1
            else:
                yield from _atom(text, match, how, bold)
            at = match.end()
        yield from _runs(text, at, stop, how.cuts, bold)
        if link:
            title = f' title="{escape(link.title)}"' if link.title else ""
            shown = escape(text[link.start : link.end])
            yield Piece(link.start, f'<a class="{link.css}" href="{link.href}"{title}>{shown}</a>')
            at = link.end


def _atom(text: str, match: re.Match[str], how: How, bold: bool) -> Iterator[Piece]:
    """Pieces of one matched construct."""
    body = match["m0"] or match["m1"] or match["m2"]
    if match["code"]:
        yield Piece(match.start(), f"<code>{escape(match['code'])}</code>")
    elif body and (not _HAN.search(body) or "\\" in body):
        yield Piece(match.start(), formula(body, display=bool(match["m2"])))
    elif body:  # Chinese between two dollars: prices, not a formula
        yield from _runs(text, match.start(), match.end(), how.cuts, bold)
    else:
        yield from _worded(text, match, how, bold)


_TAGS = {"hl": "mark", "del": "del", "em": "em"}


def _worded(text: str, match: re.Match[str], how: How, bold: bool) -> Iterator[Piece]:
    """Pieces of a construct that shows words: emphasis, or a link's."""
    groups = ("hl", "del", "em", "alias", "wiki", "image", "link")
    group = next(name for name in groups if match[name] is not None)
    start, end = match.span(group)
    opening = closing = ""
    if group in _TAGS:
        css = " class='han'" if group == "em" and _HAN.search(match["em"]) else ""
        opening, closing = f"<{_TAGS[group]}{css}>", f"</{_TAGS[group]}>"
    elif how.places and group != "image":
        href = how.places(match["wiki"] if match["link"] is None else match["url"])
        if href:
            out = ' target="_blank" rel="noopener noreferrer"' if href.startswith("http") else ""
            opening, closing = f'<a class="w" href="{escape(href)}"{out}>', "</a>"
    if opening:
        yield Piece(-1, opening)
    yield from _runs(text, start, end, how.cuts, bold)
    if closing:
        yield Piece(-1, closing)


def _runs(text: str, start: int, end: int, cuts: Sequence[int], bold: bool) -> Iterator[Piece]:
    """Plain text, cut where a mark starts or ends."""
    inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
    edges = [start, *inner, end]
    for left, right in pairwise(edges):
        if left < right:
            shown = escape(text[left:right])
            yield Piece(left, f"<strong>{shown}</strong>" if bold else shown)
