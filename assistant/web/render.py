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
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = [
    "LATEX_DELIMITERS",
    "Link",
    "Mark",
    "escape",
    "formula_spans",
    "protected_spans",
    "render",
    "render_note",
]

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
        # what turns the reading direction of all that follows, and letters that nobody sees
        **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),
        **dict.fromkeys(range(0xE0000, 0xE0080), "\ufffd"),
    }
)

_FENCE = re.compile(r"[ \t]{0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]*)[ \t]*$", re.M)
_DISPLAY_MATH = re.compile(
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
_UNSAFE_IN_CODE = str.maketrans(
    dict.fromkeys(("\r", "\0", _INLINE, _INLINE_END, _DISPLAY, _DISPLAY_END), "\ufffd")
)
# What Gradio's page can colour; its C++ grammar fails unless C was loaded, so C stands for it.
_LANGUAGES = {
    name: name
    for name in ("bash", "c", "css", "go", "java", "javascript", "json", "python", "rust", "sql")
} | {
    "cpp": "c", "c++": "c", "cc": "c", "h": "c", "js": "javascript", "jsx": "javascript",
    "py": "python", "python3": "python", "rs": "rust", "sh": "bash", "shell": "bash",
    "zsh": "bash", "golang": "go", "mermaid": "mermaid",
}  # fmt: skip
# Mermaid draws markup, images and styles that a diagram names: one that could name an address, or
# change how it is drawn, is shown as its text. `<br>` and `<<interface>>` are the two tags allowed.
_PLAIN_TAG = re.compile(r"<<\w+>>|<br[ ]*/?>", re.I)
_UNSAFE_DIAGRAM = re.compile(
    r"^[ \t]*(?:links?|properties|callback|href)\b|@import|javascript:|data:|expression\s*\("
    r"|%%\{|\A\s*---|//|\\[0-9a-f]|@\s*\{|<[a-z/!?]|&#?\w+;|\burl\s*\(|(?:^|;)\s*click\s",
    re.I | re.M,
)
_HAN = re.compile(r"[\u4e00-\u9fff]")

_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?P<bullet>[-*+]|\d{1,3}[.)、])(?:[ \t]+|(?<=、))(?P<task>\[[ xX]\][ \t]+)?"
)
_CALLOUT = re.compile(r"\[!(?P<kind>[A-Za-z]{2,20})\][+-]?[ \t]*")
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


class _How(NamedTuple):
    """How a text is drawn: our links and cuts; `places` only where a whole note is read."""

    links: Sequence[Link]
    cuts: Sequence[int]
    places: Callable[[str], str | None] | None = None


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


def formula_spans(text: str) -> list[tuple[int, int]]:
    """Spans of formulas, those of several lines among them; they may overlap."""
    return [match.span() for shape in (_DISPLAY_MATH, _FORMULA) for match in shape.finditer(text)]


def render(text: str, marks: Sequence[Mark] = (), links: Sequence[Link] = ()) -> str:
    """The text as one line of HTML with its marks painted and its links live.

    Args:
        text: Markdown of a note or a model, in any state, hostile included.
        marks: spans to paint, in order, not overlapping.
        links: places to link, in order, not overlapping.
    """
    cuts = sorted({edge for mark in marks for edge in (mark.start, mark.end)})
    return _join(list(_blocks(text, _How(links, cuts))), marks)


def render_note(text: str, places: Callable[[str], str | None], marks: Sequence[Mark] = ()) -> str:
    """A whole note to read: headings, links that navigate, code in colour, diagrams.

    The result is HTML blocks and fenced code between blank lines, as Gradio's Markdown takes it.

    Args:
        text: Markdown of a note without its front matter, hostile included.
        places: the address of what a link or wikilink names; None leaves its text.
        marks: spans to paint, in order, not overlapping; fenced code is not painted.
    """
    cuts = sorted({edge for mark in marks for edge in (mark.start, mark.end)})
    return _join(list(_blocks(text, _How((), cuts, places))), marks)


