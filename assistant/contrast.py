"""Where a claim and the passage that speaks of the same thing part ways.

Each rule looks at one kind of slot: numbers with units, versions, negation, opposites,
quantifiers, the sides of a comparison, the order of steps, names and words that stand in each
other's place. A rule names what the claim says, what the note says, and how sure it is. Knows
alignments, not notes; `grounding` decides what a conflict means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from assistant.alignment import Alignment, Word
from assistant.lexicon import LIGHT, denies, opposites, quantifier
from assistant.magnitudes import states
from assistant.quantities import Quantity, quantities
from assistant.relations import relations
from corpus.text import fold, has_han

__all__ = [
    "Conflict",
    "added_quantifiers",
    "conflicts",
    "heads",
    "lacks_relation",
    "missing_numbers",
    "mixing",
    "replacements",
    "scopes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One slot in which claim and note differ.

    Attributes:
        kind: "number", "version", "negation", "opposite", "quantifier", "name", "word",
            "role", "order".
        said: what the claim says, in its own words.
        noted: what the note says, in its own words.
        strength: how sure the rule is that both cannot hold, in [0, 1].
    """

    kind: str
    said: str
    noted: str
    strength: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """A claim and a passage as the rules see them."""

    claim: str
    note: str
    found: Alignment
    covered: tuple[float, ...]
    same_language: bool

    def claim_of(self, place: int) -> int:
        """The word of the claim that is paired with a word of the passage, or -1."""
        return self.found.to.index(place) if place in self.found.to else -1


def conflicts(claim: str, note: str, found: Alignment, covered: Sequence[float]) -> list[Conflict]:
    """Every slot in which a claim differs from a passage, surest first.

    Args:
        claim: the statement.
        note: the passage, a sentence or a few.
        found: their alignment.
        covered: per word of the claim, how surely passage or context say it, in [0, 1].
    """
    pair = _Pair(claim, note, found, tuple(covered), has_han(claim) == has_han(note))
    out = [
        *_numbers(pair),
        *_measures(pair),
        *_versions(pair),
        *_polarity(pair),
        *_quantifiers(pair),
        *_roles(pair),
        *_repaired(pair),
    ]
    if pair.same_language:
        out += [*_swapped(pair), *_permuted(pair), *_replaced(pair)]
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
    pair = _Pair(claim, note, found, tuple(covered), has_han(claim) == has_han(note))
    out = [*_numbers(pair), *_measures(pair), *_versions(pair), *_polarity(pair)]
    return out + _replaced(pair) if pair.same_language else out


# Numbers -----------------------------------------------------------------------------------


_UNIT_CLASSES = (
    frozenset(
        {"年", "月", "个月", "周", "星期", "天", "日", "小时", "分钟", "秒", "ms", "us", "ns"}
    ),
    frozenset({"gb", "mb", "kb", "tb", "字节", "bytes", "byte", "bit", "bits"}),
    frozenset({"%", "‰", "倍", "数量级"}),
    frozenset({"元", "美元"}),
    frozenset({"类", "阶段", "步", "项", "点", ""}),
)


def _comparable(a: str, b: str) -> bool:
    return a == b or not a or not b or any({a, b} <= group for group in _UNIT_CLASSES)


_UNCOUNTED = frozenset({"", "类"})  # units of things, not of time, size or share
_COUPLE = re.compile(r"两|\b[Tt]wo\b|\bboth\b")
_COUNTED = re.compile(
    r"[二两三四五六七八九十](?:[个种条类步方部端侧边]|部分|方面|阶段)|[2-9]\s?[个种类条]|"
    r"\b(?:[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix)\b"
)


def missing_numbers(claim: str, note: str, context: str = "") -> list[Quantity]:
    """Quantities of a claim that neither the passage nor its context states."""
    if not quantities(claim):
        return []
    known = [*quantities(note), *quantities(context)]
    out = [q for q in quantities(claim) if not q.is_weak and not any(states(k, q) for k in known)]
    if not any(_COUNTED.match(note, k.start) for k in quantities(note) if not k.is_weak):
        # 两个特征, where the note names both and counts nothing
        out = [q for q in out if q.unit not in _UNCOUNTED or not _COUPLE.match(claim, q.start)]
    if not out:
        return []
    plain = re.sub(r"[\s,]", "", fold(note + " " + context))
    return [q for q in out if not _stands_in(q, claim, plain)]


def _stands_in(q: Quantity, claim: str, plain: str) -> bool:
    """Whether the figure as written stands in the passage: part of a name, a date, a formula."""
    written = re.sub(r"[\s,]", "", fold(claim[q.start : q.end]))
    digits = re.match(r"[\d.]*\d", written)
    if not digits:
        return False
    if written != digits.group():
        return re.search(rf"(?<![\d.]){re.escape(written)}(?![a-z\d])", plain) is not None
    return (
        re.search(rf"(?<![\d.]){re.escape(written)}(?![\d]|\.\d|[kmbt%](?![a-z]))", plain)
        is not None
    )


