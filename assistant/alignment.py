"""Word by word, where a statement finds itself in a passage.

`Matcher` pairs each word of a claim with the word of the evidence that says the same: by form, by
another name or translation (`pairing`), as a phrase, or by its vector. The path is chosen as a
whole, so that a word that occurs twice is paired where its neighbours are. Knows nothing of
verdicts; called by `comparing` and `evidence`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from assistant.lexicon import opposites
from assistant.pairing import Neighbours, is_turned, pair
from assistant.similarity import WordSimilarity
from assistant.thesaurus import kin
from assistant.words import MAX_MERGE, Word, is_han_word
from corpus.text import fold, has_han

__all__ = ["Alignment", "Matcher"]

# Cost of leaving the place where the previous word was paired, per word and at most.
_JUMP, _FAR = 0.012, 12
_JUMPS = [n * _JUMP for n in range(_FAR + 1)]
_MIN_MATCH = 0.45
_SAID = 0.88  # score from which a word says what another one says
_SOFT_FLOOR = 0.5
_SOFT_WEIGHT = 0.8
_PHRASE = 0.88  # how surely a phrase of the thesaurus says what another one says


@dataclass(frozen=True, slots=True)
class Alignment:
    """Words of a claim paired with words of the evidence.

    Attributes:
        claim: words of the claim.
        evidence: words of the evidence.
        to: for each word of the claim, the place of its pair in `evidence`, or -1.
        score: how surely the pair says the same, in [0, 1]; 0 without a pair.
        is_opposite: whether the pair says the opposite.
    """

    claim: tuple[Word, ...]
    evidence: tuple[Word, ...]
    to: tuple[int, ...]
    score: tuple[float, ...]
    is_opposite: tuple[bool, ...]


def _keep_own(scores: Sequence[dict[int, float]], against: Sequence[set[int]]) -> None:
    """Drop opposites where the claim names the other side, too: 正样本 beside 负样本."""
    for i, found in enumerate(against):
        for j in list(found):
            if any(
                row.get(j, 0.0) >= _SAID and j not in against[k]
                for k, row in enumerate(scores)
                if k != i
            ):
                found.discard(j)
                scores[i].pop(j)


class Matcher:
    """How surely each word of a claim says the same as each word of some passages.

    Made once per claim for all passages it is compared with. Few words of a passage resemble any
    word of the claim; only those cost anything.

    Args:
        claim: words of the claim.
        passages: words of the passages.
        similar: word vectors, for words that no list pairs; None leaves them out.
    """

    def __init__(
        self,
        claim: tuple[Word, ...],
        passages: Sequence[tuple[Word, ...]],
        similar: WordSimilarity | None,
    ) -> None:
        self.claim = claim
        self._counts = [1.0 if word.role != "stop" else 0.3 for word in claim]
        kinds = list({word.kind: word for passage in passages for word in passage}.values())
        # per word of the claim, the score of each kind that says the same
        scores: list[dict[int, float]] = [{} for _ in claim]
        against: list[set[int]] = [set() for _ in claim]
        said = {word.text for word in claim}
        near = Neighbours(kinds)
        for i, a in enumerate(claim):
            contrary, han = opposites(a.text), is_han_word(a.text)
            for j in near.of(a, contrary):
                b = kinds[j]
                score = pair(a, b)
                turned = b.text in contrary or (han and is_turned(a.text, b.text))
                turned = turned and "有" not in (a.text, b.text)  # 没有 denies what follows
                # neither the opposite that the claim itself names beside this word contradicts it,
                # nor a word of a name: Large Language Models
                if turned and b.text not in said and not b.is_name:
                    against[i].add(j)
                    score = max(score, 0.8)
                if score:
                    scores[i][j] = score
        _keep_own(scores, against)
        self._phrases = _phrases(claim, {word.text for word in kinds})
        if similar is not None and kinds:
            _soft(claim, kinds, scores, similar)
        # the same by kind: (place in the claim, score) of each word that says the same
        self._same: dict[str, list[tuple[int, float]]] = {}
        for i, row in enumerate(scores):
            for j, score in row.items():
                self._same.setdefault(kinds[j].kind, []).append((i, score))
        self._against = [{kinds[j].kind for j in found} for found in against]
        self._aligned: dict[str, Alignment] = {}

    def align(self, evidence: tuple[Word, ...], text: str) -> Alignment:
        """Pair the words of the claim with those of one passage, order taken into account.

        Args:
            evidence: words of one of the passages.
            text: the passage, so that a word cut otherwise by the segmenter is still found.

        Returns:
            The best path; deterministic. Passages of one text, such as the title of several
            sentences, are aligned once.
        """
        if text not in self._aligned:
            self._aligned[text] = self._align(evidence, text)
        return self._aligned[text]

    def _align(self, evidence: tuple[Word, ...], text: str) -> Alignment:
        claim, n = self.claim, len(self.claim)
        if not n or not evidence:
            return Alignment(claim, evidence, (-1,) * n, (0.0,) * n, (False,) * n)
        scores: list[dict[int, float]] = [{} for _ in claim]
        for j, word in enumerate(evidence):
            for i, score in self._same.get(word.kind, ()):
                scores[i][j] = score
        _cut_otherwise(claim, evidence, scores, text)
        _in_parts(claim, evidence, scores)
        _by_phrase(self._phrases, evidence, scores, text)
        rows = [
            sorted(pair for pair in row.items() if pair[1] >= _MIN_MATCH) if row else []
            for row in scores
        ]
        to = _path(rows, self._counts)
        return Alignment(
            claim,
            evidence,
            tuple(to),
            tuple(row[j] if j >= 0 else 0.0 for row, j in zip(scores, to, strict=True)),
            tuple(
                j >= 0 and evidence[j].kind in contrary
                for contrary, j in zip(self._against, to, strict=True)
            ),
        )


def _in_parts(
    claim: Sequence[Word], evidence: Sequence[Word], scores: list[dict[int, float]]
) -> None:
    """Pair an identifier whose parts all stand in the passage: `Llama-3.1-405B`."""
    bag: set[str] | None = None
    for word, row in zip(claim, scores, strict=True):
        if not word.is_name or len(word.known) < 2 or max(row.values(), default=0.0) >= 0.8:
            continue
        if bag is None:
            bag = {name for other in evidence for name in (other.text, *other.known)}
        if word.known <= bag:
            j = next(
                k
                for k, other in enumerate(evidence)
                if not word.known.isdisjoint({other.text, *other.known})
            )
            row[j] = max(row.get(j, 0.0), 0.85)


_folded = lru_cache(maxsize=8192)(fold)  # of sentences: each is aligned with several claims


def _cut_otherwise(
    claim: Sequence[Word], evidence: Sequence[Word], scores: list[dict[int, float]], text: str
) -> None:
    """Pair Chinese words whose characters stand in the passage across its own word borders."""
    folded = ""
    starts: list[int] = []
    for word, row in zip(claim, scores, strict=True):
        if len(word.text) < 2 or not is_han_word(word.text) or 1.0 in row.values():
            continue
        folded = folded or _folded(text)
        at = folded.find(word.text)
        while at >= 0:
            starts = starts or [other.start for other in evidence]
            j = bisect_right(starts, at) - 1
            if j >= 0:
                row[j] = 1.0
            at = folded.find(word.text, at + 1)


def _phrases(claim: Sequence[Word], there: set[str]) -> list[tuple[range, tuple[str, ...]]]:
    """Which words of the claim a phrase of the passages may say, or a word may say together.

    Args:
        claim: words of the claim.
        there: all words of the passages.

    Returns:
        Places in the claim, and phrases of several words, or words for a phrase of the claim,
        that say the same.
    """
    out = []
    chars = set("".join(there))
    for i, word in enumerate(claim):
        han = is_han_word(word.text)
        for n in range(1, min(MAX_MERGE, len(claim) - i) + 1):
            run = claim[i : i + n]
            if n > 1 and (
                is_han_word(run[-1].text) != han
                or run[-1].start - run[-2].end not in ((0,) if han else (1,))
            ):
                break
            said = kin(("" if han else " ").join(w.text for w in run))
            found = (o for o in said if n > 1 or o not in there)  # pairs of words are known
            held = tuple(sorted(o for o in found if _may_stand(o, there, chars)))
            if held:
                out.append((range(i, i + n), held))
    return out


def _may_stand(phrase: str, there: set[str], chars: set[str]) -> bool:
    """Whether the parts of a phrase occur in the passages at all."""
    if has_han(phrase):
        return len(phrase) > 1 and chars.issuperset(phrase)
    return all(part in there for part in phrase.split(" "))


def _by_phrase(
    phrases: Sequence[tuple[range, tuple[str, ...]]],
    evidence: Sequence[Word],
    scores: list[dict[int, float]],
    text: str,
) -> None:
    """Pair words and phrases that say the same: `give up` and 放弃, 降低成本 and 省钱."""
    if not phrases:
        return
    folded, starts = _folded(text), [word.start for word in evidence]
    latin = f" {' '.join(word.text for word in evidence)} "
    for places, names in phrases:
        for name in names:
            if has_han(name):
                at = folded.find(name) if len(name) > 1 else -1
                j = bisect_right(starts, at) - 1
                n = sum(at <= start < at + len(name) for start in starts) if at >= 0 else 0
            else:
                at = latin.find(f" {name} ")
                j = latin.count(" ", 0, at + 1) - 1
                n = name.count(" ") + 1
            if at < 0 or j < 0:
                continue
            for k, i in enumerate(places):
                to = j + min(k, max(n, 1) - 1)
                scores[i][to] = max(scores[i].get(to, 0.0), _PHRASE)


def _soft(
    claim: Sequence[Word],
    kinds: Sequence[Word],
    scores: list[dict[int, float]],
    similar: WordSimilarity,
) -> None:
    rows = [
        i
        for i, w in enumerate(claim)
        if w.is_content and not w.is_number and not w.is_name and 1.0 not in scores[i].values()
    ]
    columns = [j for j, w in enumerate(kinds) if w.is_content and not w.is_number and not w.is_name]
    if not rows or not columns:
        return
    cosines = similar.matrix([claim[i].text for i in rows], [kinds[j].text for j in columns])
    near = np.where(cosines >= _SOFT_FLOOR, _SOFT_WEIGHT * np.minimum(1.0, cosines + 0.1), 0.0)
    for r, i in enumerate(rows):
        contrary = opposites(claim[i].text)
        for c in np.flatnonzero(near[r]).tolist():
            j = columns[c]
            if kinds[j].text not in contrary:
                scores[i][j] = max(scores[i].get(j, 0.0), float(near[r, c]))


def _path(rows: Sequence[Sequence[tuple[int, float]]], counts: Sequence[float]) -> list[int]:
    """Place per word of the claim: the sum of scores less the jumps is largest.

    Args:
        rows: per word of the claim, the places it may be paired with, ascending, and the scores.
        counts: what the scores of each word are multiplied with.

    Returns:
        A place or -1 per word; of paths that are as good, the one that leaves a place earlier.
        Costs the pairs of neighbouring rows.
    """
    first = min((row[0][0] for row in rows if row), default=-1)
    paired: list[tuple[int, float]] = []  # the best sum that ends at each place of the word before
    none, held = 0.0, -1  # the best sum without a pair; the jump from the place left last is due
    came: list[dict[int, int]] = []
    for row, counted in zip(rows, counts, strict=True):
        step: list[tuple[int, float]] = []
        back: dict[int, int] = {}
        for j, score in row:
            best, origin = none, -1
            if held >= 0:
                best -= _JUMPS[min(abs(j - held - 1), _FAR)]
            from_place, at = -math.inf, -1
            for p, value in paired:
                reached = value - _JUMPS[min(abs(j - p - 1), _FAR)]
                if reached > from_place:
                    from_place, at = reached, p
            if from_place > best:
                best, origin = from_place, at
            step.append((j, best + score * counted))
            back[j] = origin
        top, at = max(paired, key=lambda pair: pair[1], default=(-1, -math.inf))[::-1]
        if top >= none:
            none, held, back[-1] = top, at, at
        else:
            back[-1] = -1
        if not came:
            held = first  # before the first pair a jump counts from the first place of all
        paired = step
        came.append(back)
    top, at = max(paired, key=lambda pair: pair[1], default=(-1, -math.inf))[::-1]
    at = at if top >= none else -1
    to = [-1] * len(rows)
    for i in range(len(rows) - 1, -1, -1):
        to[i] = at
        at = came[i][at]
    return to
