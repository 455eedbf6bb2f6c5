"""Sentences of the notes that a claim is compared with, each with the words around it.

Knows notes and words; not what a sentence says of a claim. Called by `grounding` and
what it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.lexicon import alike, opposites
from assistant.types import Evidence, Hit
from assistant.words import Word, words
from corpus.glossary import translations
from corpus.text import fold
from corpus.types import Chunk, Note
from corpus.units import units

__all__ = [
    "Passage", "evidence_of", "holds", "joined", "of_hits", "passages_of", "rough_coverage",
    "unique",
]  # fmt: skip

# There a heading names its section; in a feed or a plain text, whose structure is lost or guessed,
# a line taken for one may state something.
_HEADED = frozenset({"markdown", "org", "rst"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A sentence or a few of one note, with the words around that say what it is about.

    Attributes:
        context: title, aliases, headings and the line that governs it.
        before: the end of the sentence before.
        cuts: offsets in the note at which its second and later sentences start.
    """

    note: Note
    chunk: Chunk
    start: int
    end: int
    context: str
    before: str = ""
    cuts: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """Exactly the note's words."""
        return self.note.text[self.start : self.end]


def passages_of(note: Note, chunk: Chunk) -> list[Passage]:
    """The sentences, items and rows of a chunk, with title, headings and stem as context."""
    return list(_passages_of(note, chunk))


@lru_cache(maxsize=2048)
def _passages_of(note: Note, chunk: Chunk) -> tuple[Passage, ...]:
    out: list[Passage] = []
    before = ""
    title = " ".join((note.title, *note.aliases))
    for unit in units(note, chunk.start, chunk.end, chunk.heading):
        if unit.kind == "heading" and note.format in _HEADED:
            continue
        heading = " ".join(unit.heading or chunk.heading)
        stem = note.text[slice(*unit.stem)] if unit.stem else ""
        out.append(
            Passage(
                note=note,
                chunk=chunk,
                start=unit.start,
                end=unit.end,
                context=f"{title}\n{heading}\n{stem}",
                before=before,
            )
        )
        before = note.text[unit.start : unit.end][-160:]
    return tuple(out)


def of_hits(hits: Sequence[Hit]) -> list[Passage]:
    """The sentences of all hits, in order."""
    return [passage for hit in hits for passage in passages_of(hit.note, hit.chunk)]


def unique(passages: Sequence[Passage]) -> list[Passage]:
    """Each span once, at its first place."""
    return list({(p.note.path, p.start, p.end): p for p in passages}.values())


def evidence_of(passage: Passage) -> Evidence:
    """A passage as what decides a verdict."""
    note = passage.note
    return Evidence(
        note=note.path,
        title=note.title,
        start=passage.start,
        end=passage.end,
        line=note.line_of(passage.start),
        quote=passage.text,
        date=note.date,
    )


def joined(ranked: Sequence[Passage], every: Sequence[Passage]) -> list[Passage]:
    """The best sentences together with the one before or behind them, as one passage."""
    by_chunk: dict[tuple[str, int], list[Passage]] = {}
    for p in every:
        by_chunk.setdefault((p.note.path, p.chunk.start), []).append(p)
    out: dict[tuple[str, int, int], Passage] = {}
    for p in ranked[:3]:
        row = sorted(by_chunk[p.note.path, p.chunk.start], key=lambda q: q.start)
        at = row.index(p)
        for low, high in ((at - 1, at), (at, at + 1), (at - 1, at + 1), (at, at + 2)):
            if low < 0 or high >= len(row):
                continue
            cuts = tuple(q.start for q in row[low + 1 : high + 1])
            joined = replace(row[low], end=row[high].end, cuts=cuts)
            out[p.note.path, joined.start, joined.end] = joined
    return list(out.values())


def rough_coverage(ours: Sequence[Word], weights: NDArray[np.float64], passage: Passage) -> float:
    """Cheap coverage, to choose what is aligned word by word."""
    text = passage.text
    bag, folded = _read(text)
    near, _ = _read(passage.context)
    score = 0.0
    for word, weight in zip(ours, weights.tolist(), strict=True):
        if word.text in folded or word.text in bag or not word.known.isdisjoint(bag):
            score += weight
        elif word.text in near or not word.known.isdisjoint(near):
            score += 0.4 * weight
        elif not _wide(word.text).isdisjoint(bag):
            score += 0.8 * weight
    return score - 0.001 * len(text)


def holds(passage: Passage, some: Sequence[Word]) -> list[bool]:
    """Which of some words stand in a passage, under any of their names."""
    bag, folded = _read(passage.text)
    return [w.text in folded or w.text in bag or not w.known.isdisjoint(bag) for w in some]


@lru_cache(maxsize=8192)
def _wide(word: str) -> frozenset[str]:
    return (
        alike(word) | opposites(word) | {name for name, odds in translations(word) if odds > 0.05}
    )


@lru_cache(maxsize=16_384)
def _read(text: str) -> tuple[frozenset[str], str]:
    """All names of the words of a text, and the text folded."""
    out: set[str] = set()
    for word in words(text):
        out.add(word.text)
        out |= word.known
    return frozenset(out), fold(text)
