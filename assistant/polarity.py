"""What one side denies, limits or turns into its opposite, and the other does not.

Negations with what they govern, opposites, quantifiers, clauses that take their words crosswise.
Knows an alignment and the words of relation, not notes. Called by `contrast`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.alignment import Alignment
from assistant.conflict import Conflict, Pair
from assistant.denials import denies, quantifier
from assistant.lexicon import LIGHT
from assistant.relations import relations
from assistant.roles import is_converse
from assistant.words import Word

__all__ = [
    "added_quantifiers",
    "denies_unsaid",
    "heads",
    "is_partial_denial_unmet",
    "lacks_relation",
    "mixing",
    "polarity",
    "quantifiers",
    "scopes",
]


def scopes(found: Sequence[Word]) -> list[int]:
    """How many negations govern each word: those before it in its clause, double ones cancel."""
    out = [0] * len(found)
    limiting = _limiting(found)
    for i, word in enumerate(found):
        if word.role != "negation" or i in limiting:
            continue
        # one that stands right before another one denies it
        near = found[max(0, i - 3) : i]
        times = 1 + sum(w.role == "negation" and w.clause == word.clause for w in near)
        for j in range(i + 1, len(found)):
            if found[j].clause != word.clause or found[j].role == "negation":
                break
            out[j] += times
    return [n % 2 for n in out]


_UNIVERSAL = frozenset({"all"})


def _limiting(found: Sequence[Word]) -> dict[int, int]:
    """Negations that deny a scope, not what is said in it, each with the word of scope it denies.

    不是所有, 并非全部, not all, not every: what holds of some is not denied of them.
    """
    return {
        i: i + 1
        for i, word in enumerate(found[:-1])
        if word.role == "negation"
        and found[i + 1].clause == word.clause
        and quantifier(found[i + 1].text) in _UNIVERSAL
    }


# By letters: 所有权重 may be cut as 所有权 and 重.
_NOT_ALL = re.compile(
    r"(?:不是|并非|并不是|不见得|未必)(?:所有|全部|每|都|一切)|不(?:全|都)是"
    r"|\bnot (?:all|every|each|always)\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"所有|全部|全都|每|都|一切|任何|一律|始终|总是|\b(?:all|every|each|always|any|entirely)\b",
    re.IGNORECASE,
)


def is_partial_denial_unmet(claim: str, passage: str) -> bool:
    """Whether a claim denies that something holds of all, and a passage does not say that it does.

    Only what holds of all contradicts "not all"; a passage about some of them does not.
    """
    return _NOT_ALL.search(claim) is not None and _ALL.search(passage) is None


def _classes(found: Sequence[Word]) -> dict[int, str]:
    """The class of each quantifying word by its place; "part" where it is denied of the whole."""
    denied = set(_limiting(found).values())
    return {
        i: "part" if i in denied else quantifier(word.text)
        for i, word in enumerate(found)
        if word.role == "quantifier"
    }


def heads(found: Sequence[Word]) -> list[tuple[int, int]]:
    """Each negation with the first content words that it denies."""
    out = []
    limiting = _limiting(found)
    for i, word in enumerate(found):
        if word.role != "negation" or i in limiting:
            continue
        n = 0
        for j in range(i + 1, min(len(found), i + 6)):
            if found[j].clause != word.clause:
                break
            if found[j].is_content:
                out.append((i, j))
                n += 1
                if n == 2:
                    break
    return out


def denies_unsaid(ours: Sequence[Word], both: Sequence[float]) -> bool:
    """Whether the claim denies something of which the passage does not speak.

    A light word or a single character is not what is denied where another word follows it: 不看
    logits.

    Args:
        ours: words of the claim.
        both: per word, how surely passage or context say it, in [0, 1].
    """
    by_cue: dict[int, list[int]] = {}
    for cue, head in heads(ours):
        by_cue.setdefault(cue, []).append(head)
    for denied in by_cue.values():
        telling = [i for i in denied if len(ours[i].text) > 1 and ours[i].text not in LIGHT]
        if any(both[i] < 0.5 for i in telling or denied):
            return True
    return False


def polarity(pair: Pair) -> list[Conflict]:
    """What one side denies and the other states."""
    found = pair.found
    denies = any(w.role == "negation" for w in (*found.claim, *found.evidence))
    if not denies and not any(found.is_opposite):
        return []
    ours, theirs = scopes(found.claim), scopes(found.evidence)
    own_heads, their_heads = heads(found.claim), heads(found.evidence)
    out = []
    tried: set[int] = set()
    for cue, head in own_heads:
        j = found.to[head]
        if j < 0 or cue in tried:
            continue
        tried.add(cue)
        if (ours[head] ^ theirs[j]) != int(found.is_opposite[head]):
            said = pair.claim[found.claim[cue].start : found.claim[head].end]
            strength = _denial(pair, head, j, ours, theirs)
            if any(c == cue and found.to[first] < 0 for c, first in own_heads if first < head):
                strength = min(strength, _UNSURE)  # what is denied is a narrower thing
            out.append(_denied(pair, said, j, strength))
    tried.clear()
    for cue, head in their_heads:
        i = pair.claim_of(head)
        if i < 0 or cue in tried:
            continue
        tried.add(cue)
        if any(i == h for _, h in own_heads):
            continue
        if (ours[i] ^ theirs[head]) != int(found.is_opposite[i]):
            out.append(
                Conflict(
                    kind="negation",
                    said=pair.claim[found.claim[i].start : found.claim[i].end],
                    noted=pair.note[found.evidence[cue].start : found.evidence[head].end],
                    strength=_denial(pair, i, head, ours, theirs),
                )
            )
    governed = {h for _, h in own_heads} | {pair.claim_of(h) for _, h in their_heads}
    return out + _opposed(pair, governed, ours, theirs)


_OTHERWISE = frozenset("否则 不然 要不然 otherwise".split())


def _told_elsewhere(pair: Pair, i: int, j: int, ours: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether a denial that two paired words do not share is no conflict after all.

    One side says the word twice, once with it and once without: which is meant, the pairing does
    not tell. Or one says what is to be done and what happens otherwise, the other what happens
    where it is not done.
    """
    mine, other = pair.found.claim, pair.found.evidence
    again = any(
        k != j and w.text == other[j].text and theirs[k] == ours[i] for k, w in enumerate(other)
    ) or any(k != i and w.text == mine[i].text and ours[k] == theirs[j] for k, w in enumerate(mine))
    if again:
        return True
    turns = [any(w.text in _OTHERWISE for w in side) for side in (mine, other)]
    return turns[0] != turns[1]


