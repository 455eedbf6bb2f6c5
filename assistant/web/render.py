"""Note and model text as markup that can carry nothing but what is made here.

A small Markdown subset (paragraphs, lists, tables, quotes, headings, code, formulas, bold) is
drawn by hand and every other character is escaped, so no tag, link, image or id of a note ever
reaches the page: forged badges and markers stay text. The result is one line of HTML, which
Gradio's Markdown passes through untouched. Spans of the text can be painted (`Mark`) and places
in it linked (`Link`). Pure; knows nothing of answers or verdicts.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = ["LATEX_DELIMITERS", "Link", "Mark", "escape", "protected_spans", "render"]

# Formulas are handed to KaTeX between private characters that `escape` removes from all other
# text: "$5 and $6" can never become a formula by accident, nor can a note open one of its own.
_INLINE, _INLINE_END, _DISPLAY, _DISPLAY_END = "\ue0f0", "\ue0f1", "\ue0f2", "\ue0f3"
LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": _INLINE, "right": _INLINE_END, "display": False},
    {"left": _DISPLAY, "right": _DISPLAY_END, "display": True},
]

_UNSAFE = str.maketrans(
    {
        "%": "&#37;",  # Gradio marks formulas it has set aside as %%%LATEX_BLOCK_0%%%
        "\n": "&#10;",
        "\r": "",
        "\0": "\ufffd",
        **dict.fromkeys((_INLINE, _INLINE_END, _DISPLAY, _DISPLAY_END), "\ufffd"),
    }
)

_FENCE = re.compile(r"[ \t]{0,3}(?P<fence>`{3,}|~{3,})[ \t]*[\w+#.-]*[ \t]*$", re.M)
_DISPLAY_MATH = re.compile(
    r"[ \t]*(?:\$\$(?P<a>(?:(?!\n[ \t]*\n)[^$]){1,4000}?)\$\$"
    r"|\\\[(?P<b>(?:(?!\n[ \t]*\n).){1,4000}?)\\\])",
    re.S,
)
_CODE = r"(?<!`)(?P<ticks>`{1,2})(?!`)(?P<code>[^\n]+?)(?<!`)(?P=ticks)(?!`)"
# A formula between single dollars: no blank inside either dollar, no digit after the second.
_MATH = (
    r"\$\$(?P<m2>[^$\n]+?)\$\$|\\\((?P<m1>[^\n]+?)\\\)"
    r"|(?<![\\$\w])\$(?P<m0>(?![\s$])[^$\n]*?(?<![\s\\$]))\$(?![\d$])"
)
_ATOM = re.compile(
    rf"{_CODE}|{_MATH}"
    r"|!?\[\[(?P<wiki>[^\[\]\n|]+)(?:\|(?P<alias>[^\[\]\n|]+))?\]\]"
    r"|!\[(?P<image>[^\[\]\n]*)\]\([^()\n]*\)"
    r"|(?<!!)\[(?P<link>[^\[\]\n]+)\]\([^()\n]*\)"
    r"|(?P<bold>\*\*)"
)
_PROTECTED = re.compile(
    rf"^[ \t]*(?P<fence>`{{3,}}|~{{3,}}).*?(?:^[ \t]*(?P=fence)|\Z)|{_CODE}|{_MATH}", re.M | re.S
)
_HAN = re.compile(r"[\u4e00-\u9fff]")

_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?P<bullet>[-*+]|\d{1,3}[.)、])(?:[ \t]+|(?<=、))(?P<task>\[[ xX]\][ \t]+)?"
)
_QUOTE = re.compile(r"[ \t]{0,3}(?:>[ \t]?)+")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*(?:\[\d+\][ \t]*)*$")
_RULE = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*\|?[ \t]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A span of the text to paint.

    Attributes:
        start: offset of its first character.
        end: offset after its last character.
        css: class of the span.
        title: tooltip, plain text.
        tail: markup of ours that follows the span's last character.
    """

    start: int
    end: int
    css: str
    title: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place of the text that becomes a link of ours, `href` being one of our fragments."""

    start: int
    end: int
    href: str
    css: str
    title: str = ""


class _Piece(NamedTuple):
    """Finished markup: `at` is its offset in the text, -1 for structure, which no mark owns."""

    at: int
    markup: str


def escape(text: str) -> str:
    """Text as markup: shown as it is, in element content and in quoted attributes alike."""
    return html.escape(text, quote=True).translate(_UNSAFE)


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Spans of code and formulas, in which brackets are never markers."""
    return [match.span() for match in _PROTECTED.finditer(text)]


