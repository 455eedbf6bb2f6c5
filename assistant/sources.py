"""Passages as a chat model is given them: keyed, free of markers, within a budget of tokens.

A key is the passage's number and three letters hashed from its place, `3kfw`: a model that makes a
marker up does not hit one. Marks like `[1]` in the notes are taken out, so that they cannot pass
for the answer's, and so is what only a model would read (`disarming`). What does not fit is trimmed
by relevance to the question, in whole sentences, in the order of the note. Knows hits and terms, no
model; called by `generating`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from assistant.disarming import for_model
from assistant.markers import without_markers
from assistant.types import Hit
from corpus.text import is_han
from corpus.tokens import content_terms
from corpus.types import Unit
from corpus.units import units

__all__ = ["KEY", "Source", "n_tokens", "sources_of"]

_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels: a key is no word
KEY = re.compile(rf"\d{{1,2}}[{_LETTERS}]{{3}}")
_BRACKETED_KEY = re.compile(rf"[\[【［]\s*(\d{{1,2}}[{_LETTERS}]{{3}})\s*[\]】］]", re.IGNORECASE)
_SHARE = 3  # one passage takes at most a third of the budget
_LEAST_TOKENS = 40  # what is shorter says too little
_GAP = "……"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage in the prompt.

    Attributes:
        number: from 1.
        key: what the model cites it by.
        hit: where it comes from.
        text: its words as they are sent: trimmed, without markers.
        title: of its note, and `place`, its headings and date, for the line above it.
    """

    number: int
    key: str
    hit: Hit
    text: str
    title: str
    place: str


def n_tokens(text: str) -> int:
    """How many tokens a text takes at most, by count of characters; no tokenizer is at hand.

    An ideograph counts 1, four letters or two other characters count 1: above what the
    vocabularies of present models need for Chinese, English and code.
    """
    n_han = n_letters = n_other = 0
    for char in text:
        if is_han(char):
            n_han += 1
        elif char.isascii() and (char.isalpha() or char == " "):
            n_letters += 1
        else:
            n_other += 1
    return n_han + -(-n_letters // 4) + -(-n_other // 2)


def sources_of(
    question: str,
    hits: Sequence[Hit],
    needed: Sequence[tuple[str, int, int]],
    *,
    idf: Callable[[str], float],
    budget: int,
) -> list[Source]:
    """The passages for a prompt.

    Args:
        question: the complete question.
        hits: passages found, best first.
        needed: note, start and end of spans that must stay: what the built-in answer quotes.
        idf: weight of a term in the notes.
        budget: tokens for all passages.

    Returns:
        Passages that hold what is needed first, then by rank, as many as fit; at least one where
        there are hits.
    """
    asked = set(content_terms(question))
    first = [hit for hit in hits if _spans_in(hit, needed)]
    out: list[Source] = []
    left = budget
    for hit in [*first, *(hit for hit in hits if hit not in first)]:
        room = min(left, max(budget // _SHARE, _LEAST_TOKENS))
        if room < _LEAST_TOKENS and out:
            break
        text = _trimmed(hit, asked, _spans_in(hit, needed), idf, room)
        if not text:
            continue
        number = len(out) + 1
        title = " ".join(_clean(hit.note.title).split())
        out.append(
            Source(
                number=number, key=_key(number, hit), hit=hit, text=text, title=title,
                place=_place(hit),
            )
        )  # fmt: skip
        left -= n_tokens(text) + n_tokens(_place(hit)) + n_tokens(hit.note.title) + 8
    return out


def _key(number: int, hit: Hit) -> str:
    place = f"{hit.note.path}\0{hit.chunk.start}\0{hit.chunk.end}"
    digest = blake2b(place.encode("utf-8", "surrogatepass"), digest_size=3).digest()
    return f"{number}{''.join(_LETTERS[byte % len(_LETTERS)] for byte in digest)}"


def _place(hit: Hit) -> str:
    parts = [part for part in hit.chunk.heading if part != hit.note.title]
    trail = "".join(f" › {_clean(part)}" for part in parts)  # noqa: RUF001
    return trail + (f" ({hit.note.date})" if hit.note.date else "")


def _spans_in(hit: Hit, needed: Sequence[tuple[str, int, int]]) -> list[tuple[int, int]]:
    chunk = hit.chunk
    return [
        (a, b)
        for note, a, b in needed
        if note == hit.note.path and a < chunk.end and chunk.start < b
    ]


def _trimmed(
    hit: Hit,
    asked: set[str],
    needed: Sequence[tuple[int, int]],
    idf: Callable[[str], float],
    room: int,
) -> str:
    """The passage, or its most relevant sentences in order with their gaps marked."""
    whole = _clean(hit.text)
    if n_tokens(whole) <= room:
        return whole
    pieces = [u for u in units(hit.note, hit.chunk.start, hit.chunk.end) if u.start < u.end]
    chosen: set[int] = set()
    for at in sorted(
        range(len(pieces)), key=lambda i: (-_worth(hit, pieces[i], asked, needed, idf), i)
    ):
        cost = n_tokens(_words(hit, pieces[at])) + 2
        if cost <= room:
            chosen.add(at)
            room -= cost
    parts: list[str] = []
    for at in sorted(chosen):
        if at - 1 not in chosen and at:
            parts.append(_GAP)
        parts.append(_clean(_words(hit, pieces[at])))
    if chosen and max(chosen) + 1 < len(pieces):
        parts.append(_GAP)
    return "\n".join(parts)


def _worth(
    hit: Hit,
    piece: Unit,
    asked: set[str],
    needed: Sequence[tuple[int, int]],
    idf: Callable[[str], float],
) -> float:
    """How much a sentence bears on the question; what is needed comes before all else."""
    if any(start < piece.end and piece.start < end for start, end in needed):
        return 1e6
    own = set(content_terms(_words(hit, piece)))
    return sum(idf(term) for term in asked & own)


def _words(hit: Hit, piece: Unit) -> str:
    stem = f"{hit.note.text[slice(*piece.stem)]} " if piece.stem and piece.kind == "item" else ""
    return stem + hit.note.text[piece.start : piece.end]


def _clean(text: str) -> str:
    """The text as a model is given it, without citation markers and what looks like a key."""
    return _BRACKETED_KEY.sub(r"(\1)", without_markers(for_model(text))).strip()
