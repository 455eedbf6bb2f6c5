"""Sentences of the notes that a claim is compared with, each with the words around it.

Knows notes and words; not what a sentence says of a claim. Called by `grounding` and
what it is made of.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.lexicon import alike, opposites
from assistant.types import Evidence, Hit
from assistant.words import Word, words
from corpus.glossary import translations
from corpus.text import fold, is_han
from corpus.types import Chunk, Note
from corpus.units import units

__all__ = [
    "Passage", "evidence_of", "holds", "joined", "of_hits", "passages_of", "roughly_best",
    "unique",
]  # fmt: skip

# There a heading names its section; in a feed or a plain text, whose structure is lost or guessed,
# a line taken for one may state something.
_HEADED = frozenset({"markdown", "org", "rst"})


_ROUNDING = 1e-9  # sums of the same weights in another order
_CONNECTORS = re.compile(r"[.\-_'+#]")


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


def roughly_best(
    ours: Sequence[Word], weights: NDArray[np.float64], passages: Sequence[Passage], n: int
) -> list[Passage]:
    """The passages that cover most of a claim at a cheap look, to be aligned word by word.

    Of most passages the letters alone show that they are not among them, so they are not read.

    Args:
        ours: words of the claim.
        weights: of these words, at least 0.
        passages: what it may be compared with.
        n: how many at most.

    Returns:
        The best first, as good ones in their order.
    """
    some = [
        _Sought(word, weight) for word, weight in zip(ours, weights.tolist(), strict=True) if weight
    ]
    new = [p for p in passages if not (_letters(p.text).is_read and _letters(p.context).is_read)]
    if new:
        every = _Letters("\n".join(dict.fromkeys(p.text for p in new)))
        for one in some:
            wide = map(_spelled, _wide(one.word.text))
            one.wide = [spelled for spelled in wide if every.may_name(*spelled)]
    unread = set(map(id, new))
    bounds = [(_most if id(p) in unread else _rough_coverage)(some, p) for p in passages]
    found: list[tuple[float, int]] = []
    for i in sorted(range(len(passages)), key=lambda i: -bounds[i]):
        if len(found) >= n and bounds[i] < -found[n - 1][0] - _ROUNDING:
            break
        insort(found, (-_rough_coverage(some, passages[i]), i))
    return [passages[i] for _, i in found[:n]]


class _Sought:
    """A word of a claim as it is looked for.

    Attributes:
        word: the word.
        weight: what it weighs.
        own: its names, as `_spelled`.
        wide: other words that may stand for it, as `_spelled`.
    """

    __slots__ = ("own", "weight", "wide", "word")

    def __init__(self, word: Word, weight: float) -> None:
        self.word = word
        self.weight = weight
        self.own = [_spelled(name) for name in (word.text, *word.known)]
        self.wide: list[tuple[str, str]] = []


def _most(some: Sequence[_Sought], passage: Passage) -> float:
    """No less than `_rough_coverage`, by letters alone."""
    there, near = _letters(passage.text), _letters(passage.context)
    score = 0.0
    for one in some:
        if there.may_name_one(one.own):
            score += one.weight
        elif one.wide and there.may_name_one(one.wide):
            score += 0.8 * one.weight
        elif near.may_name_one(one.own):
            score += 0.4 * one.weight
    return score - 0.001 * len(passage.text)


def _rough_coverage(some: Sequence[_Sought], passage: Passage) -> float:
    """The weight of the words of a claim that stand in a passage, beside it, or as another word."""
    there, near = _letters(passage.text), _letters(passage.context).bag
    folded, bag = there.folded, there.bag
    score = 0.0
    for one in some:
        word = one.word
        if word.text in folded or word.text in bag or not word.known.isdisjoint(bag):
            score += one.weight
        elif word.text in near or not word.known.isdisjoint(near):
            score += 0.4 * one.weight
        elif not _wide(word.text).isdisjoint(bag):
            score += 0.8 * one.weight
    return score - 0.001 * len(passage.text)


def holds(passage: Passage, some: Sequence[Word]) -> list[bool]:
    """Which of some words stand in a passage, under any of their names."""
    there = _letters(passage.text)
    return [
        word.text in there.folded
        or (
            there.may_name_one([_spelled(name) for name in (word.text, *word.known)])
            and (word.text in there.bag or not word.known.isdisjoint(there.bag))
        )
        for word in some
    ]


@lru_cache(maxsize=8192)
def _wide(word: str) -> frozenset[str]:
    return (
        alike(word) | opposites(word) | {name for name, odds in translations(word) if odds > 0.05}
    )


@lru_cache(maxsize=16_384)
def _spelled(name: str) -> tuple[str, str]:
    """What stands in a folded text that has a word of this name, or else what stands in it joined.

    The letters of a name stand in a row, but for 不, which may stand between them or beside others
    (得不到 is read as 不 and 得到), the ending of an English word, which is cut off or turned
    (studies, study), and the connectors of an identifier. The second is "" where it says nothing.
    """
    if not is_han(name[0]):
        return name, _CONNECTORS.sub("", name)[:-1]
    if "不" in name:
        return name, name.replace("不", "")[:1]
    return name, f"{name[0]}不{name[1]}" if len(name) == 2 else ""


class _Letters:
    """A text by its letters: few names can be those of its words, and only then it is read.

    Args:
        text: a sentence or a few, or what stands above them.

    Attributes:
        folded: the text.
        joined: without the connectors of identifiers.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.folded = fold(text)
        self.joined = _CONNECTORS.sub("", self.folded)

    def may_name(self, whole: str, part: str) -> bool:
        """Whether a word of the text may have a name, or the name stands in it; see `_spelled`."""
        return whole in self.folded or (part != "" and part in self.joined)

    def may_name_one(self, names: Iterable[tuple[str, str]]) -> bool:
        """Whether `may_name` is true of one of some names."""
        folded, joined = self.folded, self.joined
        for whole, part in names:  # noqa: SIM110 - any() takes twice as long for one or two
            if whole in folded or (part and part in joined):
                return True
        return False

    @property
    def is_read(self) -> bool:
        """Whether `bag` is known."""
        return "bag" in self.__dict__

    @cached_property
    def bag(self) -> frozenset[str]:
        """All names of the words of the text."""
        out: set[str] = set()
        for word in words(self._text):
            out.add(word.text)
            out |= word.known
        return frozenset(out)


_letters = lru_cache(maxsize=16_384)(_Letters)
