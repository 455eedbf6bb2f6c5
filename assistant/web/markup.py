"""Markup that can carry nothing but what is made here: escaping, and pieces put together.

Every character of a note or a model goes through `escape`; `join` wraps runs of finished pieces in
the marks they belong to.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "DELIMITERS",
    "LATEX_DELIMITERS",
    "How",
    "Link",
    "Mark",
    "Piece",
    "escape",
    "formula",
    "join",
]

# Formulas are handed to KaTeX between private characters that `escape` removes from all other
# text: "$5 and $6" can never become a formula by accident, nor can a note open one of its own.
DELIMITERS = _INLINE, _INLINE_END, _DISPLAY, _DISPLAY_END = "\ue0f0", "\ue0f1", "\ue0f2", "\ue0f3"
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
        **dict.fromkeys(DELIMITERS, "\ufffd"),
        # what turns the reading direction of all that follows, and letters that nobody sees
        **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),
        **dict.fromkeys(range(0xE0000, 0xE0080), "\ufffd"),
    }
)


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


class How(NamedTuple):
    """How a text is drawn: our links and cuts; `places` only where a whole note is read."""

    links: Sequence[Link]
    cuts: Sequence[int]
    places: Callable[[str], str | None] | None = None


class Piece(NamedTuple):
    """Finished markup: `at` is its offset in the text, -1 for structure, which no mark owns."""

    at: int
    markup: str


def escape(text: str) -> str:
    """Text as markup: shown as it is, in element content and in quoted attributes alike."""
    return html.escape(text, quote=True).translate(_UNSAFE)


def formula(body: str, *, display: bool = False) -> str:
    """A formula as KaTeX is handed it, its body escaped."""
    left, right = (_DISPLAY, _DISPLAY_END) if display else (_INLINE, _INLINE_END)
    return left + escape(body) + right


def join(pieces: Sequence[Piece], marks: Sequence[Mark]) -> str:
    """Wrap runs of pieces of one mark in its span, and put its tail after the last of them."""
    starts = [mark.start for mark in marks]

    def owner(piece: Piece) -> int:
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


def _unpainted(pieces: Sequence[Piece]) -> set[int]:
    """Numbers of the pieces no line is drawn under: our links and the blanks between them."""
    links = {at for at, piece in enumerate(pieces) if piece.markup.startswith('<a class="cite"')}
    blanks = {
        at
        for at, piece in enumerate(pieces)
        if not piece.markup.strip() and {at - 1, at + 1} & links
    }
    return links | blanks
