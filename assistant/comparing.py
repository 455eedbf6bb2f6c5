"""What one passage says of one claim: what it covers, what it lacks, where they part ways.

Knows claims, passages and alignments; `judging` decides what a finding means. Called by
`grounding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.alignment import Alignment, Matcher
from assistant.conflict import Conflict
from assistant.contrast import conflicts
from assistant.differing import missing_numbers
from assistant.misplaced import misplaced
from assistant.nearcopy import alteration
from assistant.passages import Passage
from assistant.polarity import added_quantifiers, denies_unsaid, lacks_relation, mixing, scopes
from assistant.scattered import is_scattered
from assistant.similarity import WordSimilarity
from assistant.types import Verdict
from assistant.verbatim import is_copy_of_subject, is_verbatim
from assistant.words import Word, words
from corpus.text import has_han

__all__ = ["Finding", "compare", "contradiction", "verbatim"]

_Row = NDArray[np.float64]  # a number for each word of the claim

_MAX_CHARS = 2_000  # of a passage, for its vector
_CONTEXT_WEIGHT = 0.85
# Fitted on the dev halves of eval/golden (eval/LOG.md).
_REST = 0.6
_TOPIC = 0.28
_DENIED = 0.7
_CONFLICT = 0.55
_NEAR_COPY, _NEAR_BONUS = 0.85, 0.15
# Conflicts in which the claim has other words than the note; in the rest it has the same ones.
_OTHER_WORDS = frozenset({"number", "version", "name", "word", "opposite"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one passage says of a claim.

    Attributes:
        coverage: weighted share of the claim that the passage and its context say, in [0, 1].
        own: the same for the passage alone.
        rest: coverage of what is not in conflict, in [0, 1].
        told: the same for the passage alone, 0 where fewer than two content words are not in
            conflict: a figure may outweigh the words that many notes share.
        is_verbatim: the claim stands there to the letter, marks and blanks aside.
        found: slots in which they differ, surest first.
        names: names of the claim that the passage does not know.
        numbers: quantities of the claim that it does not state.
        words: other words of the claim without a pair, heaviest first.
        denied: the claim denies something of which the passage does not speak, or compares or
            orders where it does not.
        added: quantifying words of the claim that the passage has none of.
        mixing: how far its clauses take their words crosswise from those of the passage.
        is_scattered: its names and what is said of them stand in different sentences, of which
            the latter speaks of another name.
        heaviest: largest share of the claim's weight that one word without a pair has.
        is_altered: a copy of the passage with something changed that matters.
        is_near: what is copied stands close together in the passage.
        is_misplaced: a figure of the claim stands there, but of another thing.
        is_crossing: claim and passage are in different languages.
        is_joined: the passage is more than one sentence.
        in_order: share of neighbouring words of the claim whose pairs keep their order.
        soft: share of the covered weight that rests on likeness, not on the same word.
        extra: share of the passage's content words, between the first and the last that is
            paired, that the claim does not have.
        n_words: content words of the claim.
        n_passage: content words of the passage.
        n_loose: content words of the claim without a pair.
        cosine: of the vectors of claim and passage, in [-1, 1].
        kin: coverage in which a word without a pair counts as much as its most similar word.
        odds: probabilities that the passage supports, contradicts, or does neither.
        reworded: the form of the claim that was compared, where it is another one than written.
        part: the part of the claim on which the verdict rests; "" for the whole.
        kept: the parts that are supported, where one is not.
        sum: how the figure of the claim follows, or does not, from those of the notes; "" where
            nothing was worked out.
    """

    passage: Passage
    coverage: float
    own: float
    rest: float
    told: float
    is_verbatim: bool
    found: tuple[Conflict, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    words: tuple[str, ...]
    denied: bool
    added: tuple[str, ...]
    mixing: float
    is_scattered: bool
    heaviest: float
    is_altered: bool
    is_near: bool
    is_misplaced: bool
    is_crossing: bool
    is_joined: bool
    in_order: float
    soft: float
    extra: float
    n_words: int
    n_passage: int
    n_loose: int
    cosine: float
    kin: float
    odds: tuple[float, float, float]
    verdict: Verdict
    score: float
    reworded: str = ""
    part: str = ""
    kept: str = ""
    sum: str = ""


def compare(
    claim: str, passages: Sequence[Passage], weights: _Row, similar: WordSimilarity
) -> list[Finding]:
    """What each of some passages says of a claim, in their order.

    Args:
        claim: the claim.
        passages: what it is compared with; all at once, since the words are paired at once.
        weights: of the words of the claim.
        similar: word vectors.
    """
    comparison = _Comparison(claim, passages, weights, similar)
    cosines = similar.vectors([p.text[:_MAX_CHARS] for p in passages])
    cosines = cosines @ similar.vectors([claim])[0]
    return [comparison.finding(p, float(c)) for p, c in zip(passages, cosines, strict=True)]


class _Comparison:
    """A claim beside passages, their words and those around them paired with its own."""

    def __init__(
        self, claim: str, passages: Sequence[Passage], weights: _Row, similar: WordSimilarity
    ) -> None:
        ours = words(claim)
        self._claim = claim
        self._weights = weights
        self._similar = similar
        self._matcher = Matcher(ours, [words(p.text) for p in passages], similar)
        around = [words(text) for p in passages for text in (p.context, p.before)]
        self._around = Matcher(ours, around, None)

    def finding(self, passage: Passage, cosine: float) -> Finding:
        """What one of the passages says; `cosine` is that of the vectors of claim and passage."""
        claim, weights, text = self._claim, self._weights, passage.text
        ours = self._matcher.claim
        if is_verbatim(claim, text) or is_copy_of_subject(claim, passage):
            return verbatim(passage)
        found = self._matcher.align(words(text), text)
        lost = missing_numbers(claim, text, f"{passage.context} {passage.before}")
        context = self._around.align(words(passage.context), passage.context)
        before = self._around.align(words(passage.before), passage.before)
        own, both = _covered(found, context, before)
        for i, word in enumerate(ours):
            if word.is_number and not any(q.start <= word.start < q.end for q in lost):
                own[i], both[i] = max(own[i], 0.9), max(both[i], 0.9)
        altered = alteration(claim, text, passage.context)
        moved = misplaced(claim, text, passage.context)
        objections = [*moved, *conflicts(claim, text, found, both.tolist())]
        said = [c.said for c in objections if c.kind in _OTHER_WORDS]
        kept = np.array([not any(_overlaps(claim, w, other) for other in said) for w in ours])
        loose = sorted(
            (i for i, w in enumerate(ours) if w.is_content and both[i] < 0.5 and not w.is_number),
            key=lambda i: -weights[i],
        )
        whole, rest = _share(own, weights), _share(both[kept], weights[kept])
        return Finding(
            passage=passage,
            coverage=_share(both, weights),
            own=whole,
            rest=rest,
            told=_told(ours, own, weights, kept),
            is_verbatim=False,
            found=tuple(objections),
            names=tuple(
                claim[w.start : w.end] for i, w in enumerate(ours) if w.is_name and both[i] < 0.6
            ),
            numbers=tuple(claim[q.start : q.end] for q in lost),
            words=tuple(claim[ours[i].start : ours[i].end] for i in loose),
            denied=lacks_relation(claim, text) or denies_unsaid(ours, both.tolist()),
            added=tuple(added_quantifiers(claim, found)),
            mixing=mixing(found),
            is_scattered=is_scattered(passage, found, context),
            heaviest=max((float(weights[i]) for i in loose), default=0.0)
            / (float(weights.sum()) or 1.0),
            is_altered=bool(altered),
            is_near=altered == "near",
            is_misplaced=bool(moved) and rest >= _REST and whole >= _TOPIC,
            is_crossing=has_han(claim) != has_han(text),
            is_joined=bool(passage.cuts),
            in_order=_in_order(found),
            soft=_soft_share(own, weights),
            extra=_extra(found),
            n_words=int((weights > 0.3).sum()),
            n_passage=sum(w.is_content for w in found.evidence),
            n_loose=len(loose),
            cosine=cosine,
            kin=_kin(found, both, weights, self._similar),
            odds=(0.0, 0.0, 1.0),
            verdict=Verdict.UNSUPPORTED,
            score=0.0,
        )


def _kin(found: Alignment, both: _Row, weights: _Row, similar: WordSimilarity) -> float:
    """Coverage in which a word without a pair counts as much as its most similar word."""
    score = both.copy()
    loose = [
        i
        for i, w in enumerate(found.claim)
        if w.is_content and score[i] < 0.5 and not (w.is_number or w.is_name)
    ]
    if not loose:
        return _share(score, weights)
    there = sorted({w.text for w in found.evidence if w.is_content and not w.is_number})
    if there:
        near = similar.matrix([found.claim[i].text for i in loose], there).max(axis=1)
        score[loose] = np.maximum(score[loose], near)
    return _share(score, weights)


def _told(ours: Sequence[Word], own: _Row, weights: _Row, kept: NDArray[np.bool_]) -> float:
    said = [i for i, word in enumerate(ours) if kept[i] and word.is_content and not word.is_number]
    return _share(own[kept], weights[kept]) if len(said) > 1 else 0.0


def _in_order(found: Alignment) -> float:
    places = [j for i, j in enumerate(found.to) if j >= 0 and found.claim[i].is_content]
    if len(places) < 2:
        return 1.0
    kept = sum(a <= b for a, b in pairwise(places))
    return kept / (len(places) - 1)


def _soft_share(own: _Row, weights: _Row) -> float:
    covered = own * weights
    total = float(covered.sum())
    return float(covered[own < 0.88].sum()) / total if total > 0 else 0.0


def _extra(found: Alignment) -> float:
    paired = {j for i, j in enumerate(found.to) if j >= 0 and found.claim[i].is_content}
    if not paired:
        return 1.0
    span = [j for j in range(min(paired), max(paired) + 1) if found.evidence[j].is_content]
    return sum(j not in paired for j in span) / max(1, len(span))


def verbatim(passage: Passage) -> Finding:
    """The finding of a passage that holds the claim to the letter."""
    return Finding(
        passage=passage,
        coverage=1.0,
        own=1.0,
        rest=1.0,
        told=1.0,
        is_verbatim=True,
        found=(),
        names=(),
        numbers=(),
        words=(),
        denied=False,
        added=(),
        mixing=0.0,
        is_scattered=False,
        heaviest=0.0,
        is_altered=False,
        is_near=False,
        is_misplaced=False,
        is_crossing=False,
        is_joined=False,
        in_order=1.0,
        soft=0.0,
        extra=0.0,
        n_words=1,
        n_passage=1,
        n_loose=0,
        cosine=1.0,
        kin=1.0,
        odds=(0.99, 0.0, 0.01),
        verdict=Verdict.SUPPORTED,
        score=0.99,
    )


def _share(covered: _Row, weights: _Row) -> float:
    total = float(weights.sum())
    return float((covered * weights).sum()) / total if total > 0 else 0.0


def _covered(found: Alignment, context: Alignment, before: Alignment) -> tuple[_Row, _Row]:
    """Per word, how surely the passage says it, and how surely passage or context do.

    A name that only the sentence before knows does not count where the passage speaks of
    another name: `Galactica` does not speak of `BlenderBot`.
    """
    same = ~np.array(found.is_opposite, dtype=bool) | _denies_opposite(found)
    own = np.array(found.score, dtype=float) * same
    around = np.zeros_like(own)
    paired = set(found.to)
    of_another = any(w.is_name and j not in paired for j, w in enumerate(found.evidence))
    names = np.array([w.is_name for w in found.claim], dtype=bool)
    for part in (context, before):
        near = np.array(part.score, dtype=float) * ~np.array(part.is_opposite, dtype=bool) * same
        near[near < 0.85] = 0.0
        if part is before and of_another:
            near[names] = 0.0
        around = np.maximum(around, near)
    return own, np.maximum(own, _CONTEXT_WEIGHT * around)


def _denies_opposite(found: Alignment) -> NDArray[np.bool_]:
    """Which words one side says by denying the opposite: `not cheap` and `expensive`."""
    out = np.zeros(len(found.claim), dtype=bool)
    if any(found.is_opposite):
        ours, theirs = scopes(found.claim), scopes(found.evidence)
        for i, j in enumerate(found.to):
            out[i] = found.is_opposite[i] and ours[i] != theirs[j]
    return out


def _overlaps(claim: str, word: Word, said: str) -> bool:
    at = claim.find(said)
    while at >= 0:
        if at <= word.start < at + len(said):
            return True
        at = claim.find(said, at + 1)
    return " … " in said and claim[word.start : word.end] in said


def contradiction(f: Finding) -> Conflict | None:
    """The conflict that decides, if the passage speaks of the same thing at all."""
    bonus = _NEAR_BONUS if f.rest >= _NEAR_COPY and not f.is_crossing else 0.0
    sure = [c for c in f.found if c.strength + bonus >= _CONFLICT]
    if not sure or f.rest < _REST or f.own < _TOPIC:
        return None
    if f.is_joined:  # across sentences only an order of steps can be told
        return next((c for c in sure if c.kind == "order"), None)
    kinds = {c.kind for c in sure}
    renamed = [c for c in sure if c.kind == "name"]
    if renamed and kinds & {"number", "version"}:
        return None  # another name with other figures: another thing
    if kinds == {"negation"} and f.rest < _DENIED:
        return None
    said = " ".join(c.said for c in sure)
    if any(name not in said for name in f.names):
        return None  # it also names something the passage does not know
    return sure[0]