def _numbers(pair: _Pair) -> list[Conflict]:
    """A quantity of the claim where the note has another one of the same kind."""
    claimed, noted = quantities(pair.claim), quantities(pair.note)
    lost = missing_numbers(pair.claim, pair.note) if noted else []
    if not lost:
        return []
    free = [
        k
        for k in noted
        if not k.is_weak
        and not any(states(k, q) for q in claimed)
        and (k.unit or not _NAMED.search(pair.note[: k.start]))
    ]
    out = []
    close = [set(_words_near(pair.found.evidence, k, 7)) for k in free]
    for q in lost:
        best: tuple[float, Quantity] | None = None
        around = _words_near(pair.found.claim, q, 4)
        for k, there in zip(free, close, strict=True):
            near = _shared(pair.found, around, there)
            if not _comparable(q.unit, k.unit):
                if near < 0.75:
                    continue
                near -= 0.2
            elif q.unit and q.unit == k.unit:
                near += 0.15
            if best is None or near > best[0]:
                best = (near, k)
        if best and best[0] >= 0.35:
            k = best[1]
            out.append(
                Conflict(
                    kind="number",
                    said=pair.claim[q.start : q.end],
                    noted=pair.note[k.start : k.end],
                    strength=min(0.95, 0.45 + 0.5 * best[0]),
                )
            )
    return out


_NAMED = re.compile(r"[A-Za-z][\s\-]*$")  # what follows is a version of a name, no count


def _shared(found: Alignment, around: Sequence[int], close: set[int]) -> float:
    """Share of the words around a claim's quantity whose pairs stand around the note's.

    Args:
        found: the alignment.
        around: places of words in the claim, nearest first; at most four.
        close: places of words in the passage.
    """
    if not around:
        return 0.5
    weights = [1.0, 0.8, 0.6, 0.4][: len(around)]
    hits = [
        w * found.score[i]
        for w, i in zip(weights, around, strict=True)
        if found.to[i] in close and not found.is_opposite[i]
    ]
    return float(sum(hits)) / float(sum(weights))


def _words_near(found: Sequence[Word], q: Quantity, n: int) -> list[int]:
    """Places of the `n` words that stand nearest to a quantity, nearest first."""
    middle = (q.start + q.end) / 2
    apart = [
        (abs((w.start + w.end) / 2 - middle), i)
        for i, w in enumerate(found)
        if w.role != "stop" and not q.start <= w.start < q.end
    ]
    return [i for _, i in sorted(apart)[:n]]


_MEASURES = (
    frozenset("年 月 周 天 日 小时 分钟 秒 毫秒 year month week day hour minute second ms".split()),
    frozenset("bit byte 比特 字节 kb mb gb tb kib mib gib tib".split()),
    frozenset("元 美元 块 dollar yuan".split()),
)
_MEASURING = frozenset().union(*_MEASURES)


def _measures(pair: _Pair) -> list[Conflict]:
    """Another unit of the same kind, apart from its figure: 4 个 GPU 天, 4 个 GPU 小时."""
    found = pair.found
    said = {w.text for w in found.claim}
    out = []
    for i, word in enumerate(found.claim):
        if word.text not in _MEASURING:
            continue
        group = next(g for g in _MEASURES if word.text in g)
        if any(w.text == word.text for w in found.evidence):
            continue
        before = found.to[i - 1] if i else -1
        for j, other in enumerate(found.evidence):
            near = before >= 0 and abs(j - before) <= 2
            if other.text in group and other.text not in said and near:
                out.append(
                    Conflict(
                        kind="number",
                        said=pair.claim[word.start : word.end],
                        noted=pair.note[other.start : other.end],
                        strength=0.8,
                    )
                )
                break
    return out


_VERSIONED = re.compile(r"([A-Za-z][A-Za-z.+#]*)[\s\-_]*[vV]?(\d+(?:\.\d+)*)(?![\d.]*\d?[A-Za-z%])")


def _versions(pair: _Pair) -> list[Conflict]:
    """The same name with another version: BlenderBot 2 where the note speaks of BlenderBot 3."""
    claimed = _named_versions(pair.claim)
    if not claimed:
        return []
    noted: dict[str, set[str]] = {}
    for _, name, version in _named_versions(pair.note):
        noted.setdefault(fold(name), set()).add(version)
    out = []
    for said, name, version in claimed:
        known = noted.get(fold(name), set())
        if known and version not in known:
            other = f"{name} {min(known)}"
            out.append(Conflict(kind="version", said=said, noted=other, strength=0.7))
    return out


