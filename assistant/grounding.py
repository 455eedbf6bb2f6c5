"""The check: what the notes say of each claim of a text.

For a claim, sentences come from what it cites and from a search with the claim itself. Each
sentence is aligned with the claim; slots that differ are found by `contrast`; what is covered,
missing and in conflict gives the verdict. "Supported" needs coverage and the absence of every
objection; one objection is enough to lose it. Knows claims and hits; does not know who wrote
the text. Called by `pipeline`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.alignment import Alignment, Matcher, Word, weigh, words
from assistant.claims import ClaimSpan, claims_of, standalone_parts
from assistant.contrast import (
    Conflict,
    added_quantifiers,
    conflicts,
    heads,
    missing_numbers,
    mixing,
)
from assistant.quantities import quantities
from assistant.reasons import reason_for
from assistant.retrieval import retrieve
from assistant.similarity import WordSimilarity
from assistant.types import Citation, Claim, Disagreement, Evidence, Hit, Verdict
from corpus.blocks import units
from corpus.index import Index
from corpus.sentences import is_label
from corpus.text import fold, has_han
from corpus.types import Chunk, Note

__all__ = ["Checker", "Finding"]

_HITS = 8
_ALIGNED = 8  # sentences that are aligned word by word, of all that were found
_CONTEXT_WEIGHT = 0.85
_MAX_CHARS = 2_000  # of a claim; a longer one is no sentence
# Fitted on the dev halves of eval/golden (eval/LOG.md).
_SUPPORT = 0.66
_OWN = 0.45
_CROSS_SUPPORT = 0.56
_CROSS_OWN = 0.40
_REST = 0.6
_TOPIC = 0.28
_DENIED = 0.7
_CONFLICT = 0.55
_HEAVIEST = 0.2
_SAME_THING, _SAME_OWN = 0.8, 0.5
_NEAR_COPY, _NEAR_BONUS = 0.85, 0.15
# Conflicts in which the claim has other words than the note; in the rest it has the same ones.
_OTHER_WORDS = frozenset({"number", "version", "name", "word", "opposite"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one passage says of a claim.

    Attributes:
        coverage: weighted share of the claim that the passage and its context say, in [0, 1].
        own: the same for the passage alone.
        rest: coverage of what is not in conflict, in [0, 1].
        is_verbatim: the claim stands there to the letter, marks and blanks aside.
        found: slots in which they differ, surest first.
        names: names of the claim that the passage does not know.
        numbers: quantities of the claim that it does not state.
        words: other words of the claim without a pair, heaviest first.
        denied: the claim denies something of which the passage does not speak.
        added: quantifying words of the claim that the passage has none of.
        mixing: how far its clauses take their words crosswise from those of the passage.
        is_scattered: its names and what is said of them stand in different sentences, of which
            the latter speaks of another name.
        heaviest: largest share of the claim's weight that one word without a pair has.
        is_crossing: claim and passage are in different languages.
        is_joined: the passage is more than one sentence.
        in_order: share of neighbouring words of the claim whose pairs keep their order.
        soft: share of the covered weight that rests on likeness, not on the same word.
        extra: share of the passage's content words, between the first and the last that is
            paired, that the claim does not have.
        n_words: content words of the claim.
        n_passage: content words of the passage.
        n_loose: content words of the claim without a pair.
        odds: probabilities that the passage supports, contradicts, or does neither.
    """

    passage: Passage
    coverage: float
    own: float
    rest: float
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
    is_crossing: bool
    is_joined: bool
    in_order: float
    soft: float
    extra: float
    n_words: int
    n_passage: int
    n_loose: int
    odds: tuple[float, float, float]
    verdict: Verdict
    score: float