def _join(pieces: Sequence[_Piece], marks: Sequence[Mark]) -> str:
    """Wrap runs of pieces of one mark in its span, and put its tail after the last of them."""
    starts = [mark.start for mark in marks]

    def owner(piece: _Piece) -> int:
        found = bisect_right(starts, piece.at) - 1 if piece.at >= 0 else -1
        return found if found >= 0 and piece.at < marks[found].end else -1

    owners = [owner(piece) for piece in pieces]
    plain = _unpainted(pieces)
    last = {number: at for at, number in enumerate(owners) if number >= 0}
    out: list[str] = []
    open_mark = -1
    for at, (piece, number) in enumerate(zip(pieces, owners, strict=True)):
        painted = -1 if at in plain else number
        if painted != open_mark:
            if open_mark >= 0:
                out.append("</span>")
            if painted >= 0:
                title = f' title="{escape(marks[number].title)}"' if marks[number].title else ""
                out.append(f'<span class="{marks[number].css}"{title}>')
            open_mark = painted
        out.append(piece.markup)
        if number >= 0 and last[number] == at:
            out.append(("</span>" if painted >= 0 else "") + marks[number].tail)
            open_mark = -1
    if open_mark >= 0:
        out.append("</span>")
    return "".join(out)


def _unpainted(pieces: Sequence[_Piece]) -> set[int]:
    """Numbers of the pieces no line is drawn under: our links and the blanks between them."""
    links = {at for at, piece in enumerate(pieces) if piece.markup.startswith('<a class="cite"')}
    blanks = {
        at
        for at, piece in enumerate(pieces)
        if not piece.markup.strip() and {at - 1, at + 1} & links
    }
    return links | blanks


def _blocks(text: str, how: _How) -> Iterator[_Piece]:
    """Pieces of the whole text, block by block."""
    at, container, callout = 0, "", ""
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
            yield _code(text[end + 1 : stop].rstrip(), at, fence["language"].lower(), how)
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
            if kind == "quote":
                body = at + len(_QUOTE.match(text[at:end])[0])  # type: ignore[index]  # _kind did
                opened = _CALLOUT.match(text, body, end)
                callout = opened["kind"].lower() if opened else callout
                yield from _quote(text, opened.end() if opened else body, end, callout, opened, how)
            else:
                callout = ""
                yield from _line(text, at, end, kind, how)
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