@lru_cache(maxsize=8192)
def _named_versions(text: str) -> tuple[tuple[str, str, str], ...]:
    """Names with a version: as written, the name, the version."""
    return tuple((m.group(), m.group(1), m.group(2)) for m in _VERSIONED.finditer(text))


# Negation, opposites, quantifiers -------------------------------------------------------------


def scopes(found: Sequence[Word]) -> list[int]:
    """How many negations govern each word: those before it in its clause, double ones cancel."""
    out = [0] * len(found)
    for i, word in enumerate(found):
        if word.role != "negation":
            continue
        # one that stands right before another one denies it
        near = found[max(0, i - 3) : i]
        times = 1 + sum(w.role == "negation" and w.clause == word.clause for w in near)
        for j in range(i + 1, len(found)):
            if found[j].clause != word.clause or found[j].role == "negation":
                break
            out[j] += times
    return [n % 2 for n in out]


def heads(found: Sequence[Word]) -> list[tuple[int, int]]:
    """Each negation with the first content words that it denies."""
    out = []
    for i, word in enumerate(found):
        if word.role != "negation":
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


def _polarity(pair: _Pair) -> list[Conflict]:
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
            strength = _denial(found, head, j, found.score[head])
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
                    strength=_denial(found, i, head, found.score[i]),
                )
            )
    governed = {h for _, h in own_heads} | {pair.claim_of(h) for _, h in their_heads}
    return out + _opposed(pair, governed, ours, theirs)


def _opposed(
    pair: _Pair, governed: set[int], ours: Sequence[int], theirs: Sequence[int]
) -> list[Conflict]:
    """Opposites that no negation governs."""
    found = pair.found
    out = []
    for i, contrary in enumerate(found.is_opposite):
        j = found.to[i]
        if contrary and i not in governed and ours[i] == theirs[j]:
            out.append(
                Conflict(
                    kind="opposite",
                    said=pair.claim[found.claim[i].start : found.claim[i].end],
                    noted=pair.note[found.evidence[j].start : found.evidence[j].end],
                    strength=0.75,
                )
            )
    return out


def _denial(found: Alignment, i: int, j: int, score: float) -> float:
    """How sure it is that one side denies what the other states.

    Less where both clauses deny, and where the one that does not says so by another word: who
    ignores a thing does not look at it.
    """
    mine, other = found.claim[i].clause, found.evidence[j].clause
    odd = sum(w.role == "negation" for w in found.claim if w.clause == mine) % 2
    even = sum(w.role == "negation" for w in found.evidence if w.clause == other) % 2
    if odd == even:
        return _UNSURE
    silent, clause = (found.evidence, other) if odd else (found.claim, mine)
    if any(w.clause == clause and w.role != "negation" and denies(w.text) for w in silent):
        return _IMPLIED
    return 0.5 + 0.4 * score


_UNSURE, _IMPLIED = 0.3, 0.4


def _denied(pair: _Pair, said: str, j: int, strength: float) -> Conflict:
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
    theirs = {quantifier(w.text) for w in found.evidence if w.role == "quantifier"}
    return [
        pair_claim[w.start : w.end]
        for w in found.claim
        if w.role == "quantifier"
        and quantifier(w.text) in _STRICT
        and not _KIN.get(quantifier(w.text), frozenset()) & theirs
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
}


def _quantifiers(pair: _Pair) -> list[Conflict]:
    """`all` where the note says `some`, `only` where it says `not only`."""
    found = pair.found
    out = []
    theirs = [
        (j, quantifier(w.text)) for j, w in enumerate(found.evidence) if w.role == "quantifier"
    ]
    for i, word in enumerate(found.claim):
        if word.role != "quantifier":
            continue
        mine = quantifier(word.text)
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


# Roles and order ------------------------------------------------------------------------------


def _roles(pair: _Pair) -> list[Conflict]:
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
            kept = _meets(pair, mine.subject, other.subject) + _meets(
                pair, mine.object, other.object
            )
            crossed = _meets(pair, mine.subject, other.object) + _meets(
                pair, mine.object, other.subject
            )
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


def _meets(pair: _Pair, mine: Sequence[int], theirs: Sequence[int]) -> float:
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


def _swapped(pair: _Pair) -> list[Conflict]:
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


def _permuted(pair: _Pair) -> list[Conflict]:
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


def _repaired(pair: _Pair) -> list[Conflict]:
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


# Names and words in each other's place ---------------------------------------------------------


def _replaced(pair: _Pair) -> list[Conflict]:
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


def _is_loose(pair: _Pair, i: int) -> bool:
    word = pair.found.claim[i]
    return (
        word.is_content
        and pair.covered[i] < 0.6
        and not word.is_number
        and not pair.found.is_opposite[i]
        and word.text not in LIGHT
    )


def _replacement(pair: _Pair, i: int, j: int, paired: set[int]) -> list[Conflict]:
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
