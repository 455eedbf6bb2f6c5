"""Who does what to whom, and in which order: sides exchanged between a claim and a passage.

Relations with two sides, words that changed places, pairs that were paired otherwise. Knows an
alignment and relations, not notes. Called by `contrast`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from assistant.alignment import Alignment
from assistant.conflict import Conflict, Pair
from assistant.lexicon import LIGHT
from assistant.relations import Relation, relations
from assistant.words import Word

__all__ = ["is_converse", "permuted", "repaired", "roles", "swapped", "usurped"]


def roles(pair: Pair) -> list[Conflict]:
    """Sides of a relation exchanged: A better than B where the note says B better than A."""
    out: list[Conflict] = []
    claimed = relations(pair.claim)
    if not claimed:
        return out
    noted = relations(pair.note)
    for mine in claimed:
        for other in noted:
            if mine.kind != other.kind:
                continue
            kept, crossed = _sides(pair, mine, other)
            if mine.direction * other.direction < 0:
                kept, crossed = crossed, kept
            if crossed > kept + 0.4 and crossed >= 0.6:
                out.append(
                    Conflict(
                        kind="order" if mine.kind == "sequence" else "role",
                        said=pair.claim[mine.start : mine.end],
                        noted=pair.note[other.start : other.end],
                        strength=min(0.9, 0.5 + 0.3 * crossed),
                    )
                )
    return out


def is_converse(pair: Pair) -> bool:
    """Whether a comparison is told from the other side: A faster than B, B slower than A."""
    mine = [r for r in relations(pair.claim) if r.kind == "compare"]
    noted = [r for r in relations(pair.note) if r.kind == "compare"] if mine else []
    for one in mine:
        for other in noted:
            kept, crossed = _sides(pair, one, other)
            if one.direction * other.direction < 0 and crossed >= max(_ACROSS, kept + _CLEAR):
                return True
    return False


_ACROSS, _CLEAR = 1.0, 0.4


def _sides(pair: Pair, mine: Relation, other: Relation) -> tuple[float, float]:
    """How far both sides of a relation stand on the same sides of another, and on the others.

    Told by the words that the two sides do not share: 列 and 行 in 按列遍历 and 按行遍历.
    """
    found = pair.found.claim
    texts = [{found[i].text for i in side} for side in (mine.subject, mine.object)]
    subject, other_side = (
        [i for i in side if found[i].text not in shared] or list(side)
        for side, shared in ((mine.subject, texts[1]), (mine.object, texts[0]))
    )
    kept = _meets(pair, subject, other.subject) + _meets(pair, other_side, other.object)
    crossed = _meets(pair, subject, other.object) + _meets(pair, other_side, other.subject)
    return kept, crossed


def usurped(pair: Pair) -> list[Conflict]:
    """The maker of a thing is another: A released X, where the note says that B did."""
    theirs = [r for r in relations(pair.note) if r.kind == "author"]
    if not theirs:
        return []
    out = []
    for mine in (r for r in relations(pair.claim) if r.kind == "author"):
        for other in theirs:
            named = [i for i in mine.subject if _is_someone(pair.found.claim[i])]
            makers = [j for j in other.subject if _is_someone(pair.found.evidence[j])]
            known = {w.text for w in pair.found.evidence}
            if not named or not makers or _meets(pair, mine.object, other.object) < _SAME_THING:
                continue
            if any(pair.found.to[i] >= 0 or pair.found.claim[i].text in known for i in named):
                continue
            if any(pair.covered[i] < _SAID for i in mine.object if pair.found.claim[i].is_content):
                continue  # another version or a part of it
            out.append(
                Conflict(
                    kind="name",
                    said=_span(pair.claim, [pair.found.claim[i] for i in named]),
                    noted=_span(pair.note, [pair.found.evidence[j] for j in makers]),
                    strength=0.8,
                )
            )
    return out[:1]


_SAME_THING, _SAID = 0.8, 0.6


def _is_someone(word: Word) -> bool:
    return word.is_content and not word.is_number and word.text not in LIGHT


def _span(text: str, found: Sequence[Word]) -> str:
    return text[found[0].start : found[-1].end]


def _meets(pair: Pair, mine: Sequence[int], theirs: Sequence[int]) -> float:
    """Share of the words of one side whose pairs stand on a side of the other relation."""
    content = [i for i in mine if pair.found.claim[i].is_content]
    content = [i for i in content if pair.found.claim[i].is_name] or content
    if not content:
        return 0.0
    inside = set(theirs)
    score = 0.0
    for i in content:
        word = pair.found.claim[i].text
        if any(pair.found.evidence[j].text == word for j in inside):
            score += 1.0
        elif pair.found.to[i] in inside:
            score += pair.found.score[i]
    return score / len(content)


def swapped(pair: Pair) -> list[Conflict]:
    """Two words that have exchanged their places between neighbours that have not."""
    found = pair.found
    exact = [
        i
        for i, j in enumerate(found.to)
        if j >= 0
        and found.score[i] >= 0.9
        and not found.is_opposite[i]
        and found.claim[i].is_content
    ]
    between = [(i, place) for i in exact if (place := _place_between(found, i)) is not None]
    out = []
    for (i, noted_i), (k, noted_k) in combinations(between, 2):
        if not (_same(found, k, noted_i) and _same(found, i, noted_k)):
            continue
        if _slot(found, i) and _could_swap(found.claim[i], found.claim[k]):
            out.append(
                Conflict(
                    kind="role",
                    said=_words(pair.claim, found.claim[i], found.claim[k]),
                    noted=_words(pair.note, found.evidence[noted_i], found.evidence[noted_k]),
                    strength=0.85,
                )
            )
    return out


def permuted(pair: Pair) -> list[Conflict]:
    """The same words and the same function words, content in another order."""
    found = pair.found
    content = [i for i, w in enumerate(found.claim) if w.is_content and w.text not in LIGHT]
    if len(content) < 3 or any(found.to[i] < 0 or found.score[i] < 0.9 for i in content):
        return []
    places = [found.to[i] for i in content]
    low, high = min(places), max(places)
    inside = [
        j
        for j in range(low, high + 1)
        if found.evidence[j].is_content and found.evidence[j].text not in LIGHT
    ]
    if len(set(places)) != len(places) or len(inside) > len(places):
        return []
    first, last = content[0], content[-1]
    skeleton = [w.text for w in found.claim[first : last + 1] if not w.is_content]
    theirs = [w.text for w in found.evidence[low : high + 1] if not w.is_content]
    if not skeleton or skeleton != theirs or places == sorted(places):
        return []
    return [
        Conflict(
            kind="role",
            said=pair.claim[found.claim[first].start : found.claim[last].end],
            noted=pair.note[found.evidence[low].start : found.evidence[high].end],
            strength=0.8,
        )
    ]


_SEGMENT = re.compile(r"[,，;；、。]|\band\b")


def repaired(pair: Pair) -> list[Conflict]:
    """Names bound to each other's partners: A with Y and B with X where the note has A with X."""
    found = pair.found
    common = {w.text for w in found.claim if w.is_name} & {w.text for w in found.evidence}
    if len(common) < 2:
        return []
    mine = _bound(pair.claim, found.claim, common)
    theirs = _bound(pair.note, found.evidence, common)
    for a, b in mine:
        for c, d in mine:
            crossed = {frozenset({a, d}), frozenset({c, b})}
            if a != c and b != d and crossed <= set(map(frozenset, theirs)):
                return [Conflict(kind="role", said=f"{a}–{b}", noted=f"{a}–{d}", strength=0.85)]
    return []


