"""Hits of a search as markup: where each stands, its words with the query's terms marked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.operators import Query
from assistant.types import Hit
from assistant.web.copies import where
from assistant.web.inline import formula_spans
from assistant.web.markup import Mark, escape
from assistant.web.render import render
from assistant.web.spots import Sheet, Spot, ask_href, copy_href, note_href, spot_href
from assistant.web.texts import both, both_n
from assistant.web.whereabouts import notices_of, spot_place
from corpus.text import fold
from corpus.tokens import content_terms

__all__ = ["paint_hits"]

_HEADING_LINE = re.compile(r"\s*#{1,6}[ \t][^\n]*(?:\n|\Z)")
_SNIPPET = 420  # characters of a hit shown around its first match


def paint_hits(query: Query, hits: Sequence[Hit], sheet: Sheet, notices: Sequence[str] = ()) -> str:
    """A result list: where each hit stands, its words with the query's terms marked, its scores.

    Args:
        query: what was looked for, its operators taken out.
        hits: best first.
        sheet: the places its links open, made by `spots_of_hits` from the same hits.
        notices: why there are none, or how far to trust them.
    """
    if not hits:
        why = "".join(f"<div class='why'>{escape(one)}</div>" for one in notices)
        return f"<div class='yj-empty'>{both('find.none')}{why}</div>"
    rows = "".join(
        _hit_row(query, hit, spot, i, sheet.id)
        for i, (hit, spot) in enumerate(zip(hits, sheet.spots, strict=True))
    )
    count = both_n("find.count", len(hits))
    return (
        f"<div class='yj-hits'><div class='yj-sum'>{count}</div>{notices_of(notices)}{rows}</div>"
    )


def _hit_row(query: Query, hit: Hit, spot: Spot, number: int, sheet_id: str) -> str:
    scores = "".join(
        f"<span><i>{name}</i> {value:.4g}</span>"
        for name in ("bm25", "cosine", "rrf", "rerank")
        if (value := getattr(hit.scores, name)) is not None
    )
    tags = "".join(f"<span class='tag'>#{escape(tag)}</span>" for tag in hit.note.tags[:6])
    opens = spot_href(sheet_id, spot.key)
    whole = note_href(hit.note.path, hit.chunk.start, hit.chunk.end)
    return (
        f"<div class='hit'><a class='go' href='{opens}'>{spot_place(spot)}"
        f"<div class='sn'>{_snippet(query, hit.text)}</div></a>{_also(hit)}"
        f"<div class='row'>{tags}"
        f"<details class='sc'><summary>{both('find.scores')}</summary>{scores}</details>"
        f"<span class='acts'>"
        f"<a class='act' href='{whole}'>{both('note.read')}</a>"
        f"<a class='act' href='{ask_href(hit.note.path)}'>{both('note.ask')}</a>"
        f"<a class='act' href='{copy_href(sheet_id, number)}'>{both('copy.hit')}</a>"
        f"</span></div></div>"
    )


def _also(hit: Hit) -> str:
    """The other notes in which the same passage stands."""
    if not hit.also:
        return ""
    places = " · ".join(
        f"<a class='act' href='{note_href(place.note)}'>{escape(place.title)}</a> "
        f"{escape(where(place.note, place.line))}"
        for place in hit.also
    )
    return f"<div class='also wh'>{both('find.also')} {places}</div>"


def _matches(query: Query, text: str) -> list[tuple[int, int]]:
    """Spans of the text that hold a phrase or a word of the query, in order, not overlapping."""
    folded = fold(text)
    asked = query.text.strip()
    words = {term for term in content_terms(asked) if len(term) > 1 or len(asked) == 1}
    words |= {fold(phrase) for phrase in query.phrases}
    if not words:
        return []
    # a Latin word matches from its first letter on: the terms are stems
    alternatives = "|".join(
        rf"(?<![a-z0-9]){re.escape(word)}" if word.isascii() else re.escape(word)
        for word in sorted(words, key=len, reverse=True)
    )
    return [match.span() for match in re.finditer(alternatives, folded)]


def _whole_parts(text: str, at: int, end: int) -> tuple[int, int]:
    """The span, moved to where it cuts no formula and no row of a table: halves show as source."""
    for start, stop in formula_spans(text):
        at = start if start < at < stop else at
        end = start if at < start < end < stop else end
    line = text.rfind("\n", at, end) + 1
    if line > at and end < len(text) and text.startswith("|", line) and text[end] != "\n":
        end = line
    return at, end


def _snippet(query: Query, text: str) -> str:
    """The part of a hit around its first match, drawn, with matches marked."""
    at = 0
    while heading := _HEADING_LINE.match(text, at):  # headings stand above the words already
        at = heading.end()
    at = at if text[at:].strip() else 0
    spans = [span for span in _matches(query, text) if span[0] >= at]
    if len(text) - at > _SNIPPET and spans and spans[0][0] - at > _SNIPPET // 3:
        near = spans[0][0] - _SNIPPET // 3
        at = max(text.rfind("\n", 0, spans[0][0]) + 1, near)
    at, end = _whole_parts(text, at, at + _SNIPPET)
    shown = text[at:end]
    # a part that begins inside a block of code is still code
    opened = "```\n" if len(re.findall(r"^[ \t]*```", text[:at], re.M)) % 2 else ""
    marks = [
        Mark(start=start - at + len(opened), end=end - at + len(opened), css="tm")
        for start, end in spans
        if start >= at and end <= at + len(shown)
    ]
    more = "…" if at + len(shown) < len(text.rstrip()) else ""
    return f"{render(opened + shown, marks)}{more}"