# Opposites that mostly stand side by side, or only in one of their senses.
_LOOSE = frozenset(
    "上 下 去 来 前面 后 后面 自己 一起 各自 结果 原因 文档 查询 query document "
    "question answer 问题 答案 回答 会 不会 就是 不是 已经 没有 一个 多个 一点 "
    "part join with".split()
)


def _opposed(
    pair: Pair, governed: set[int], ours: Sequence[int], theirs: Sequence[int]
) -> list[Conflict]:
    """Opposites that no negation governs."""
    found = pair.found
    out: list[Conflict] = []
    if any(found.is_opposite) and is_converse(pair):
        return out
    for i, contrary in enumerate(found.is_opposite):
        j = found.to[i]
        if contrary and i not in governed and ours[i] == theirs[j]:
            a, b = found.claim[i].text, found.evidence[j].text
            loose = (a in _LOOSE and b in _LOOSE) or _names_both(pair, a, b)
            out.append(
                Conflict(
                    kind="opposite",
                    said=pair.claim[found.claim[i].start : found.claim[i].end],
                    noted=pair.note[found.evidence[j].start : found.evidence[j].end],
                    strength=_UNSURE if loose else 0.75,
                )
            )
    return out


def _names_both(pair: Pair, said: str, noted: str) -> bool:
    """Whether both sides have both of two opposites: which goes with which, order tells."""
    sides = [{w.text for w in side} for side in (pair.found.claim, pair.found.evidence)]
    return all(
        any(w == word or _one_stem(w, word) for w in side)
        for side in sides
        for word in (said, noted)
    )


def _one_stem(a: str, b: str) -> bool:
    return (
        a.isascii() and b.isascii() and len(a) > 3 and a[:4] == b[:4] and abs(len(a) - len(b)) < 3
    )


def _denial(pair: Pair, i: int, j: int, ours: Sequence[int], theirs: Sequence[int]) -> float:
    """How sure it is that one side denies what the other states.

    Less where both clauses deny, where a side says the word with the denial and without, and
    where the one that does not deny says so by another word: who ignores a thing does not look at
    it.
    """
    found = pair.found
    mine, other = found.claim[i].clause, found.evidence[j].clause
    odd = sum(w.role == "negation" for w in found.claim if w.clause == mine) % 2
    even = sum(w.role == "negation" for w in found.evidence if w.clause == other) % 2
    if odd == even or _told_elsewhere(pair, i, j, ours, theirs):
        return _UNSURE
    silent, clause = (found.evidence, other) if odd else (found.claim, mine)
    speaking = {w.text for w in (found.claim if odd else found.evidence)}
    if any(
        w.clause == clause and w.role != "negation" and denies(w.text) and w.text not in speaking
        for w in silent
    ):
        return _IMPLIED
    return 0.5 + 0.4 * found.score[i]


