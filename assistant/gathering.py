"""Hits as a person wants to read them: neighbours joined, the same passage shown once.

Two passages of one note that touch become one hit with the exact span of both. Of passages that
say the same with the same figures and names, as copies in other notes do, one stays and tells
where else it stands. The hits of a question and of its rewriting become one list (`merge`): a wrong
rewriting must not hide notes. Knows hits and texts, not how they were found. Called by `pipeline`.

Source of the comparison: Broder, "On the resemblance and containment of documents", SEQUENCES
1997; shingles of letters, compared exactly since there are few.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from assistant.denials import quantifier
from assistant.lexicon import opposites
from assistant.types import Hit
from corpus.text import fold
from corpus.tokens import tokens

__all__ = ["gather", "gathered", "merge"]

_LONGEST = 2_400  # characters of a joined hit: five passages
_RAW_SHARE = 0.5  # what a passage that only the question as typed finds keeps of its score
_RAW_KEPT = 3  # of them are among the hits whatever their score
_SHINGLE = 3
_ALIKE = 0.85  # least share of shingles that copies have in common
_TURNING = frozenset("不没无非未别勿莫零一二三四五六七八九十百千万亿两半")
_NEGATIONS = frozenset("not no never without cannot none neither nor".split())
_MARKUP = re.compile(r"[^\w]+")


def gathered(find: Callable[[int], Sequence[Hit]], k: int) -> list[Hit]:
    """At most `k` gathered hits; asks for more passages until there are as many.

    Args:
        find: the best hits, at most as many as asked, best first.
        k: how many hits at most.
    """
    wanted = max(2 * k, k + 20)
    while True:
        hits = find(wanted)
        found = gather(hits, k)
        if len(found) >= k or len(hits) < wanted:
            return found
        wanted *= 2


def gather(hits: Sequence[Hit], k: int) -> list[Hit]:
    """Hits joined and freed of copies.

    Args:
        hits: best first, without repeats.
        k: how many at most.

    Returns:
        Hits, best first, each at the place and with the scores of its best passage; no two of one
        note touch unless the joined hit would be longer than a few passages. The heading is the
        one that all its passages stand under.
    """
    groups: list[Hit] = []
    for hit in _without_copies(hits):
        at = next((n for n, other in enumerate(groups) if _touch(other, hit)), None)
        if at is not None:
            groups[at] = _joined(groups[at], hit)
            _close(groups, at)
        elif len(groups) < k:
            groups.append(hit)
        else:
            break
    return groups


def _close(groups: list[Hit], at: int) -> None:
    """Join the group with those that it touches since it grew; the better place stays."""
    other = next((n for n in range(len(groups)) if n != at and _touch(groups[at], groups[n])), None)
    if other is not None:
        first, second = sorted((at, other))
        groups[first] = _joined(groups[first], groups.pop(second))
        _close(groups, first)


def _touch(one: Hit, other: Hit) -> bool:
    """Whether two hits of a note overlap or have only blanks between them, and may be joined."""
    if one.note.path != other.note.path:
        return False
    first, second = sorted((one.chunk, other.chunk), key=lambda c: (c.start, c.end))
    if max(first.end, second.end) - first.start > _LONGEST:
        return False
    return first.end >= second.start or not one.note.text[first.end : second.start].strip()


def _joined(best: Hit, other: Hit) -> Hit:
    """The better hit, its passage extended over the other one."""
    first = min(best.chunk, other.chunk, key=lambda chunk: chunk.start)
    pairs = zip(best.chunk.heading, other.chunk.heading, strict=False)
    shared = tuple(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    chunk = replace(
        best.chunk,
        start=first.start,
        end=max(best.chunk.end, other.chunk.end),
        line=first.line,
        heading=shared,
    )
    return replace(best, chunk=chunk, also=(*best.also, *other.also))


@dataclass(slots=True)
class _Same:
    """Passages that say the same, best first."""

    hits: list[Hit]
    plain: str
    facts: tuple[str, ...]
    shingles: frozenset[str] = field(default_factory=frozenset)


def _without_copies(hits: Sequence[Hit]) -> list[Hit]:
    """One hit for each passage, copies by preference from a note that is shown already."""
    every: list[_Same] = []
    by_text: dict[str, _Same] = {}
    for hit in hits:
        plain = _MARKUP.sub("", fold(hit.text))
        same = by_text.get(plain)
        if same is None:
            made = _Same([hit], plain, _facts(hit.text), _shingles(plain))
            same = next((other for other in every if _alike(other, made)), None)
            by_text[plain] = same or made
            if same is None:
                every.append(made)
                continue
        same.hits.append(hit)
    shown: set[str] = set()
    kept: list[Hit] = []
    for group in every:
        best = group.hits[0]
        chosen = next((hit for hit in group.hits if hit.note.path in shown), best)
        if best.note.path in shown:
            chosen = best
        shown.add(chosen.note.path)
        also = tuple(hit.place for hit in group.hits if hit is not chosen)
        kept.append(replace(chosen, score=best.score, also=also))
    return kept


def _shingles(plain: str) -> frozenset[str]:
    return frozenset(plain[i : i + _SHINGLE] for i in range(max(1, len(plain) - _SHINGLE + 1)))


def _facts(text: str) -> tuple[str, ...]:
    """What copies may not differ in, however alike they are: figures, names, words that turn."""
    found = [char for char in fold(text) if char in _TURNING]
    for token in tokens(text):
        word = text[token.start : token.end]
        if token.kind == "han":
            matters = bool(opposites(token.text) or quantifier(token.text))
        else:
            matters = not word.islower() or token.text in _NEGATIONS or token.kind == "number"
            matters = matters or bool(opposites(token.text) or quantifier(token.text))
        if matters:
            found.append(token.text)
    return tuple(sorted(found))


def _alike(one: _Same, other: _Same) -> bool:
    shorter, longer = sorted((len(one.plain), len(other.plain)))
    if shorter < _ALIKE * longer or one.facts != other.facts or shorter < 4 * _SHINGLE:
        return False
    both = len(one.shingles & other.shingles)
    return both >= _ALIKE * (len(one.shingles) + len(other.shingles) - both)


def merge(rewritten: Sequence[Hit], raw: Sequence[Hit], k: int) -> list[Hit]:
    """Hits of the rewritten question and of the one typed, best first.

    Args:
        rewritten: hits of the rewritten question, best first.
        raw: hits of the question as typed, best first.
        k: how many hits at most.

    Returns:
        Each passage once, with the better of its scores, those of `raw` discounted; at least
        three of `raw` are among them where `k` is larger than that.
    """
    best = {hit.chunk.id: hit for hit in rewritten}
    for hit in raw:
        score = hit.score * _RAW_SHARE
        if hit.chunk.id not in best:
            best[hit.chunk.id] = replace(hit, score=score)
        elif best[hit.chunk.id].score < score:
            best[hit.chunk.id] = replace(best[hit.chunk.id], score=score)
    order = sorted(best.values(), key=lambda hit: -hit.score)  # stable: rewritten first
    kept = {hit.chunk.id for hit in raw[:_RAW_KEPT]} if k > _RAW_KEPT else set()
    room = k - len(kept)
    chosen: list[Hit] = []
    for hit in order:
        if hit.chunk.id in kept:
            chosen.append(hit)
        elif room > 0:
            chosen.append(hit)
            room -= 1
    return chosen[:k]