def render(text: str, marks: Sequence[Mark] = (), links: Sequence[Link] = ()) -> str:
    """The text as one line of HTML with its marks painted and its links live.

    Args:
        text: Markdown of a note or a model, in any state, hostile included.
        marks: spans to paint, in order, not overlapping.
        links: places to link, in order, not overlapping.
    """
    cuts = sorted({edge for mark in marks for edge in (mark.start, mark.end)})
    pieces = list(_blocks(text, links, cuts))
    return _join(pieces, marks)


def _join(pieces: Sequence[_Piece], marks: Sequence[Mark]) -> str:
    """Wrap runs of pieces of one mark in its span, and put its tail after the last of them."""
    starts = [mark.start for mark in marks]

    def owner(piece: _Piece) -> int:
        found = bisect_right(starts, piece.at) - 1 if piece.at >= 0 else -1
        return found if found >= 0 and piece.at < marks[found].end else -1

    owners = [owner(piece) for piece in pieces]
    last = {number: at for at, number in enumerate(owners) if number >= 0}
    out: list[str] = []
    open_mark = -1
    for at, (piece, number) in enumerate(zip(pieces, owners, strict=True)):
        if number != open_mark:
            if open_mark >= 0:
                out.append("</span>")
            if number >= 0:
                title = f' title="{escape(marks[number].title)}"' if marks[number].title else ""
                out.append(f'<span class="{marks[number].css}"{title}>')
            open_mark = number
        out.append(piece.markup)
        if number >= 0 and last[number] == at:
            out.append("</span>" + marks[number].tail)
            open_mark = -1
    if open_mark >= 0:
        out.append("</span>")
    return "".join(out)


def _blocks(text: str, links: Sequence[Link], cuts: Sequence[int]) -> Iterator[_Piece]:
    """Pieces of the whole text, block by block."""
    at, container = 0, ""
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        fence = _FENCE.match(text, at, end)
        formula = _DISPLAY_MATH.match(text, at)
        kind = "block" if fence or formula else _kind(text[at:end])
        if container and container != kind:
            yield _Piece(-1, f"</{container}>")
            container = ""
        if fence:
            close = re.compile(rf"^[ \t]*{re.escape(fence['fence'])}[`~]*", re.M).search(text, end)
            stop = close.start() if close else len(text)
            yield _Piece(at, f"<pre><code>{escape(text[end + 1 : stop].rstrip())}</code></pre>")
            at = close.end() if close else len(text)
        elif formula:
            body = formula["a"] or formula["b"]
            yield _Piece(at, f"<div class='fm'>{_DISPLAY}{escape(body)}{_DISPLAY_END}</div>")
            at = formula.end()
        else:
            if kind and container == "p":
                yield _Piece(-1, "<br>")
            elif kind in ("p", "table") and container != kind:
                yield _Piece(-1, f"<{kind}>")
            container = kind if kind in ("p", "table") else ""
            yield from _line(text, at, end, kind, links, cuts)
            at = end
        if at < len(text) and text[at] == "\n":
            at += 1
    if container:
        yield _Piece(-1, f"</{container}>")


def _kind(line: str) -> str:
    """What a line is: "" for a blank one, else p, table, heading, item, quote."""
    if not line.strip():
        return ""
    if _ROW.match(line):
        return "table"
    for kind, pattern in (("heading", _HEADING), ("item", _ITEM), ("quote", _QUOTE)):
        if pattern.match(line):
            return kind
    return "p"