class Checker:
    """Checks texts against an index. Threads may share it.

    Args:
        index: the notes.
        similar: word vectors.
    """

    def __init__(self, index: Index, similar: WordSimilarity) -> None:
        self._index = index
        self._similar = similar

    def check(self, text: str, citations: Sequence[Citation] = ()) -> tuple[Claim, ...]:
        """Every claim of a text with its verdict.

        Args:
            text: an answer or any text.
            citations: what its markers stand for, when they stand for anything.

        Returns:
            Claims in order of appearance.
        """
        by_marker = {citation.marker: citation for citation in citations}
        return tuple(self._judge(text, span, by_marker) for span in claims_of(text))

    def disagreements(
        self, claims: Sequence[Claim], hits: Sequence[Hit]
    ) -> tuple[Disagreement, ...]:
        """Supported claims that another note gives another figure for.

        Args:
            claims: of one answer.
            hits: the passages the answer was made from, and others found with it.
        """
        out: list[Disagreement] = []
        for claim in claims:
            if claim.verdict is not Verdict.SUPPORTED or claim.evidence is None:
                continue
            if not quantities(claim.text):
                continue
            home = claim.evidence.note
            others = [p for h in hits if h.note.path != home for p in passages_of(h.note, h.chunk)]
            best = self._best(_plain_markers(claim.text), others)
            if best is None or not _gives_another_figure(best):
                continue
            quote = best.passage.text
            other = Claim(
                text=quote,
                start=0,
                end=len(quote),
                verdict=Verdict.CONTRADICTED,
                score=round(best.score, 3),
                evidence=_evidence(best.passage),
                reason=reason_for(best, claim.text),
            )
            out.append(Disagreement(claim_a=claim, claim_b=other))
        return tuple(out)

    def finding(self, claim: str) -> Finding | None:
        """What the notes say of one claim by the passage that decides; None when none is near."""
        return self._find(claim, ())

    def _find(
        self, claim: str, cited: Sequence[Citation], *, is_code: bool = False
    ) -> Finding | None:
        """The deciding passage of a claim; of a claim in several parts, that of the weakest."""
        for passage in self._cited_passages(cited):
            if _is_verbatim(claim, passage.text):
                return _verbatim(passage)
        whole = self._best(claim, self._passages(claim, cited), is_code=is_code)
        if whole is None or whole.is_verbatim or is_code:
            return whole
        parts = standalone_parts(claim)
        if len(parts) < 2:
            return whole
        found = [self._best(part, self._passages(part, cited)) for part in parts]
        order = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED, Verdict.SUPPORTED)
        known = [f for f in found if f is not None]
        if len(known) < len(parts):
            return replace(whole, verdict=Verdict.UNSUPPORTED, score=min(whole.score, 0.3))
        worst = min(known, key=lambda f: order.index(f.verdict))
        if whole.verdict is Verdict.CONTRADICTED and worst.verdict is not Verdict.SUPPORTED:
            return whole
        if worst.verdict is Verdict.UNSUPPORTED and whole.verdict is Verdict.SUPPORTED and not whole.is_joined:
            return whole
        return worst

    def _judge(self, text: str, span: ClaimSpan, cited: dict[int, Citation]) -> Claim:
        if len(span.text) > _MAX_CHARS:
            return Claim(
                text=span.text,
                start=span.start,
                end=span.end,
                verdict=Verdict.NOT_CHECKED,
                score=0.0,
                reason=reason_for(None, span.text, too_long=True),
            )
        plain = _plain_markers(span.text)
        own = [cited[n] for n in span.markers if n in cited]
        best = self._find(plain, own, is_code=span.is_code)
        if best is None:
            return Claim(
                text=span.text,
                start=span.start,
                end=span.end,
                verdict=Verdict.UNSUPPORTED,
                score=0.02,
                reason=reason_for(None, plain),
            )
        passage = best.passage
        markers = tuple(
            n for n, c in cited.items() if c.note == passage.note.path and _meets(c, passage)
        )
        kept = tuple(n for n in span.markers if n in markers) or markers[:1]
        moved = bool(own) and best.verdict is Verdict.SUPPORTED and not set(span.markers) & set(markers)
        return Claim(
            text=span.text,
            start=span.start,
            end=span.end,
            verdict=best.verdict,
            score=round(best.score, 3),
            citations=kept if best.verdict is Verdict.SUPPORTED else (),
            evidence=_evidence(passage) if best.verdict is not Verdict.UNSUPPORTED or best.rest >= 0.4 else None,
            reason=reason_for(best, plain, moved=(span.markers, kept) if moved else None),
        )

    def _cited_passages(self, cited: Sequence[Citation]) -> list[Passage]:
        """The cited spans first, then the sentences of the chunks they stand in."""
        out: list[Passage] = []
        with self._index.snapshot() as now:
            for citation in cited:
                note = now.note(citation.note)
                chunks = [c for c in now.chunks_of(note.path) if c.start < citation.end and citation.start < c.end]
                if chunks:
                    start, end = citation.start, citation.end
                    out.append(Passage(note=note, chunk=chunks[0], start=start, end=end, context=note.title))
                out += [p for chunk in chunks for p in passages_of(note, chunk)]
        return out

    def _passages(self, claim: str, cited: Sequence[Citation]) -> list[Passage]:
        """Sentences that may speak of a claim: cited ones first, then found ones."""
        out = self._cited_passages(cited)
        for hit in retrieve(self._index, claim, k=_HITS):
            out += passages_of(hit.note, hit.chunk)
        return list({(p.note.path, p.start, p.end): p for p in out}.values())

    def findings(self, claim: str) -> list[Finding]:
        """What each passage that comes near says of a claim, for training and measuring."""
        return self._compared(claim, self._passages(claim, ()), is_code=False)

    def _best(
        self, claim: str, passages: Sequence[Passage], *, is_code: bool = False
    ) -> Finding | None:
        return _decide(self._compared(claim, passages, is_code=is_code))

    def _compared(
        self, claim: str, passages: Sequence[Passage], *, is_code: bool
    ) -> list[Finding]:
        if not passages:
            return []
        ours = words(claim)
        weights = weigh(ours, self._index.idf)
        ranked = sorted(passages, key=lambda p: -_rough(ours, weights, p))[:_ALIGNED]
        every = [*ranked, *_joined(ranked, passages)]
        texts = [words(p.text) for p in every]
        matcher = Matcher(ours, texts, self._similar)
        around = Matcher(ours, [words(t) for p in every for t in (p.context, p.before)], None)
        return [
            _compare(claim, weights, p, matcher, around, is_code=is_code, is_joined=n >= len(ranked))
            for n, p in enumerate(every)
        ]


