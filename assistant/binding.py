"""A model's answer bound to the notes, sentence by sentence.

Every marker is a claim about its sentence and is checked as one: it stays where its passage
supports the sentence, gives way to the passage that does, or is removed. A sentence without
markers is cited by the passage that supports it; a sentence without support carries none. Markers
of the result count from 1 and stand for exact spans. Knows sources and the check; no model.
Called by `generating`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.claims import ClaimSpan, claims_citing
from assistant.edits import behind, edited, gap_behind, removals
from assistant.grounding import Checker
from assistant.injection import asks_about_orders
from assistant.markers import Marker, blanked, markers_of
from assistant.sources import KEY, Source
from assistant.told import is_told, judged
from assistant.types import Citation, Claim, Evidence, MarkerChange, Verdict
from corpus.protocol import Index
from corpus.sentences import whole_spans
from corpus.text import fold, has_han

__all__ = ["Binder", "Bound", "Review", "without_keys"]

Review = Callable[[Sequence[Claim]], Sequence[Claim]]

_BRACKET = re.compile(r"[\[【［]([^\[\]【】［］\n]{1,80})[\]】］](?!\()")
_OPEN_BRACKET = re.compile(r"[\[【［][^\[\]【】［］\n]{0,24}$")
_BETWEEN = re.compile(r"[\s,，、;；]+")
_TOKEN = re.compile(r"\^?[A-Za-z0-9_#:-]{2,16}")
_ENDS = re.compile(r"[\s。．.!！?？;；,，、)）\]】］\[【［*_]|$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An answer as it is shown.

    Attributes:
        claims: with spans of `text`; `citations` of those that are supported.
        spans: of each claim, in the text as the model wrote it.
    """

    text: str
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    changes: tuple[MarkerChange, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marker:
    """A marker as written; `numbers` are those of sources, `invented` what is none."""

    start: int
    end: int
    written: str
    numbers: tuple[int, ...]
    invented: bool


class Binder:
    """Binds growing versions of one answer; a sentence is checked once.

    Args:
        checker: the grounding check.
        index: the notes.
        sources: what the model was given.
        question: words in it are no invented marker.
    """

    def __init__(
        self, checker: Checker, index: Index, sources: Sequence[Source], question: str
    ) -> None:
        self._checker = checker
        self._index = index
        self._by_number = {source.number: source for source in sources}
        self._by_key = {source.key: source.number for source in sources}
        self._given = "\n".join([question, *(s.text for s in sources)])
        self._known = fold(self._given)
        self._asks_about_orders = asks_about_orders(question)
        self._checked: dict[tuple[str, tuple[int, ...]], Claim] = {}
        self._supports: dict[tuple[str, int], Evidence | None] = {}

    def bind(self, written: str, review: Review | None = None) -> Bound:
        """Bind an answer, or the part of it that is complete.

        Args:
            written: as the model wrote it, keys and all.
            review: a second opinion on all claims at once; verdicts may only get worse by it.
        """
        markers, blank, spans = self._read(written)
        claims: Sequence[Claim] = [self._claim(blank, span) for span in spans]
        if review is not None:
            claims = review(claims)
        evidence = [self._evidence(claim, span) for claim, span in zip(claims, spans, strict=True)]
        return self._shown(written, markers, spans, claims, evidence)

    def settled(self, written: str) -> int:
        """Where the last sentence of a growing answer begins: what stands before is complete."""
        _, _, spans = self._read(written)
        return spans[-1].start if len(spans) > 1 and not spans[-1].is_code else 0

    # what the model wrote

    def _read(self, written: str) -> tuple[list[_Marker], str, list[ClaimSpan]]:
        """The markers of an answer, its text with blanks for them, and its claims."""
        markers = self._markers(written)
        given = [Marker(m.start, m.end, m.numbers or (99,)) for m in markers]
        blank = blanked(written, [(m.start, m.end) for m in markers])
        return markers, blank, claims_citing(blank, given)

    def _markers(self, text: str) -> list[_Marker]:
        """The markers of a text in order: keys, plain numbers, and what looks like either."""
        found = [m for m in map(self._bracket, _outside_code(text)) if m is not None]
        taken = {(m.start, m.end) for m in found}
        for start, end, numbers in markers_of(text):
            if (start, end) in taken:
                continue
            known = tuple(n for n in numbers if n in self._by_number)
            invented = len(known) < len(numbers)
            found.append(
                _Marker(
                    start=start, end=end, written=text[start:end], numbers=known, invented=invented
                )
            )
        return sorted(found, key=lambda m: m.start)

    def _bracket(self, match: re.Match[str]) -> _Marker | None:
        """A bracket that holds keys, or something in the place of keys that notes do not have."""
        tokens = [token for token in _BETWEEN.split(match[1].strip()) if token]
        numbers = [self._by_key.get(token.strip("^#").lower()) for token in tokens]
        known = tuple(dict.fromkeys(n for n in numbers if n is not None))
        if not known and not all(self._is_alien(token) for token in tokens):
            return None
        if not tokens or (not known and not _ENDS.match(match.string, match.end())):
            return None
        return _Marker(
            start=match.start(),
            end=match.end(),
            written=match.group(),
            numbers=known,
            invented=len(known) < len(tokens),
        )

    def _is_alien(self, token: str) -> bool:
        """Whether a token looks like a key and stands in no source: no word, no number."""
        if KEY.fullmatch(token.lower()):
            return True
        if not _TOKEN.fullmatch(token) or token.isdigit():
            return False
        return any(c.isdigit() for c in token) and fold(token) not in self._known

    # the check

    def _claim(self, text: str, span: ClaimSpan) -> Claim:
        numbers = tuple(n for n in span.markers if n in self._by_number)
        key = (span.text, numbers)
        if key not in self._checked:
            self._checked[key] = self._judged(text, replace(span, markers=numbers))
        return replace(self._checked[key], start=span.start, end=span.end)

    def _judged(self, text: str, span: ClaimSpan) -> Claim:
        """The verdict on a claim; that a note orders a model to say it is no evidence for it."""
        own = [_citation_of(self._by_number[n]) for n in span.markers]
        if self._asks_about_orders:
            return self._checker.judge(text, span, own)
        return judged(self._checker, lambda path: self._index.note(path).text, text, span, own)

    def is_known(self, address: str) -> bool:
        """Whether an address stands in the question or in what the model was given."""
        return address in self._given

    def _evidence(self, claim: Claim, span: ClaimSpan) -> dict[int, Evidence]:
        """By what each source that a supported claim cites supports it; 0 stands for none cited."""
        if claim.verdict is not Verdict.SUPPORTED or claim.evidence is None:
            return {}
        kept: dict[int, Evidence] = {}
        for number in span.markers:
            source = self._by_number.get(number)
            if source is None:
                continue
            if _inside(claim.evidence, source):
                kept[number] = claim.evidence
                continue
            at = (span.text, number)
            if at not in self._supports:
                words = " ".join(span.text.split())
                counts = None if self._asks_about_orders else is_told
                self._supports[at] = self._checker.supporting(
                    words, _citation_of(source), counts=counts
                )
            found = self._supports[at]
            if found is not None:
                kept[number] = found
        return kept or {0: claim.evidence}

    # what is shown

    def _shown(
        self,
        written: str,
        markers: Sequence[_Marker],
        spans: Sequence[ClaimSpan],
        claims: Sequence[Claim],
        evidence: Sequence[dict[int, Evidence]],
    ) -> Bound:
        numbers: dict[tuple[str, int, int], int] = {}
        citations: list[Citation] = []
        cuts = removals(written, [(m.start, m.end) for m in markers])
        edits = list(cuts)
        shown: list[tuple[int, ...]] = []
        for span, found in zip(spans, evidence, strict=True):
            own: dict[int, None] = {}
            for ground in found.values():
                place = (ground.note, ground.start, ground.end)
                if place not in numbers:
                    numbers[place] = len(numbers) + 1
                    citations.append(self._citation(numbers[place], ground))
                own[numbers[place]] = None
            shown.append(tuple(own))
            if own:
                at, lead = behind(written, span.end, is_code=span.is_code)
                marks = "".join(f"[{n}]" for n in own)
                edits.append((at, at, lead + marks + gap_behind(written, at, cuts)))
        text, moved = edited(written, edits)
        final = []
        for span, claim, found, here in zip(spans, claims, evidence, shown, strict=True):
            start, end = moved(span.start, start=True), moved(span.end)
            reason = self._reason(claim, span, found, here)
            final.append(
                replace(
                    claim, text=text[start:end], start=start, end=end, citations=here, reason=reason
                )
            )
        return Bound(
            text=text,
            citations=tuple(citations),
            claims=tuple(final),
            changes=self._changes(markers, spans, final, evidence),
            spans=tuple((span.start, span.end) for span in spans),
        )

    def _reason(
        self, claim: Claim, span: ClaimSpan, found: dict[int, Evidence], own: tuple[int, ...]
    ) -> str:
        """The reason of a claim; numbers of the prompt mean nothing to the reader."""
        cited = [self._by_number[n] for n in span.markers if n in self._by_number]
        if 0 not in found or not cited or claim.evidence is None:
            return claim.reason
        there, here = "".join(f"[{n}]" for n in own), "、".join(_named(s) for s in cited)
        if has_han(claim.text):
            return f"有据，但依据是 {there}，不是模型所标的{here}"
        return f"supported, but by {there}, not by {here}, which the model cited"

    def _changes(
        self,
        markers: Sequence[_Marker],
        spans: Sequence[ClaimSpan],
        claims: Sequence[Claim],
        evidence: Sequence[dict[int, Evidence]],
    ) -> tuple[MarkerChange, ...]:
        out: list[MarkerChange] = []
        for marker in markers:
            at = _owner(marker, spans)
            claim = claims[at] if at is not None else None
            kept = evidence[at] if at is not None else {}
            lost = [n for n in marker.numbers if n not in kept]
            if not lost and not marker.invented:
                continue
            zh = has_han(claim.text if claim else self._known)
            moved = bool(lost) and 0 in kept
            out.append(
                MarkerChange(
                    sentence=claim.text if claim else "",
                    marker=marker.written,
                    action="repointed" if moved else "removed",
                    to=claim.citations if claim else (),
                    reason=_why(claim, [self._by_number[n] for n in lost], marker.invented, zh),
                )
            )
        return tuple(out)

    def _citation(self, marker: int, ground: Evidence) -> Citation:
        heading: tuple[str, ...] = ()
        with self._index.snapshot() as now:
            for chunk in now.chunks_of(ground.note):
                if chunk.start <= ground.start < chunk.end:
                    heading = chunk.heading
        return Citation(
            marker=marker,
            note=ground.note,
            title=ground.title,
            heading=heading,
            start=ground.start,
            end=ground.end,
            line=ground.line,
            quote=ground.quote,
            date=ground.date,
        )


def without_keys(text: str) -> str:
    """A sentence on its way without its keys, whole or half-written."""
    text = _BRACKET.sub(lambda m: "" if KEY.search(m[1].lower()) else m.group(), text)
    return _OPEN_BRACKET.sub("", text)


def _outside_code(text: str) -> list[re.Match[str]]:
    wholes = [w for w in whole_spans(text, 0, len(text)) if text[w[0]] in "`$"]
    return [m for m in _BRACKET.finditer(text) if not any(a < m.start() < b for a, b in wholes)]


def _citation_of(source: Source) -> Citation:
    note, chunk = source.hit.note, source.hit.chunk
    return Citation(
        marker=source.number,
        note=note.path,
        title=note.title,
        heading=chunk.heading,
        start=chunk.start,
        end=chunk.end,
        line=chunk.line,
        quote=source.hit.text,
        date=note.date,
    )


def _inside(ground: Evidence, source: Source) -> bool:
    chunk = source.hit.chunk
    return (
        ground.note == source.hit.note.path
        and ground.start < chunk.end
        and chunk.start < ground.end
    )


def _named(source: Source) -> str:
    return (
        f"《{source.hit.note.title}》"
        if has_han(source.hit.note.title)
        else f"“{source.hit.note.title}”"
    )


def _owner(marker: _Marker, spans: Sequence[ClaimSpan]) -> int | None:
    """The claim a marker belongs to: the one it stands in or behind, or that owns its numbers."""
    before = [i for i, span in enumerate(spans) if span.start <= marker.start]
    at = before[-1] if before else None
    following = 0 if at is None else at + 1
    for i in (at, following):
        if i is not None and i < len(spans) and set(marker.numbers) & set(spans[i].markers):
            return i
    return at


def _why(claim: Claim | None, lost: Sequence[Source], invented: bool, zh: bool) -> str:
    if claim is None:
        return "不在任何陈述之后" if zh else "it stands behind no statement"
    if invented:
        return "没有这个编号的段落" if zh else "there is no such passage"
    named = ("、" if zh else ", ").join(_named(source) for source in lost)
    if claim.verdict is Verdict.SUPPORTED:
        return f"{named}里没有这句话的依据" if zh else f"{named} does not support the sentence"
    return claim.reason