_UNSURE, _IMPLIED = 0.3, 0.4


def _denied(pair: Pair, said: str, j: int, strength: float) -> Conflict:
    word = pair.found.evidence[j]
    before = pair.found.evidence[j - 1] if j else word
    start = before.start if before.clause == word.clause else word.start
    return Conflict(
        kind="negation",
        said=said,
        noted=pair.note[start : word.end],
        strength=strength,
    )


def added_quantifiers(pair_claim: str, found: Alignment) -> list[str]:
    """Words of the claim that widen or narrow what the passage says without such a word.

    `所有`, `只`, `必须` in the claim where the sentence has none of their class.
    """
    theirs = set(_classes(found.evidence).values())
    return [
        pair_claim[found.claim[i].start : found.claim[i].end]
        for i, mine in _classes(found.claim).items()
        if mine in _STRICT and not _KIN.get(mine, frozenset()) & theirs
    ]


def mixing(found: Alignment) -> float:
    """How far the claim's clauses take their words crosswise from the passage's clauses, in [0, 1].

    `GQA 的速度接近 MHA,质量接近 MQA` against `质量接近 MHA,速度接近 MQA`: each clause of the claim
    finds its words in both clauses of the note.
    """
    shares: dict[int, dict[int, int]] = {}
    for i, j in enumerate(found.to):
        if j >= 0 and found.claim[i].is_content and found.score[i] >= 0.85:
            row = shares.setdefault(found.claim[i].clause, {})
            row[found.evidence[j].clause] = row.get(found.evidence[j].clause, 0) + 1
    seconds = sorted(
        (
            sorted(row.values())[-2] / sum(row.values())
            for row in shares.values()
            if len(row) > 1 and sum(row.values()) > 1
        ),
        reverse=True,
    )
    return float(seconds[1]) if len(seconds) > 1 else 0.0


def lacks_relation(claim: str, note: str) -> bool:
    """Whether the claim compares, or orders steps, and the passage does nothing of the kind.

    The same words in any passage do not say who is better or what comes first.
    """
    mine = {r.kind for r in relations(claim)} & _TWO_SIDED
    return bool(mine) and bool(mine - {r.kind for r in relations(note)})


_TWO_SIDED = frozenset({"sequence", "compare", "improve"})
_STRICT = frozenset({"only", "not_only", "all", "least", "atmost", "none", "must"})
_KIN = {
    "only": frozenset({"only"}),
    "not_only": frozenset({"not_only"}),
    "all": frozenset({"all"}),
    "least": frozenset({"least"}),
    "atmost": frozenset({"atmost"}),
    "none": frozenset({"none"}),
    "must": frozenset({"must", "only"}),
}
_CLASH = {
    frozenset({"only", "not_only"}): 0.85,
    frozenset({"all", "some"}): 0.7,
    frozenset({"all", "none"}): 0.85,
    frozenset({"some", "none"}): 0.8,
    frozenset({"all", "most"}): 0.5,
    frozenset({"least", "atmost"}): 0.85,
    frozenset({"some", "most"}): 0.5,
    frozenset({"part", "all"}): 0.8,
    frozenset({"part", "none"}): 0.5,
}


def quantifiers(pair: Pair) -> list[Conflict]:
    """`all` where the note says `some`, `only` where it says `not only`."""
    found = pair.found
    out = []
    theirs = list(_classes(found.evidence).items())
    for i, mine in _classes(found.claim).items():
        word = found.claim[i]
        head = next(
            (
                k
                for k in range(i + 1, len(found.claim))
                if found.claim[k].is_content and found.to[k] >= 0
            ),
            None,
        )
        if head is None:
            continue
        j = found.to[head]
        near = [(k, other) for k, other in theirs if k < j and j - k <= 5]
        if not near or any(other == mine for _, other in near):
            continue
        k, other = near[-1]
        strength = _CLASH.get(frozenset({mine, other}), 0.0)
        if strength:
            out.append(
                Conflict(
                    kind="quantifier",
                    said=pair.claim[word.start : found.claim[head].end],
                    noted=pair.note[found.evidence[k].start : found.evidence[j].end],
                    strength=strength,
                )
            )
    return out