def _compare(
    claim: str,
    weights: NDArray[np.float64],
    passage: Passage,
    matcher: Matcher,
    around: Matcher,
    *,
    is_code: bool,
    is_joined: bool,
) -> Finding:
    """What one passage says of a claim."""
    text, ours = passage.text, matcher.claim
    if _is_verbatim(claim, text):
        return _verbatim(passage)
    found = matcher.align(words(text), text)
    lost = missing_numbers(claim, text, f"{passage.context} {passage.before}")
    context = around.align(words(passage.context), passage.context)
    before = around.align(words(passage.before), passage.before)
    own, both = _covered(found, context, before)
    for i, word in enumerate(ours):
        if word.is_number and not any(q.start <= word.start < q.end for q in lost):
            own[i], both[i] = max(own[i], 0.9), max(both[i], 0.9)
    objections = conflicts(claim, text, found, both.tolist())
    clashing = {
        i
        for i, w in enumerate(ours)
        if any(_overlaps(claim, w, c.said) for c in objections if c.kind in _OTHER_WORDS)
    }
    kept = np.array([i not in clashing for i in range(len(ours))])
    loose = sorted(
        (i for i, w in enumerate(ours) if w.is_content and both[i] < 0.5 and not w.is_number),
        key=lambda i: -weights[i],
    )
    finding = Finding(
        passage=passage,
        coverage=_share(both, weights),
        own=_share(own, weights),
        rest=_share(both[kept], weights[kept]),
        is_verbatim=False,
        found=tuple(objections),
        names=tuple(claim[w.start : w.end] for i, w in enumerate(ours) if w.is_name and both[i] < 0.6),
        numbers=tuple(claim[q.start : q.end] for q in lost),
        words=tuple(claim[ours[i].start : ours[i].end] for i in loose),
        denied=any(both[head] < 0.5 for _, head in heads(ours)),
        added=tuple(added_quantifiers(claim, found)),
        mixing=mixing(found),
        is_scattered=_is_scattered(passage, found, context),
        heaviest=max((float(weights[i]) for i in loose), default=0.0) / (float(weights.sum()) or 1.0),
        is_crossing=has_han(claim) != has_han(text),
        is_joined=is_joined,
        in_order=_in_order(found),
        soft=_soft_share(own, weights),
        extra=_extra(found),
        n_words=int((weights > 0.3).sum()),
        n_passage=sum(w.is_content for w in found.evidence),
        n_loose=len(loose),
        odds=(0.0, 0.0, 1.0),
        verdict=Verdict.UNSUPPORTED,
        score=0.0,
    )
    return _with_verdict(finding, is_code=is_code)