def _bound(text: str, found: Sequence[Word], common: set[str]) -> list[tuple[str, str]]:
    """Pairs of names that stand alone together in one segment of a text."""
    cuts = [m.start() for m in _SEGMENT.finditer(text)]
    groups: dict[int, list[str]] = {}
    for word in found:
        if word.text in common:
            groups.setdefault(sum(cut <= word.start for cut in cuts), []).append(word.text)
    return [(g[-2], g[-1]) for g in groups.values() if 2 <= len(g) <= 3]


def _could_swap(a: Word, b: Word) -> bool:
    return a.text != b.text and a.is_name == b.is_name and a.is_number == b.is_number


def _slot(found: Alignment, i: int) -> bool:
    """Whether a word has a neighbour on either side that is paired, so that its place is known."""
    return (i > 0 and found.to[i - 1] >= 0) or (i + 1 < len(found.to) and found.to[i + 1] >= 0)


def _same(found: Alignment, i: int, j: int) -> bool:
    return found.claim[i].text == found.evidence[j].text


def _place_between(found: Alignment, i: int) -> int | None:
    """The word of the evidence that stands where word i of the claim should, by its neighbours."""
    left = found.to[i - 1] if i > 0 and found.score[i - 1] >= 0.9 else None
    right = found.to[i + 1] if i + 1 < len(found.to) and found.score[i + 1] >= 0.9 else None
    m = len(found.evidence)
    if left is not None and left >= 0 and left + 1 < m and (right is None or right == left + 2):
        return left + 1
    if right is not None and right >= 1 and (left is None or left == right - 2):
        return right - 1
    return None


def _words(text: str, a: Word, b: Word) -> str:
    first, last = sorted((a, b), key=lambda w: w.start)
    return (
        text[first.start : last.end]
        if last.end - first.start <= 40
        else (f"{text[first.start : first.end]} … {text[last.start : last.end]}")
    )
