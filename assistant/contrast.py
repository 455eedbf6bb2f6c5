"""Where a claim and the passage that speaks of the same thing part ways.

Each rule looks at one kind of slot: figures (`differing`), denials and opposites (`polarity`),
sides and order (`roles`), and here names and words that stand in each other's place. A rule names
what the claim says, what the note says, and how sure it is. Knows alignments, not notes;
`grounding` decides what a conflict means.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.alignment import Alignment
from assistant.conflict import Conflict, Pair
from assistant.differing import courses, measures, numbers, periods, versions
from assistant.lexicon import LIGHT, opposites
from assistant.polarity import polarity, quantifiers
from assistant.roles import permuted, repaired, roles, swapped, usurped
from assistant.words import Word
from corpus.text import has_han

__all__ = ["conflicts", "replacements"]


def conflicts(claim: str, note: str, found: Alignment, covered: Sequence[float]) -> list[Conflict]:
    """Every slot in which a claim differs from a passage, surest first.

    Args:
        claim: the statement.
        note: the passage, a sentence or a few.
        found: their alignment.
        covered: per word of the claim, how surely passage or context say it, in [0, 1].
    """
    pair = Pair(claim, note, found, tuple(covered), has_han(claim) == has_han(note))
    out = [
        *numbers(pair),
        *measures(pair),
        *periods(pair),
        *versions(pair),
        *courses(pair),
        *polarity(pair),
        *quantifiers(pair),
        *roles(pair),
        *repaired(pair),
        *usurped(pair),
    ]
    if pair.same_language:
        out += [*swapped(pair), *permuted(pair), *_replaced(pair)]
    return sorted(out, key=lambda c: -c.strength)


def replacements(
    claim: str, note: str, found: Alignment, covered: Sequence[float]
) -> list[Conflict]:
    """The slots in which a passage has something else or denies it; not who does what to whom.

    Args:
        claim: the statement, or a question.
        note: the passage, a sentence or a few.
        found: their alignment.
        covered: per word of the claim, how surely passage or context say it, in [0, 1].
    """
    pair = Pair(claim, note, found, tuple(covered), has_han(claim) == has_han(note))
    out = [*numbers(pair), *measures(pair), *versions(pair), *polarity(pair)]
    return out + _replaced(pair) if pair.same_language else out


def _replaced(pair: Pair) -> list[Conflict]:
    """Words of the claim that have no pair, where the note has other words in the same place."""
    found = pair.found
    paired = set(found.to)
    out: list[Conflict] = []
    i = 0
    n = len(found.claim)
    while i < n:
        if not _is_loose(pair, i):
            i += 1
            continue
        j = i
        while j + 1 < n and _is_loose(pair, j + 1):
            j += 1
        out += _replacement(pair, i, j, paired)
        i = j + 1
    return out


def _is_loose(pair: Pair, i: int) -> bool:
    word = pair.found.claim[i]
    return (
        word.is_content
        and pair.covered[i] < 0.6
        and not word.is_number
        and not pair.found.is_opposite[i]
        and word.text not in LIGHT
    )


def _replacement(pair: Pair, i: int, j: int, paired: set[int]) -> list[Conflict]:
    """What the note has between the pairs of the words around claim[i..j]."""
    found = pair.found
    left = _anchor(found, range(i - 1, max(-1, i - 4), -1))
    right = _anchor(found, range(j + 1, min(len(found.claim), j + 4)))
    m = len(found.evidence)
    low = found.to[left] + 1 if left is not None else None
    high = found.to[right] if right is not None else None
    tight = (left == i - 1 if left is not None else False) and (
        right == j + 1 if right is not None else False
    )
    if low is None and high is None:
        return []
    if low is None:
        assert high is not None
        low = max(0, high - (j - i + 2))
    if high is None:
        high = min(m, low + (j - i + 2))
    if high <= low or high - low > (j - i + 1) + 4:
        return []
    clause = {found.evidence[k].clause for k in range(low, high)}
    other = [
        k
        for k in range(low, high)
        if found.evidence[k].is_content
        and k not in paired
        and found.evidence[k].text not in LIGHT
        and not found.evidence[k].is_number
    ]
    if not other or len(clause) > 2:
        return []
    mine = found.claim[i : j + 1]
    theirs = [found.evidence[k] for k in other]
    kind, strength = _substitution(mine, theirs, tight, both=left is not None and right is not None)
    if not strength:
        return []
    return [
        Conflict(
            kind=kind,
            said=pair.claim[mine[0].start : mine[-1].end],
            noted=pair.note[theirs[0].start : theirs[-1].end],
            strength=strength,
        )
    ]


def _anchor(found: Alignment, places: Sequence[int] | range) -> int | None:
    """The nearest word that is surely paired, function words passed over."""
    for k in places:
        if found.to[k] >= 0 and found.score[k] >= 0.88 and not found.is_opposite[k]:
            return k
        if found.claim[k].is_content:
            return None
    return None


def _substitution(
    mine: Sequence[Word], theirs: Sequence[Word], tight: bool, *, both: bool
) -> tuple[str, float]:
    """Kind and strength of one run of words standing in place of another."""
    named = any(w.is_name for w in mine), any(w.is_name for w in theirs)
    if all(named):
        return "name", 0.9 if both else 0.45
    if any(named):
        return "name", 0.5 if tight else 0.35 if both else 0.0
    if any(o in {w.text for w in theirs} for w in mine for o in opposites(w.text)):
        return "opposite", 0.85
    own, other = sum(len(w.text) for w in mine), sum(len(w.text) for w in theirs)
    if tight and own <= 6 and abs(own - other) <= 1 and len(mine) == len(theirs):
        return "word", 0.7
    return "word", 0.3 if both and own <= 8 and other <= 10 else 0.0
