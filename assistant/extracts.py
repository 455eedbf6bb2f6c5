"""What an answer is made of: the best unit with its whole list, the other side, or a few others.

A list question gets the list under its stem, a question for both sides the items under both, and
any other the units that were found worth standing beside the best one. Knows candidates and the
question, not what made them likely. Called by `answering`; `composing` writes the extracts down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.candidates import Candidate, candidates
from assistant.eligible import eligible
from assistant.lexicon import alike, opposites
from assistant.questions import Kind, Question
from assistant.types import Hit
from assistant.unfolding import (
    MAX_LIST,
    announced,
    heads_list,
    is_label,
    is_scrap,
    is_under,
    list_of,
    with_announced,
)
from assistant.words import words
from corpus.text import fold
from corpus.types import Unit
from corpus.units import units

__all__ = ["FACTS", "MAX_UNITS", "Extract", "extracts_of", "with_stem"]

_WHOLE_LISTS = frozenset({Kind.LIST, Kind.HOW, Kind.WHY, Kind.COMPARE, Kind.OPEN})
MAX_UNITS, _MAX_FACTS = 4, 3  # in an answer that is no list, in one that is a short fact
_UNDER_LABEL = 3  # items that a label brings with it
FACTS = frozenset({Kind.NUMBER, Kind.WHEN, Kind.WHO})  # kinds of question a short fact answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A unit chosen for the answer.

    Attributes:
        hit: the passage it stands in.
        unit: the span.
        score: probability that it answers, in [0, 1].
        is_item: shown as an item under the stem before it.
        topic: words of the question that it is shown under, or "".
    """

    hit: Hit
    unit: Unit
    score: float
    is_item: bool = False
    topic: str = ""

    @property
    def text(self) -> str:
        """Exactly the note's words."""
        return self.hit.note.text[self.unit.start : self.unit.end]


def extracts_of(
    question: Question, best: Candidate, ranked: list[Candidate], beside: Sequence[Candidate]
) -> list[Extract]:
    """The best unit with what belongs to it, in the order of the notes.

    Args:
        question: the parsed question.
        best: the likeliest unit.
        ranked: all units, likeliest first.
        beside: those worth showing beside the best one, worthiest first.
    """
    group = list_of(best, ranked)
    is_stem = heads_list(best, group)
    facing = _facing_list(question, best, ranked)
    if facing:  # both sides were asked for
        return _merge([*(group or [best]), *facing], is_list=True)
    if group and (is_stem or _wants_list(question, best, group)):
        whole = _whole_list(question, best, group)
        if is_stem or len(whole) > 1:
            return _merge(_fulfilled(whole, ranked), is_list=True)
    picked = announced(best, ranked) if best.announces else [best]
    limit = _MAX_FACTS if question.kind in FACTS else MAX_UNITS
    worthy = [
        c for c in beside if not is_scrap(c) or any(is_under(other, c) for other in [best, *beside])
    ]
    near = [best, *worthy[: limit - 1]]
    for candidate in worthy:
        if len(picked) >= limit:
            break
        if not _same_words(candidate, picked):
            picked += (
                with_announced(candidate, ranked, near) if candidate.announces else [candidate]
            )
    return _merge(_fulfilled(picked, ranked), is_list=False)


def _fulfilled(picked: Sequence[Candidate], ranked: Sequence[Candidate]) -> list[Candidate]:
    """Units with what stands under the labels among them; a label of nothing is left out."""
    out: list[Candidate] = []
    for candidate in picked:
        out.append(candidate)
        if not is_label(candidate) or any(is_under(other, candidate) for other in picked):
            continue
        under = [c for c in ranked if is_under(c, candidate) and not is_label(c)]
        if under:
            out += sorted(under, key=lambda c: c.unit.start)[:_UNDER_LABEL]
        elif (
            candidate.unit.kind == "item" and len(picked) > 1 and not _has_block(candidate, picked)
        ):
            out.pop()
    return out or list(picked)


