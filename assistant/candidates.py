"""Sentences, items and rows of found passages as candidates for an answer.

Knows hits and notes; not the question. Called by `answering`; `evidence` says what speaks for each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from assistant.announcing import announcing
from assistant.types import Hit
from corpus.types import Chunk, Note, Unit
from corpus.units import units

__all__ = ["Candidate", "Links", "candidates"]

# what a unit of links alone links to: notes by their names, pages of the web, or "" for words
Links = Literal["", "notes", "web"]

_MAX_CANDIDATES = 90
# "参数含义见 [[hnsw]]。" says where to look, and nothing else; so do "Moved to [...](...)." and
# "See [...](...) for details.".
_LINK = r"(?:!?\[\[[^\]\n]{1,120}\]\]|\[[^\]\n]{1,120}\]\([^)\n]{1,300}\))"
_POINTER = re.compile(
    r"\W{0,4}[^。；;,，.\n]{0,12}?(?:见|参见|详见|参考|see(?: also)?|cf\.|moved to)[:：]?\s*"
    rf"(?:{_LINK}\W{{0,3}}(?:和|与|及|and)?\s*){{1,6}}"
    r"(?:(?:for|to learn|了解|获取)\b[^。.\n]{0,120}[。.]?\W{0,3})?",
    re.IGNORECASE,
)
# "up:: [[索引]]", "[[hnsw]]、[[ivf]]", an embedded picture: ways to go on from here. A link to a
# page of the web is left alone: its address may be what is asked for.
_WIKILINK, _NOTE_LINK = (
    r"!?\[\[[^\]\n]{1,120}\]\]",
    r"!?\[[^\]\n]{0,120}\]\((?!\w+:)[^)\n]{1,300}\)",
)
_BARE_LINKS = re.compile(
    r"\W{0,6}?(?:[\w-]{1,20}::)?\s*"
    rf"(?:(?:{_WIKILINK}|{_NOTE_LINK})[\s,，、;；|/·和与及]*){{1,8}}\W{{0,3}}(?:\s*@[\w-]{{1,40}}){{0,4}}\s*"
)
# As many items that are [[names]] and nothing else are a list of names, which may answer; a list of
# [titles](note.md) or of headings of the same note is a table of contents.
_NAMES = 3
_NAME = re.compile(r"\W{0,6}?\[\[(?!#)[^\]\n]{1,120}\]\]\W{0,3}")
# An address on the web, or its title as a link, without a word about it; `[b]: http://…`, too.
_WEB_LINKS = re.compile(
    r"\W{0,6}?(?:\[[^\]\n]{1,200}\]:[ \t]*)?(?:(?:\[[^\]\n]{1,200}\]\(\w+:[^)\n]{1,400}\)|<?https?://[^\s<>]{1,400}>?)"
    r"[\s,，、;；|/·和与及]*){1,8}\W{0,3}(?:\s*@[\w-]{1,40}){0,4}\s*"
)
_RULED = re.compile(
    r"[ \t]*\n[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*(?:\n|\Z)"
)
# What a program printed, its line breaks escaped: an answer of a model in JSON.
_BREAKS = 4
_WORDLESS = re.compile(r"(?:(?<!\w)#\w[\w/-]*+|[\W_])*+")  # "...", "#todo #今天"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A unit of a passage with its words and those that govern it."""

    unit: Unit
    text: str
    stem: str
    heading: str
    links: Links = ""
    announces: bool = False


@dataclass(slots=True)
class Candidate:
    """A unit of a hit, with its surroundings.

    Attributes:
        rank: of the hit, from 0.
        place: of the unit among those of its hit, from 0.
        text: exactly the note's words.
        stem: the line that governs it, or "".
        heading: headings above it.
        links: what it links to, if it is nothing but links.
        announces: whether it only announces what stands behind it.
        covered: how surely each word of the question is covered, once `evidence.features` has run.
        score: probability that it answers, once the ranker has run.
    """

    hit: Hit
    unit: Unit
    rank: int
    place: int
    text: str
    stem: str
    heading: str
    links: Links = ""
    announces: bool = False
    covered: tuple[float, ...] = ()
    score: float = 0.0


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """The units of the hits in order; headings, header rows and mere pointers are left out."""
    out: list[Candidate] = []
    for rank, hit in enumerate(hits):
        for place, piece in enumerate(_pieces(hit.note, hit.chunk)):
            out.append(
                Candidate(
                    hit=hit,
                    unit=piece.unit,
                    rank=rank,
                    place=place,
                    text=piece.text,
                    stem=piece.stem,
                    heading=piece.heading,
                    links=piece.links,
                    announces=piece.announces,
                )
            )
    return out[:_MAX_CANDIDATES]


@lru_cache(maxsize=2048)
def _pieces(note: Note, chunk: Chunk) -> tuple[_Piece, ...]:
    """The units of a passage that may answer; the same strings as long as they are kept."""
    text = note.text
    pieces = units(note, chunk.start, chunk.end, chunk.heading)
    headers = {u.stem for u in pieces if u.kind == "row" and u.stem}
    headers |= {(u.start, u.end) for u in pieces if u.kind == "row" and _RULED.match(text, u.end)}
    pointers = _pointers(text, pieces)
    pieces = [_without_bare_stem(text, unit) for unit in pieces]
    return tuple(
        _Piece(
            unit=unit,
            text=text[unit.start : unit.end],
            stem=text[slice(*unit.stem)] if unit.stem else "",
            heading=" ".join(unit.heading or chunk.heading),
            links=_links(text, unit),
            announces=announces,
        )
        for unit, announces in zip(pieces, announcing(text, pieces), strict=True)
        if unit.kind != "heading" and (unit.start, unit.end) not in headers and unit not in pointers
    )


def _without_bare_stem(text: str, unit: Unit) -> Unit:
    """A unit without its stem, if that is nothing but links ("up:: [[note]]"): it governs none."""
    if unit.stem is None or unit.kind == "row" or not _BARE_LINKS.fullmatch(text, *unit.stem):
        return unit
    return replace(unit, stem=None)


def _is_printed(code: str) -> bool:
    """Whether some line of a fence holds escaped line breaks again and again."""
    return any(line.count("\\n") >= _BREAKS for line in code.split("\n"))


def _links(text: str, unit: Unit) -> Links:
    """What a unit of links alone links to."""
    if _BARE_LINKS.fullmatch(text, unit.start, unit.end):
        return "notes"
    return "web" if _WEB_LINKS.fullmatch(text, unit.start, unit.end) else ""


def _pointers(text: str, pieces: Sequence[Unit]) -> set[Unit]:
    """The units that only say where to look, or say nothing at all ("- ...")."""
    told = {u for u in pieces if _POINTER.fullmatch(text, u.start, u.end)}
    bare = {u for u in pieces if _BARE_LINKS.fullmatch(text, u.start, u.end)}
    names = {u for u in bare if u.kind == "item" and _NAME.fullmatch(text, u.start, u.end)}
    wordless = {
        u
        for u in pieces
        if u.kind in {"item", "paragraph", "quote"} and _WORDLESS.fullmatch(text, u.start, u.end)
    }
    printed = {u for u in pieces if u.kind == "code" and _is_printed(text[u.start : u.end])}
    return told | wordless | printed | (bare if len(names) < _NAMES else bare - names)