def _in_order(found: Alignment) -> float:
    places = [j for i, j in enumerate(found.to) if j >= 0 and found.claim[i].is_content]
    if len(places) < 2:
        return 1.0
    kept = sum(a <= b for a, b in zip(places, places[1:], strict=False))
    return kept / (len(places) - 1)


def _soft_share(own: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    covered = own * weights
    total = float(covered.sum())
    return float(covered[own < 0.88].sum()) / total if total > 0 else 0.0


def _extra(found: Alignment) -> float:
    paired = {j for i, j in enumerate(found.to) if j >= 0 and found.claim[i].is_content}
    if not paired:
        return 1.0
    span = [
        j for j in range(min(paired), max(paired) + 1) if found.evidence[j].is_content
    ]
    return sum(j not in paired for j in span) / max(1, len(span))


KINDS = ("number", "version", "negation", "opposite", "quantifier", "role", "order", "name", "word")
JUDGED = (
    "coverage", "own", "rest", "heaviest", "names", "numbers", "n_loose", "denied", "added", "mixing",
    "scattered", "crossing", "joined", "in_order", "soft", "extra", "n_words", "n_passage", "verbatim",
    *KINDS,
)  # fmt: skip


def judged_row(f: Finding) -> list[float]:
    """The features of a finding in the order of JUDGED."""
    strengths = dict.fromkeys(KINDS, 0.0)
    for c in f.found:
        strengths[c.kind] = max(strengths[c.kind], c.strength)
    return [
        f.coverage, f.own, f.rest, f.heaviest, float(len(f.names)), float(len(f.numbers)),
        float(f.n_loose), float(f.denied), float(len(f.added)), f.mixing, float(f.is_scattered),
        float(f.is_crossing), float(f.is_joined), f.in_order, f.soft, f.extra, float(f.n_words),
        float(f.n_passage), float(f.is_verbatim), *strengths.values(),
    ]  # fmt: skip


def _verbatim(passage: Passage) -> Finding:
    return Finding(
        passage=passage,
        coverage=1.0,
        own=1.0,
        rest=1.0,
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
        is_crossing=False,
        is_joined=False,
        in_order=1.0,
        soft=0.0,
        extra=0.0,
        n_words=1,
        n_passage=1,
        n_loose=0,
        odds=(0.99, 0.0, 0.01),
        verdict=Verdict.SUPPORTED,
        score=0.99,
    )


def _share(covered: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = float(weights.sum())
    return float((covered * weights).sum()) / total if total > 0 else 0.0


def passages_of(note: Note, chunk: Chunk) -> list[Passage]:
    """The sentences, items and rows of a chunk, with title, headings and stem as context."""
    return list(_passages_of(note, chunk))


@lru_cache(maxsize=2048)
def _passages_of(note: Note, chunk: Chunk) -> tuple[Passage, ...]:
    out: list[Passage] = []
    before = ""
    title = " ".join((note.title, *note.aliases))
    for unit in units(note, chunk.start, chunk.end, chunk.heading):
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


def _joined(ranked: Sequence[Passage], every: Sequence[Passage]) -> list[Passage]:
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


def _rough(ours: Sequence[Word], weights: NDArray[np.float64], passage: Passage) -> float:
    """Cheap coverage, to choose what is aligned word by word."""
    bag = _bag(passage.text)
    near = _bag(passage.context)
    folded = fold(passage.text)
    score = 0.0
    for word, weight in zip(ours, weights.tolist(), strict=True):
        names = {word.text, *word.known}
        if not names.isdisjoint(bag) or word.text in folded:
            score += weight
        elif not names.isdisjoint(near):
            score += 0.4 * weight
        elif not _wide(word.text).isdisjoint(bag):
            score += 0.8 * weight
    return score - 0.001 * len(passage.text)


@lru_cache(maxsize=8192)
def _wide(word: str) -> frozenset[str]:
    from assistant.lexicon import alike, opposites
    from corpus.glossary import translations

    return alike(word) | opposites(word) | {name for name, odds in translations(word) if odds > 0.05}


@lru_cache(maxsize=16_384)
def _bag(text: str) -> frozenset[str]:
    out: set[str] = set()
    for word in words(text):
        out.add(word.text)
        out |= word.known
    return frozenset(out)


def _covered(
    found: Alignment, context: Alignment, before: Alignment
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per word, how surely the passage says it, and how surely passage or context do.

    A name that only the sentence before knows does not count where the passage speaks of
    another name: `Galactica` does not speak of `BlenderBot`.
    """
    same = ~np.array(found.is_opposite, dtype=bool)
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


def _is_scattered(passage: Passage, found: Alignment, context: Alignment) -> bool:
    """Whether a joined passage says the claim only in pieces.

    Either a name of the claim stands in one sentence and the rest of it in one about another
    name, or a single clause of the claim finds its words in several sentences.
    """
    if not passage.cuts:
        return False
    starts = [cut - passage.start for cut in passage.cuts]

    def sentence(j: int) -> int:
        return bisect_right(starts, found.evidence[j].start)

    said = [(i, j) for i, j in enumerate(found.to) if j >= 0 and found.claim[i].is_content]
    by_clause: dict[int, Counter[int]] = {}
    for i, j in said:
        if not found.claim[i].is_name:
            by_clause.setdefault(found.claim[i].clause, Counter())[sentence(j)] += 1
    for counts in by_clause.values():
        if sum(counts.values()) - counts.most_common(1)[0][1] >= max(1, 0.3 * sum(counts.values())):
            return True
    plain = Counter(sentence(j) for i, j in said if not found.claim[i].is_name)
    if not plain:
        return False
    main = plain.most_common(1)[0][0]
    names = {w.text for w in found.claim if w.is_name}
    there = {w.text for j, w in enumerate(found.evidence) if sentence(j) == main}
    others = any(
        w.is_name and w.text not in names for j, w in enumerate(found.evidence) if sentence(j) == main
    )
    return others and any(
        found.claim[i].is_name and found.claim[i].text not in there and context.score[i] < 0.85
        for i, _ in said
    )


_KEPT = re.compile(r"(?<=\d)\.(?=\d)|(?<![^\W_])-(?=\d)|[^\W_]|[%‰+#<>=≥≤]")


@lru_cache(maxsize=8192)
def _letters(text: str) -> str:
    return "".join(_KEPT.findall(fold(text)))


def _is_verbatim(claim: str, text: str) -> bool:
    """Whether the claim stands in the passage to the letter, and nothing before it denies it."""
    mine, theirs = _letters(claim), _letters(text)
    if len(mine) < 4:
        return False
    at = theirs.find(mine)
    if at < 0:
        return False
    if at + len(mine) < len(theirs) and mine[-1].isdigit() and theirs[at + len(mine)].isalnum():
        return theirs[at + len(mine)].isalpha() is False
    if at == 0:
        return True
    if mine[0].isdigit() and (theirs[at - 1].isdigit() or theirs[at - 1] == "."):
        return False
    lead = _clause_before(text, len(theirs[:at]))
    return not any(w.role in ("negation", "quantifier") for w in words(lead))


def _clause_before(text: str, n_letters: int) -> str:
    """The words of a clause before its n-th letter."""
    seen, stop = 0, len(text)
    for m in _KEPT.finditer(fold(text)):
        if seen == n_letters:
            stop = m.start()
            break
        seen += 1
    return re.split(r"[,，。；;:：!！?？\n]", text[:stop])[-1]


def _overlaps(claim: str, word: Word, said: str) -> bool:
    at = claim.find(said)
    while at >= 0:
        if at <= word.start < at + len(said):
            return True
        at = claim.find(said, at + 1)
    return " … " in said and claim[word.start : word.end] in said


def _with_verdict(f: Finding, *, is_code: bool) -> Finding:
    """The finding with its verdict and the probability that the passage supports the claim."""
    if is_code:
        return replace(f, score=0.1)
    support, own = (_CROSS_SUPPORT, _CROSS_OWN) if f.is_crossing else (_SUPPORT, _OWN)
    against = _contradiction(f)
    if against is not None:
        found = (against, *(c for c in f.found if c is not against))
        score = max(0.01, 0.3 * (1 - against.strength))
        return replace(f, verdict=Verdict.CONTRADICTED, score=score, found=found)
    worst = max((c.strength for c in f.found), default=0.0)
    blocked = f.names or f.numbers or f.denied or f.is_scattered or f.added or f.mixing >= 0.3 or worst >= 0.35 or f.heaviest > _HEAVIEST
    if not blocked and not is_label(f.passage.text) and f.coverage >= support and f.own >= own:
        return replace(f, verdict=Verdict.SUPPORTED, score=min(0.98, 0.35 + 0.62 * f.coverage))
    return replace(f, score=min(0.45, 0.5 * f.coverage))


def _contradiction(f: Finding) -> Conflict | None:
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


def _decide(findings: Sequence[Finding]) -> Finding | None:
    """The finding that decides: verbatim first, then the surest of support and contradiction."""
    if not findings:
        return None
    verbatim = [f for f in findings if f.is_verbatim]
    if verbatim:
        return min(verbatim, key=lambda f: len(f.passage.text))
    support = max(
        (f for f in findings if f.verdict is Verdict.SUPPORTED),
        key=lambda f: (round(f.coverage, 2), round(f.own, 2), -len(f.passage.text)),
        default=None,
    )
    against = max(
        (f for f in findings if f.verdict is Verdict.CONTRADICTED),
        key=lambda f: (round(f.rest + f.own, 2), -len(f.passage.text)),
        default=None,
    )
    if support and (against is None or _outweighs(support, against)):
        return support
    return against or max(findings, key=lambda f: (f.rest, -len(f.passage.text)))


def _gives_another_figure(f: Finding) -> bool:
    """Whether a passage says the same of the same thing but for a figure."""
    return (
        f.verdict is Verdict.CONTRADICTED
        and f.found[0].kind == "number"
        and f.rest >= _SAME_THING
        and f.own >= _SAME_OWN
        and not f.names
    )


def _outweighs(support: Finding, against: Finding) -> bool:
    """Whether the passage that says it speaks of it more closely than the one that denies it."""
    if support.passage.start <= against.passage.start and against.passage.end <= support.passage.end:
        return False  # the same sentence, seen with its neighbours
    return support.own >= against.own + 0.05 or (
        support.own >= against.own and support.coverage >= against.coverage + 0.05
    )


def _plain_markers(text: str) -> str:
    return re.sub(r"\s*[\[【［]\^?\d{1,3}(?:\s*[,，、]\s*\d{1,3})*[\]】］]", "", text)


def _meets(citation: Citation, passage: Passage) -> bool:
    return citation.start < passage.end and passage.start < citation.end


def _evidence(passage: Passage) -> Evidence:
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
