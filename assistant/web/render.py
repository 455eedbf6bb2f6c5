"""Note and model text as markup that can carry nothing but what is made here.

A small Markdown subset (paragraphs, lists, tables, quotes, headings, code, formulas, bold) is
drawn by hand and every other character is escaped, so no tag, link, image or id of a note ever
reaches the page: forged badges and markers stay text. The result is one line of HTML, which
Gradio's Markdown passes through untouched. Spans of the text can be painted (`Mark`) and places
in it linked (`Link`). Pure; knows nothing of answers or verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from assistant.web.inline import DISPLAY_MATH, bars, inline
from assistant.web.markup import DELIMITERS, How, Link, Mark, Piece, escape, formula, join

__all__ = ["render", "render_note"]

_FENCE = re.compile(r"[ \t]{0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]*)[ \t]*$", re.M)
_UNSAFE_IN_CODE = str.maketrans(dict.fromkeys(("\r", "\0", *DELIMITERS), "\ufffd"))
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
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?P<bullet>[-*+]|\d{1,3}[.)、])(?:[ \t]+|(?<=、))(?P<task>\[[ xX]\][ \t]+)?"
)
_CALLOUT = re.compile(r"\[!(?P<kind>[A-Za-z]{2,20})\][+-]?[ \t]*")
_QUOTE = re.compile(r"[ \t]{0,3}(?:>[ \t]?)+")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*(?:\[\d+\][ \t]*)*$")
_MARKERS = re.compile(r"[ \t]*(?:\[\d+\][ \t]*)+$")  # of what stands above, a table or a formula
_RULE = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*\|?[ \t]*$")


def render(text: str, marks: Sequence[Mark] = (), links: Sequence[Link] = ()) -> str:
    """The text as one line of HTML with its marks painted and its links live.

    Args:
        text: Markdown of a note or a model, in any state, hostile included.
        marks: spans to paint, in order, not overlapping.
        links: places to link, in order, not overlapping.
    """
    cuts = {edge for mark in marks for edge in (mark.start, mark.end)}
    cuts |= {len(text[: link.start].rstrip(" ")) for link in links}  # no line is drawn under these
    return join(list(_blocks(text, How(links, sorted(cuts)))), marks)


def render_note(text: str, places: Callable[[str], str | None], marks: Sequence[Mark] = ()) -> str:
    """A whole note to read: headings, links that navigate, code in colour, diagrams.

    The result is HTML blocks and fenced code between blank lines, as Gradio's Markdown takes it.

    Args:
        text: Markdown of a note without its front matter, hostile included.
        places: the address of what a link or wikilink names; None leaves its text.
        marks: spans to paint, in order, not overlapping; fenced code is not painted.
    """
    cuts = sorted({edge for mark in marks for edge in (mark.start, mark.end)})
    return join(list(_blocks(text, How((), cuts, places))), marks)


def _blocks(text: str, how: How) -> Iterator[Piece]:
    """Pieces of the whole text, block by block."""
    at, container, callout = 0, "", ""
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        fence = _FENCE.match(text, at, end)
        displayed = DISPLAY_MATH.match(text, at)
        kind = "block" if fence or displayed else _kind(text[at:end])
        if container and container != kind:
            yield Piece(-1, f"</{container}>")
            container = ""
        if fence:
            close = re.compile(rf"^[ \t]*{re.escape(fence['fence'])}[`~]*", re.M).search(text, end)
            stop = close.start() if close else len(text)
            yield _code(text[end + 1 : stop].rstrip(), at, fence["language"].lower(), how)
            at = close.end() if close else len(text)
        elif displayed:
            body = displayed["a"] or displayed["b"]
            yield Piece(at, f"<div class='fm'>{formula(body, display=True)}</div>")
            at = displayed.end()
        else:
            if kind and container == "p":
                yield Piece(-1, "<br>")
            elif kind in ("p", "table") and container != kind:
                alone = kind == "p" and _MARKERS.match(text, at, end)
                yield Piece(-1, "<p class='mk'>" if alone else f"<{kind}>")
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
        yield Piece(-1, f"</{container}>")


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


def _line(text: str, at: int, end: int, kind: str, how: How) -> Iterator[Piece]:
    """Pieces of one line."""
    if kind == "table":
        yield from _row(text, at, end, how)
    elif kind == "heading":
        marker = _HEADING.match(text[at:end])[0]  # type: ignore[index]  # _kind matched it
        level = marker.count("#")
        tag = f"h{min(level + 1, 6)}" if how.places else "div"
        yield Piece(-1, f"<{tag} class='hd l{level}'>")
        yield from inline(text, at + len(marker), end, how)
        yield Piece(-1, f"</{tag}>")
    elif kind == "item":
        item = _ITEM.match(text[at:end])
        assert item is not None  # _kind matched it
        depth = min(len(item["indent"].replace("\t", "    ")) // 2, 4)
        bullet = item["bullet"] if item["bullet"][0].isdigit() else "•"
        if item["task"]:
            bullet = "☑" if "x" in item["task"].lower() else "☐"
        yield Piece(-1, f"<div class='li d{depth}'><span class='bu'>{escape(bullet)}</span><div>")
        yield from inline(text, at + item.end(), end, how)
        yield Piece(-1, "</div></div>")
    elif kind == "p":
        yield from inline(text, at, end, how)


def _quote(
    text: str, at: int, end: int, callout: str, opened: re.Match[str] | None, how: How
) -> Iterator[Piece]:
    """Pieces of a quoted line; the first of a callout is its title."""
    css = "bq"
    if callout:
        css += f" co co-{callout}" + (" co-t" if opened else "")
    yield Piece(-1, f"<div class='{css}'>")
    if opened and not text[at:end].strip():
        yield Piece(-1, escape(callout.capitalize()))
    yield from inline(text, at, end, how)
    yield Piece(-1, "</div>")


def _code(body: str, at: int, language: str, how: How) -> Piece:
    """A block of code: escaped, or fenced for Gradio to colour where a note is read."""
    known = _LANGUAGES.get(language)
    if known == "mermaid" and _UNSAFE_DIAGRAM.search(_PLAIN_TAG.sub("", body)):
        known = None
    if how.places is None or known is None:
        return Piece(at, f"<pre><code>{escape(body)}</code></pre>")
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = body.translate(_UNSAFE_IN_CODE)
    return Piece(-1, f"\n\n{fence}{known}\n{shown}\n{fence}\n\n")


def _row(text: str, at: int, end: int, how: How) -> Iterator[Piece]:
    """Pieces of a table row; the rule below the header gives none."""
    line = text[at:end]
    if _RULE.match(line) and "-" in line:
        return
    first = at + line.index("|") + 1
    last = at + line.rindex("|")
    yield Piece(-1, "<tr>")
    for cell in [*bars(text, first, last), last]:
        if first > last:
            break
        yield Piece(-1, "<td>")
        lead = len(text[first:cell]) - len(text[first:cell].lstrip())
        yield from inline(text, first + lead, first + len(text[first:cell].rstrip()), how)
        if cell >= last:
            yield from inline(text, last + 1, end, how)  # markers after the row
        yield Piece(-1, "</td>")
        first = cell + 1
    yield Piece(-1, "</tr>")