def _line(text: str, at: int, end: int, kind: str, how: _How) -> Iterator[_Piece]:
    """Pieces of one line."""
    if kind == "table":
        yield from _row(text, at, end, how)
    elif kind == "heading":
        marker = _HEADING.match(text[at:end])[0]  # type: ignore[index]  # _kind matched it
        level = marker.count("#")
        tag = f"h{min(level + 1, 6)}" if how.places else "div"
        yield _Piece(-1, f"<{tag} class='hd l{level}'>")
        yield from _inline(text, at + len(marker), end, how)
        yield _Piece(-1, f"</{tag}>")
    elif kind == "item":
        item = _ITEM.match(text[at:end])
        assert item is not None  # _kind matched it
        depth = min(len(item["indent"].replace("\t", "    ")) // 2, 4)
        bullet = item["bullet"] if item["bullet"][0].isdigit() else "•"
        if item["task"]:
            bullet = "☑" if "x" in item["task"].lower() else "☐"
        yield _Piece(-1, f"<div class='li d{depth}'><span class='bu'>{escape(bullet)}</span><div>")
        yield from _inline(text, at + item.end(), end, how)
        yield _Piece(-1, "</div></div>")
    elif kind == "p":
        yield from _inline(text, at, end, how)


def _quote(
    text: str, at: int, end: int, callout: str, opened: re.Match[str] | None, how: _How
) -> Iterator[_Piece]:
    """Pieces of a quoted line; the first of a callout is its title."""
    css = "bq"
    if callout:
        css += f" co co-{callout}" + (" co-t" if opened else "")
    yield _Piece(-1, f"<div class='{css}'>")
    if opened and not text[at:end].strip():
        yield _Piece(-1, escape(callout.capitalize()))
    yield from _inline(text, at, end, how)
    yield _Piece(-1, "</div>")


def _code(body: str, at: int, language: str, how: _How) -> _Piece:
    """A block of code: escaped, or fenced for Gradio to colour where a note is read."""
    known = _LANGUAGES.get(language)
    if known == "mermaid" and _UNSAFE_DIAGRAM.search(_PLAIN_TAG.sub("", body)):
        known = None
    if how.places is None or known is None:
        return _Piece(at, f"<pre><code>{escape(body)}</code></pre>")
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = body.translate(_UNSAFE_IN_CODE)
    return _Piece(-1, f"\n\n{fence}{known}\n{shown}\n{fence}\n\n")


def _row(text: str, at: int, end: int, how: _How) -> Iterator[_Piece]:
    """Pieces of a table row; the rule below the header gives none."""
    line = text[at:end]
    if _RULE.match(line) and "-" in line:
        return
    first = at + line.index("|") + 1
    last = at + line.rindex("|")
    yield _Piece(-1, "<tr>")
    for cell in [*_bars(text, first, last), last]:
        if first > last:
            break
        yield _Piece(-1, "<td>")
        lead = len(text[first:cell]) - len(text[first:cell].lstrip())
        yield from _inline(text, first + lead, first + len(text[first:cell].rstrip()), how)
        if cell >= last:
            yield from _inline(text, last + 1, end, how)  # markers after the row
        yield _Piece(-1, "</td>")
        first = cell + 1
    yield _Piece(-1, "</tr>")


def _bars(text: str, start: int, end: int) -> Iterator[int]:
    """Bars of a row that end a cell: not in code, in a formula, in a link, behind a backslash."""
    at = start
    atoms = ((match.start(), match.end()) for match in _ATOM.finditer(text, start, end))
    for low, high in [*atoms, (end, end)]:
        while 0 <= (bar := text.find("|", at, low + 1)) < min(low + 1, end):
            if text[bar - 1] != "\\":
                yield bar
            at = bar + 1
        at = max(at, high)


def _inline(text: str, start: int, end: int, how: _How) -> Iterator[_Piece]:
    """Pieces of a line's text: links of ours, code, formulas, bold and plain runs."""
    bold = False
    at = start
    inside = [link for link in how.links if start <= link.start and link.end <= end]
    for link in [*inside, None]:
        stop = link.start if link else end
        n_bars = sum(1 for match in _ATOM.finditer(text, at, end) if match["bold"])
        for match in _ATOM.finditer(text, at, stop):
            yield from _runs(text, at, match.start(), how.cuts, bold)
            if match["bold"]:
                if bold or n_bars > 1:
                    bold = not bold
                else:  # a lone pair of stars is no markup
                    yield _Piece(match.start(), "**")
                n_bars -= 1
            else:
                yield from _atom(text, match, how, bold)
            at = match.end()
        yield from _runs(text, at, stop, how.cuts, bold)
        if link:
            title = f' title="{escape(link.title)}"' if link.title else ""
            shown = escape(text[link.start : link.end])
            yield _Piece(link.start, f'<a class="{link.css}" href="{link.href}"{title}>{shown}</a>')
            at = link.end


def _atom(text: str, match: re.Match[str], how: _How, bold: bool) -> Iterator[_Piece]:
    """Pieces of one matched construct."""
    formula = match["m0"] or match["m1"] or match["m2"]
    if match["code"]:
        yield _Piece(match.start(), f"<code>{escape(match['code'])}</code>")
    elif formula and (not _HAN.search(formula) or "\\" in formula):
        left, right = (_DISPLAY, _DISPLAY_END) if match["m2"] else (_INLINE, _INLINE_END)
        yield _Piece(match.start(), left + escape(formula) + right)
    elif formula:  # Chinese between two dollars: prices, not a formula
        yield from _runs(text, match.start(), match.end(), how.cuts, bold)
    else:
        yield from _worded(text, match, how, bold)


_TAGS = {"hl": "mark", "del": "del", "em": "em"}


def _worded(text: str, match: re.Match[str], how: _How, bold: bool) -> Iterator[_Piece]:
    """Pieces of a construct that shows words: emphasis, or a link's."""
    groups = ("hl", "del", "em", "alias", "wiki", "image", "link")
    group = next(name for name in groups if match[name] is not None)
    start, end = match.span(group)
    opening = closing = ""
    if group in _TAGS:
        opening, closing = f"<{_TAGS[group]}>", f"</{_TAGS[group]}>"
    elif how.places and group != "image":
        href = how.places(match["wiki"] if match["link"] is None else match["url"])
        if href:
            out = ' target="_blank" rel="noopener noreferrer"' if href.startswith("http") else ""
            opening, closing = f'<a class="w" href="{escape(href)}"{out}>', "</a>"
    if opening:
        yield _Piece(-1, opening)
    yield from _runs(text, start, end, how.cuts, bold)
    if closing:
        yield _Piece(-1, closing)


def _runs(text: str, start: int, end: int, cuts: Sequence[int], bold: bool) -> Iterator[_Piece]:
    """Plain text, cut where a mark starts or ends."""
    inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
    edges = [start, *inner, end]
    for left, right in pairwise(edges):
        if left < right:
            shown = escape(text[left:right])
            yield _Piece(left, f"<strong>{shown}</strong>" if bold else shown)