def _line(
    text: str, at: int, end: int, kind: str, links: Sequence[Link], cuts: Sequence[int]
) -> Iterator[_Piece]:
    """Pieces of one line."""
    if kind == "table":
        yield from _row(text, at, end, links, cuts)
    elif kind == "heading":
        body = at + len(_HEADING.match(text[at:end])[0])  # type: ignore[index]  # _kind matched it
        yield _Piece(-1, "<div class='hd'>")
        yield from _inline(text, body, end, links, cuts)
        yield _Piece(-1, "</div>")
    elif kind == "item":
        item = _ITEM.match(text[at:end])
        assert item is not None  # _kind matched it
        depth = min(len(item["indent"].replace("\t", "    ")) // 2, 4)
        bullet = item["bullet"] if item["bullet"][0].isdigit() else "•"
        if item["task"]:
            bullet = "☑" if "x" in item["task"].lower() else "☐"
        yield _Piece(-1, f"<div class='li d{depth}'><span class='bu'>{escape(bullet)}</span><div>")
        yield from _inline(text, at + item.end(), end, links, cuts)
        yield _Piece(-1, "</div></div>")
    elif kind == "quote":
        body = at + len(_QUOTE.match(text[at:end])[0])  # type: ignore[index]  # _kind matched it
        yield _Piece(-1, "<div class='bq'>")
        yield from _inline(text, body, end, links, cuts)
        yield _Piece(-1, "</div>")
    elif kind == "p":
        yield from _inline(text, at, end, links, cuts)


def _row(
    text: str, at: int, end: int, links: Sequence[Link], cuts: Sequence[int]
) -> Iterator[_Piece]:
    """Pieces of a table row; the rule below the header gives none."""
    line = text[at:end]
    if _RULE.match(line) and "-" in line:
        return
    first = at + line.index("|") + 1
    last = at + line.rindex("|")
    yield _Piece(-1, "<tr>")
    while first <= last:
        cell = first
        # a bar in code, in a wikilink or behind a backslash does not end the cell
        while cell < last and not (
            text[cell] == "|" and text[cell - 1] != "\\" and not _in_atom(text, first, cell, last)
        ):
            cell += 1
        yield _Piece(-1, "<td>")
        lead = len(text[first:cell]) - len(text[first:cell].lstrip())
        yield from _inline(text, first + lead, first + len(text[first:cell].rstrip()), links, cuts)
        if cell >= last:
            yield from _inline(text, last + 1, end, links, cuts)  # markers after the row
        yield _Piece(-1, "</td>")
        first = cell + 1
    yield _Piece(-1, "</tr>")


def _in_atom(text: str, start: int, at: int, end: int) -> bool:
    """Whether the character at `at` lies inside code, a formula or a wikilink of the span."""
    return any(match.start() < at < match.end() for match in _ATOM.finditer(text, start, end))


def _inline(
    text: str, start: int, end: int, links: Sequence[Link], cuts: Sequence[int]
) -> Iterator[_Piece]:
    """Pieces of a line's text: links of ours, code, formulas, bold and plain runs."""
    bold = False
    at = start
    inside = [link for link in links if start <= link.start and link.end <= end]
    for link in [*inside, None]:
        stop = link.start if link else end
        n_bars = sum(1 for match in _ATOM.finditer(text, at, end) if match["bold"])
        for match in _ATOM.finditer(text, at, stop):
            yield from _runs(text, at, match.start(), cuts, bold)
            if match["bold"]:
                if bold or n_bars > 1:
                    bold = not bold
                else:  # a lone pair of stars is no markup
                    yield _Piece(match.start(), "**")
                n_bars -= 1
            else:
                yield from _atom(text, match, cuts, bold)
            at = match.end()
        yield from _runs(text, at, stop, cuts, bold)
        if link:
            title = f' title="{escape(link.title)}"' if link.title else ""
            shown = escape(text[link.start : link.end])
            yield _Piece(link.start, f'<a class="{link.css}" href="{link.href}"{title}>{shown}</a>')
            at = link.end


def _atom(text: str, match: re.Match[str], cuts: Sequence[int], bold: bool) -> Iterator[_Piece]:
    """Pieces of one matched construct."""
    formula = match["m0"] or match["m1"] or match["m2"]
    if match["code"]:
        yield _Piece(match.start(), f"<code>{escape(match['code'])}</code>")
    elif formula and (not _HAN.search(formula) or "\\" in formula):
        left, right = (_DISPLAY, _DISPLAY_END) if match["m2"] else (_INLINE, _INLINE_END)
        yield _Piece(match.start(), left + escape(formula) + right)
    elif formula:  # Chinese between two dollars: prices, not a formula
        yield from _runs(text, match.start(), match.end(), cuts, bold)
    else:
        group = next(name for name in ("alias", "wiki", "image", "link") if match[name] is not None)
        yield from _runs(text, *match.span(group), cuts, bold)


def _runs(text: str, start: int, end: int, cuts: Sequence[int], bold: bool) -> Iterator[_Piece]:
    """Plain text, cut where a mark starts or ends."""
    edges = [start, *(cut for cut in cuts if start < cut < end), end]
    for left, right in pairwise(edges):
        if left < right:
            shown = escape(text[left:right])
            yield _Piece(left, f"<strong>{shown}</strong>" if bold else shown)
