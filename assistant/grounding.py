"""The check: what the notes say of each claim of a text.

For a claim, sentences come from what it cites and from a search with the claim itself. Each
sentence is aligned with the claim; slots that differ are found by `contrast`; from what is
covered, missing and in conflict in all of them `judging` makes the verdict. Knows claims and
hits; does not know who wrote the text. Called by `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.asked import stated
from assistant.claims import ClaimSpan, claims_of, standalone_parts
from assistant.comparing import Finding, compare, verbatim
from assistant.compound import changed_part, lacks_clause, lacks_part, of_parts, parts_of
from assistant.deciding import Models, nearest, telling, worked_out
from assistant.disagreement import disagreements
from assistant.judging import (
    Likelihood,
    better_read,
    claim_row,
    decide,
    is_open_to,
    judged_row,
    settled,
    with_reading,
)
from assistant.markers import without_markers
from assistant.passages import (
    Passage,
    evidence_of,
    joined,
    of_hits,
    passages_of,
    roughly_best,
    unique,
)
from assistant.polarity import is_partial_denial_unmet
from assistant.reasons import reason_for
from assistant.retrieval import retrieve
from assistant.rewording import rewordings
from assistant.shares import Shares, shares_of
from assistant.similarity import WordSimilarity
from assistant.types import LIKELY, Citation, Claim, Disagreement, Evidence, Hit, Verdict
from assistant.verbatim import is_verbatim, verbatim_passage
from assistant.words import Word, weigh, words
from corpus.protocol import Frequencies, Index
from corpus.types import Chunk, Note

__all__ = ["Checker", "Search", "Source", "load_checker", "searching"]

_HITS = 12
_ALIGNED = 12  # sentences that are aligned word by word, of all that were found
_NEAREST = 6  # passages that are read once more for another wording of a claim
_AROUND = 1_200  # characters of a passage that is shown to another judge as a whole
_MAX_CHARS = 2_000  # of a claim; a longer one is no sentence


# The passages for a claim, at most so many, best first.
Search = Callable[[str, int], Sequence[Hit]]
# Whether a passage may be evidence at all; None for all.
Counts = Callable[[Passage], bool] | None


class Places(Frequencies, Protocol):
    """Notes and their chunks by path, and how rare a word is in them."""

    def note(self, path: str, /) -> Note:
        """The note of a path."""

    def chunks_of(self, path: str, /) -> list[Chunk]:
        """Its chunks, in the order of its text."""


class Source(Protocol):
    """What the check needs of notes: an index, or texts that were handed over."""

    def snapshot(self) -> AbstractContextManager[Places]:
        """The notes, unchanged while the block runs."""


class Checker:
    """Checks texts against notes. Threads may share it.

    Args:
        source: the notes.
        similar: word vectors.
        models: what was trained.
        search: finds passages in the notes.
        support: least probability of "supported"; None for that of `models.verdicts`.
    """

    def __init__(
        self,
        source: Source,
        similar: WordSimilarity,
        models: Models,
        search: Search,
        support: float | None = None,
    ) -> None:
        self._source = source
        self._search = search
        self._similar = similar
        self._models = models
        self.support = models.verdicts.facts.get("support", 1.0) if support is None else support

    def at(self, support: float) -> Checker:
        """The same check with another least probability of "supported"."""
        return Checker(self._source, self._similar, self._models, self._search, support)

    def check(self, text: str, citations: Sequence[Citation] = ()) -> tuple[Claim, ...]:
        """Every claim of a text with its verdict.

        Args:
            text: an answer or any text.
            citations: what its markers stand for, when they stand for anything.

        Returns:
            Claims in order of appearance; the title of a cited note above what is quoted from it
            is none.
        """
        titles = {f"**{citation.title}**" for citation in citations}
        return tuple(
            self.judge(text, span, citations)
            for span in claims_of(text)
            if span.markers or span.text not in titles
        )

    def judge(
        self,
        text: str,
        span: ClaimSpan,
        citations: Sequence[Citation] = (),
        *,
        counts: Counts = None,
    ) -> Claim:
        """One claim of a text with its verdict; arguments as `check`.

        `counts` says which passages may be evidence.
        """
        return self._judge(text, span, {c.marker: c for c in citations}, counts)

    def supporting(
        self, claim: str, citation: Citation, *, counts: Counts = None
    ) -> Evidence | None:
        """The span by which one cited passage supports a claim or a part that stands alone.

        Args:
            claim: without markers; supported as a whole by some passage or other.
            citation: the passage in question.
            counts: as `judge`.
        """
        passages = unique(list(self._cited_passages([citation], counts)))
        for part in dict.fromkeys([claim, *standalone_parts(claim)]):
            exact = next((p for p in passages if is_verbatim(part, p.text)), None)
            if exact is not None:
                return evidence_of(exact)
            found = self._best(part, passages)
            if found is not None and found.verdict is Verdict.SUPPORTED:
                return evidence_of(found.passage)
        return None

    def around(self, claim: Claim) -> str:
        """The evidence of a claim with its note's title and the passage it stands in, or ""."""
        found = claim.evidence
        if found is None:
            return ""
        start, end = found.start, found.end
        with self._source.snapshot() as now:
            note = now.note(found.note)
            for chunk in now.chunks_of(found.note):
                if chunk.start < end and start < chunk.end and chunk.end - chunk.start <= _AROUND:
                    start, end = min(start, chunk.start), max(end, chunk.end)
        return f"{found.title}\n{note.text[start:end]}"

    def disagreements(
        self, claims: Sequence[Claim], hits: Sequence[Hit]
    ) -> tuple[Disagreement, ...]:
        """Supported claims that another note gives another figure for.

        Args:
            claims: of one answer.
            hits: the passages the answer was made from, and others found with it.
        """
        return disagreements(claims, hits, self._compared)

    def finding(self, claim: str) -> Finding | None:
        """What the notes say of one claim by the passage that decides; None when none is near."""
        return self._find(claim, ())

    def _find(
        self,
        claim: str,
        cited: Sequence[Citation],
        *,
        is_code: bool = False,
        counts: Counts = None,
    ) -> Finding | None:
        """The deciding passage of a claim; the weakest part's, if all are supported apart."""
        own: list[Passage] = []
        for passage in self._cited_passages(
            cited, counts
        ):  # of a copy, only what it cites itself is read
            if is_verbatim(claim, passage.text):
                return verbatim(passage)
            own.append(passage)
        hits = self._search(claim, 2 * _HITS)
        for hit in hits:
            exact = verbatim_passage(claim, hit)
            if exact is not None and (counts is None or counts(exact)):
                return verbatim(exact)
        claim = stated(claim)
        near = [*own, *_counting(of_hits(hits[:_HITS]), counts)]
        whole = self._best(claim, unique(near), is_code=is_code)
        if whole is None or whole.is_verbatim or is_code:
            return whole
        parts = parts_of(claim)
        is_whole = whole.verdict is Verdict.SUPPORTED and not lacks_part(whole, parts)
        if is_whole or len(parts) < 2:
            return whole
        if whole.verdict is Verdict.CONTRADICTED and (whole.found or whole.sum):
            return changed_part(whole, parts)
        # a claim that no passage supports as a whole may be made of two that different ones do
        found = [
            self._best(p.said, unique([*near, *self._passages(p.said, cited, counts)]))
            for p in parts
        ]
        return of_parts(whole, parts, found)

    def _judge(
        self, text: str, span: ClaimSpan, cited: dict[int, Citation], counts: Counts
    ) -> Claim:
        if len(span.text) > _MAX_CHARS:
            return Claim(
                text=span.text,
                start=span.start,
                end=span.end,
                verdict=Verdict.NOT_CHECKED,
                score=0.0,
                reason=reason_for(None, span.text, too_long=True),
            )
        plain = without_markers(span.text)
        own = [cited[n] for n in span.markers if n in cited]
        # what the text cites elsewhere may be what this claim rests on
        others = [c for n, c in cited.items() if n not in span.markers]
        best = self._find(plain, [*own, *others], is_code=span.is_code, counts=counts)
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
        moved = (
            bool(own) and best.verdict is Verdict.SUPPORTED and not set(span.markers) & set(markers)
        )
        return Claim(
            text=span.text,
            start=span.start,
            end=span.end,
            verdict=best.verdict,
            score=round(best.score, 3),
            citations=kept if best.verdict is Verdict.SUPPORTED else (),
            evidence=evidence_of(passage)
            if best.verdict is not Verdict.UNSUPPORTED or best.rest >= 0.4
            else None,
            reason=reason_for(best, plain, moved=(span.markers, kept) if moved else None),
        )

    def _cited_passages(self, cited: Sequence[Citation], counts: Counts) -> Iterator[Passage]:
        """Of each citation its span first, then the sentences of the chunks it stands in."""
        yield from _counting(self._all_cited(cited), counts)

    def _all_cited(self, cited: Sequence[Citation]) -> Iterator[Passage]:
        for citation in cited:
            with self._source.snapshot() as now:
                note = now.note(citation.note)
                chunks = [
                    c
                    for c in now.chunks_of(note.path)
                    if c.start < citation.end and citation.start < c.end
                ]
            if chunks:
                start, end = citation.start, citation.end
                yield Passage(note=note, chunk=chunks[0], start=start, end=end, context=note.title)
            for chunk in chunks:
                yield from passages_of(note, chunk)

    def _passages(
        self, claim: str, cited: Sequence[Citation], counts: Counts = None
    ) -> list[Passage]:
        """Sentences that may speak of a claim: cited ones first, then found ones."""
        hits = self._search(claim, _HITS)
        return unique([*_counting([*self._all_cited(cited), *of_hits(hits)], counts)])

    def findings(self, claim: str) -> list[Finding]:
        """What each passage that comes near says of a claim, for training and measuring."""
        return self._compared(claim, self._passages(claim, ()))

    def shares(self, claim: str) -> Shares:
        """How much of a claim the passages hold that come near, for training."""
        return self._shares(claim, self._passages(claim, ()))

    def _shares(self, claim: str, passages: Sequence[Passage]) -> Shares:
        return shares_of(*self._weighed(claim), passages)

    def _best(
        self, claim: str, passages: Sequence[Passage], *, is_code: bool = False
    ) -> Finding | None:
        found = self._compared(claim, passages)
        if not found:
            return None
        if is_code:  # code is compared to the letter only
            exact = next((f for f in found if f.is_verbatim), None)
            return exact or replace(found[0], score=0.1)
        whole = self._decided(claim, found, passages)
        if whole.verdict is Verdict.SUPPORTED:
            return whole
        worked = worked_out(whole, claim, found)
        if worked is not None:
            return worked
        others = [other for other in rewordings(claim) if is_open_to(whole, claim, other)]
        if not others:
            return whole
        nearest = sorted(found, key=lambda f: -f.coverage)[:_NEAREST]
        near = unique([whole.passage, *(f.passage for f in nearest)])
        read = [self._decided(other, self._compared(other, near), near) for other in others]
        return better_read(whole, list(zip(others, read, strict=True)))

    def _decided(
        self, claim: str, found: Sequence[Finding], passages: Sequence[Passage]
    ) -> Finding:
        """The passage that decides, with the verdict of all; at least one."""
        models = self._models
        rows = with_reading([judged_row(f) for f in found], models.read(claim, found))
        odds = models.judge.probabilities(rows)
        row = claim_row(rows, odds)[None, :]
        chances = models.verdicts.probabilities(row)[0]
        verdict, at = decide(
            rows,
            odds,
            chances,
            support=self.support,
            is_near=any(f.is_near for f in found),
            misplaced=next((i for i, f in enumerate(found) if f.is_misplaced), -1),
        )
        if verdict is Verdict.SUPPORTED and not found[at].is_verbatim:
            at = telling(claim, found, odds[:, 0])
            if lacks_clause(claim, found[at]):
                verdict = Verdict.UNSUPPORTED
        elif verdict is Verdict.CONTRADICTED:
            at = nearest(found, odds[:, 1], at)
            if is_partial_denial_unmet(claim, found[at].passage.text):
                verdict = Verdict.UNSUPPORTED
        likely = None
        if models.likely is not None and verdict is not Verdict.SUPPORTED:
            chance = float(models.likely.probabilities(row)[0, 0])
            likely = Likelihood.of(models.likely.facts).probability(
                rows,
                chance,
                self._shares(claim, passages),
                is_contradicted=verdict is Verdict.CONTRADICTED,
            )
        whole = settled(found[at], verdict, chances, support=self.support, likely=likely)
        if whole.verdict is Verdict.CONTRADICTED and whole.score >= LIKELY:
            return replace(whole, verdict=Verdict.UNSUPPORTED)  # it is rather supported than not
        return whole

    def _compared(self, claim: str, passages: Sequence[Passage]) -> list[Finding]:
        if not passages:
            return []
        ours, weights = self._weighed(claim)
        ranked = roughly_best(ours, weights, passages, _ALIGNED)
        return compare(claim, [*ranked, *joined(ranked, passages)], weights, self._similar)

    def _weighed(self, claim: str) -> tuple[tuple[Word, ...], NDArray[np.float64]]:
        """The words of a claim, and how much each weighs in the notes."""
        ours = words(claim)
        with self._source.snapshot() as now:
            return ours, weigh(ours, now.idf, now.df)


def searching(index: Index) -> Search:
    """The product's own search in an index."""

    def search(claim: str, k: int) -> list[Hit]:
        return retrieve(index, claim, k=k)

    return search


def load_checker(
    source: Source, similar: WordSimilarity, search: Search, support: float | None = None
) -> Checker:
    """The check with the models that ship; arguments as of `Checker`."""
    return Checker(source, similar, Models.load(similar.encoder), search, support)


def _counting(passages: Iterable[Passage], counts: Counts) -> Iterator[Passage]:
    return (passage for passage in passages if counts is None or counts(passage))


def _meets(citation: Citation, passage: Passage) -> bool:
    return citation.start < passage.end and passage.start < citation.end