def _has_block(label: Candidate, picked: Sequence[Candidate]) -> bool:
    """Whether code, a formula or a table of the same passage is shown behind a label."""
    return any(
        c.hit.chunk.id == label.hit.chunk.id
        and c.unit.start > label.unit.start
        and c.unit.kind in ("code", "formula", "row")
        for c in picked
    )


def _facing_list(
    question: Question, best: Candidate, ranked: Sequence[Candidate]
) -> list[Candidate]:
    """The items under the opposite stem, where a question asks for both: 优势和不足."""
    asked = {w.text for w in words(question.core) if w.is_content}
    above = {w.text for w in words(best.stem)}
    mine = {word for word in asked if above & {word, *alike(word)}}
    other = {word for word in asked - mine for side in mine if word in opposites(side)}
    if not other:
        return []
    wanted = other.union(*map(alike, other))
    return [
        c
        for c in sorted(ranked, key=lambda c: c.unit.start)
        if c.hit.chunk.id == best.hit.chunk.id and wanted & {w.text for w in words(c.stem)}
    ][:MAX_LIST]


def _wants_list(question: Question, best: Candidate, group: list[Candidate]) -> bool:
    """Whether the whole list answers better than its best item."""
    if question.kind is Kind.LIST:
        return True
    if question.kind not in _WHOLE_LISTS:
        return False
    if len(group) < 2:
        return False
    scores = np.array([c.score for c in group])
    return bool((scores >= 0.35 * best.score).mean() >= 0.6)


def _whole_list(question: Question, best: Candidate, group: Sequence[Candidate]) -> list[Candidate]:
    """A list with its items that stand outside the passage found."""
    stem = group[0].unit.stem
    note, chunk = best.hit.note, best.hit.chunk
    every = units(note, note.body_start, len(note.text), chunk.heading)
    own = next((u for u in every if u.start <= best.unit.start < u.end), None)
    if stem is None:
        same = [u for u in every if own and u.group == own.group and u.stem is None]
    else:
        same = [u for u in every if u.stem == stem and u.kind == "item"]
    outside = {u.start for u in same if u.end <= chunk.start or u.start >= chunk.end}
    if not outside:
        return list(group)
    wider = replace(chunk, start=min(u.start for u in same), end=max(u.end for u in same))
    whole = eligible(question, candidates([replace(best.hit, chunk=wider)]))
    beyond = [replace(c, hit=best.hit, rank=best.rank) for c in whole if c.unit.start in outside]
    return sorted([*group, *beyond], key=lambda c: c.unit.start)[:MAX_LIST]


def _same_words(candidate: Candidate, picked: list[Candidate]) -> bool:
    plain = _plain(candidate.text)
    return any(plain in _plain(p.text) or _plain(p.text) in plain for p in picked)


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", fold(text))


def _merge(picked: list[Candidate], *, is_list: bool) -> list[Extract]:
    """Extracts in reading order: notes by the rank of their best hit, spans by place."""
    first: dict[str, int] = {}
    for candidate in picked:
        path = candidate.hit.note.path
        first[path] = min(first.get(path, candidate.rank), candidate.rank)
    ordered = sorted(picked, key=lambda c: (first[c.hit.note.path], c.unit.start))
    out: list[Extract] = []
    seen: set[str] = set()
    for candidate in ordered:
        plain = _plain(candidate.text) or candidate.text
        if plain in seen:
            continue
        seen.add(plain)
        out.append(
            Extract(hit=candidate.hit, unit=candidate.unit, score=candidate.score, is_item=is_list)
        )
    return out


def with_stem(extract: Extract) -> Extract | None:
    """The stem that governs an extract, as an extract of its own."""
    if extract.unit.stem is None:
        return None
    start, end = extract.unit.stem
    unit = replace(extract.unit, start=start, end=end, stem=None, kind="paragraph")
    return Extract(hit=extract.hit, unit=unit, score=extract.score)
